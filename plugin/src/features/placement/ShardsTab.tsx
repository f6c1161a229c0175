/** Every shard by kind: load, health, and what can be done about it; above them what moves now. */
import React from 'react';
import { SERVICE_KINDS, type ShardView } from '@cloudlysis/contract';
import { EmptyState, Stack } from '@grafana/ui';
import { useRead } from '../../api/queries';
import { AppLink } from '../../address/AppLink';
import { paths } from '../../address/paths';
import { QueryBoundary } from '../../page-parts/QueryBoundary';
import { Section } from '../../page-parts/Section';
import type { Column, RowAction } from '../../table/columns';
import { count } from '../../values/figures';
import { LoadBar } from '../../values/LoadBar';
import { UnreadableRows } from '../../table/UnreadableRows';
import { PlainTable } from '../../table/PlainTable';
import { RowMenu } from '../../table/RowMenu';
import { StatePill } from '../../values/StatePill';
import { RunningMigrations } from '../../job/Migrations';

const EVERY_MS = 5_000;

const TenantsLink = ({ shard }: { shard: ShardView }) => (
  <AppLink to={paths.placement('tenants', { shard_id: shard.shard_id })}>
    {`${count(shard.tenants)} of ${count(shard.capacity.tenants)}`}
  </AppLink>
);

const shardInput = ({ shard_id, kind, endpoint, labels, capacity, region }: ShardView) => ({
  shard_id,
  kind,
  endpoint,
  labels,
  capacity,
  region,
});

const actions: Array<RowAction<ShardView>> = [
  {
    label: 'Evacuate …',
    change: 'scale.evacuate',
    input: ({ shard_id }) => ({ shard_id }),
    shown: ({ kind }) => kind !== 'gateway',
  },
  {
    label: 'Drain …',
    change: 'scale.drain',
    input: ({ shard_id }) => ({ shard_id, action: 'drain' }),
    shown: ({ kind }) => kind !== 'gateway',
  },
  {
    label: 'Resume …',
    change: 'scale.drain',
    input: ({ shard_id }) => ({ shard_id, action: 'resume' }),
    shown: ({ kind }) => kind !== 'gateway',
  },
  { label: 'Edit …', change: 'scale.shards.put', input: shardInput },
  { label: 'Tenants', href: ({ shard_id }) => paths.placement('tenants', { shard_id }) },
];

const labels = (shard: ShardView): string =>
  Object.entries(shard.labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ') || '–';

const columns: Array<Column<ShardView>> = [
  { id: 'shard', header: 'Shard', width: '90px', cell: ({ shard_id }) => shard_id },
  {
    id: 'health',
    header: 'Node',
    cell: ({ health }) => <StatePill state={health.state} reason={health.reason} spelledOut />,
  },
  {
    id: 'load',
    header: 'Load',
    width: '170px',
    cell: (shard) => <LoadBar load={shard.load} label={`Load of ${shard.shard_id}`} />,
  },
  { id: 'tenants', header: 'Tenants', width: '100px', align: 'right', cell: (shard) => <TenantsLink shard={shard} /> },
  { id: 'region', header: 'Region', width: '80px', cell: ({ region }) => region },
  { id: 'labels', header: 'Labels', width: '120px', cell: labels },
  {
    id: 'actions',
    header: '',
    width: '44px',
    cell: (shard) => <RowMenu row={shard} name={shard.shard_id} actions={actions} />,
  },
];

export function ShardsTab() {
  const query = useRead('scale.shards.list', { query: { limit: 200 } }, { every: EVERY_MS });
  return (
    <Stack direction="column" gap={2}>
      <RunningMigrations />
      <UnreadableRows rows={query.data?.unreadable} />
      <QueryBoundary query={query} isEmpty={({ items }) => items.length === 0} empty={<NoShardsYet />}>
        {({ items }) => (
          <Stack direction="column" gap={3}>
            {SERVICE_KINDS.map((kind) => (
              <ShardsOfKind key={kind} kind={kind} shards={items.filter((shard) => shard.kind === kind)} />
            ))}
          </Stack>
        )}
      </QueryBoundary>
    </Stack>
  );
}

const ShardsOfKind = ({ kind, shards }: { kind: string; shards: readonly ShardView[] }) =>
  shards.length === 0 ? null : (
    <Section title={`${kind[0]?.toUpperCase()}${kind.slice(1)}`}>
      <PlainTable label={`Shards of kind ${kind}`} columns={columns} rows={shards} rowId={({ shard_id }) => shard_id} />
    </Section>
  );

const NoShardsYet = () => (
  <EmptyState variant="call-to-action" message="No shards yet">
    Register the nodes that serve tenants: each with its kind, its admin endpoint and its capacity.
  </EmptyState>
);
