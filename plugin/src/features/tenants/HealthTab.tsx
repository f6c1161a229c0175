/** The nodes that serve a tenant, asked just now: ready, on what they depend, how far behind. */
import React from 'react';
import type { NodeHealth } from '@cloudlysis/contract';
import { Stack } from '@grafana/ui';
import { useRead } from '../../api/queries';
import { QueryBoundary } from '../../page-parts/QueryBoundary';
import type { Column } from '../../table/columns';
import { count } from '../../values/figures';
import { PlainTable } from '../../table/PlainTable';
import { StatePill } from '../../values/StatePill';

const EVERY_MS = 5_000;

const columns: Array<Column<NodeHealth>> = [
  { id: 'node', header: 'Node', width: '130px', cell: ({ kind, shard_id }) => `${shard_id} · ${kind}` },
  { id: 'state', header: 'State', cell: ({ state, reason }) => <StatePill state={state} reason={reason} spelledOut /> },
  {
    id: 'serves',
    header: 'Serves it',
    width: '76px',
    cell: ({ serves_tenant }) => (serves_tenant === null ? '–' : serves_tenant ? 'yes' : 'no'),
  },
  { id: 'drain', header: 'Drain', width: '92px', cell: ({ drain }) => <StatePill state={drain} /> },
  { id: 'flight', header: 'In flight', width: '68px', align: 'right', cell: ({ in_flight }) => count(in_flight) },
  { id: 'lag', header: 'Lag', width: '60px', align: 'right', cell: ({ consumer_lag }) => count(consumer_lag) },
  {
    id: 'dependencies',
    header: 'Depends on',
    width: '210px',
    cell: ({ dependencies }) => (
      <Stack gap={2} wrap="nowrap">
        {dependencies.map(({ name, ok, detail }) => (
          <StatePill
            key={name}
            state={ok ? 'ok' : 'failed'}
            label={name}
            reason={detail ?? (ok ? 'reached' : 'not reached')}
          />
        ))}
      </Stack>
    ),
  },
  {
    id: 'version',
    header: 'Version',
    width: '130px',
    cell: ({ version, git_sha }) =>
      [version, git_sha].filter((part) => part !== null && part !== 'unknown').join(' · ') || '–',
  },
];

export function HealthTab({ tenantId }: { tenantId: string }) {
  const query = useRead('tenants.health', { params: { tenant_id: tenantId } }, { every: EVERY_MS });
  return (
    <QueryBoundary query={query}>
      {({ nodes }) => <PlainTable label="Nodes" columns={columns} rows={nodes} rowId={({ shard_id }) => shard_id} />}
    </QueryBoundary>
  );
}
