/** Where one tenant lives, per service kind, and how it is moved. */
import React from 'react';
import type { ShardView } from '@cloudlysis/contract';
import { Stack } from '@grafana/ui';
import { useRead } from '../../api/queries';
import { AppLink } from '../../address/AppLink';
import { paths } from '../../address/paths';
import { QueryBoundary } from '../../page-parts/QueryBoundary';
import type { Column, RowAction } from '../../table/columns';
import { count } from '../../values/figures';
import { LoadBar } from '../../values/LoadBar';
import { PlainTable } from '../../table/PlainTable';
import { RowMenu } from '../../table/RowMenu';
import { StatePill } from '../../values/StatePill';
import type { RowOf } from '../../list/use-list';
import { MigrationsOf } from '../../job/Migrations';

type Tenant = RowOf<'tenants.list'>;

interface Row {
  readonly tenantId: string;
  readonly placement: Tenant['placements'][number];
  readonly shard: ShardView | undefined;
}

const drainInput = ({ tenantId, placement }: Row) => ({ shard_id: placement.shard_id, tenant_id: tenantId });

const actions: Array<RowAction<Row>> = [
  {
    label: 'Migrate …',
    change: 'scale.migrate',
    input: ({ tenantId, placement }) => ({ tenant_id: tenantId, kind: placement.kind }),
  },
  { label: 'Drain …', change: 'scale.drain', input: (row) => ({ ...drainInput(row), action: 'drain' }) },
  { label: 'Resume …', change: 'scale.drain', input: (row) => ({ ...drainInput(row), action: 'resume' }) },
];

const columns: Array<Column<Row>> = [
  { id: 'kind', header: 'Service', width: '120px', cell: ({ placement }) => placement.kind },
  {
    id: 'shard',
    header: 'Shard',
    width: '110px',
    cell: ({ placement: { shard_id } }) => <AppLink to={paths.placement('tenants', { shard_id })}>{shard_id}</AppLink>,
  },
  {
    id: 'node',
    header: 'Node',
    cell: ({ shard }) =>
      shard ? <StatePill state={shard.health.state} reason={shard.health.reason} spelledOut /> : '–',
  },
  {
    id: 'load',
    header: 'Load of the shard',
    width: '170px',
    cell: ({ shard }) => (shard ? <LoadBar load={shard.load} label={`Load of ${shard.shard_id}`} /> : '–'),
  },
  {
    id: 'revision',
    header: 'Revision',
    width: '90px',
    align: 'right',
    cell: ({ placement }) => count(placement.revision),
  },
  {
    id: 'actions',
    header: '',
    width: '40px',
    cell: (row) => <RowMenu row={row} name={row.placement.kind} actions={actions} tenantId={row.tenantId} />,
  },
];

const EVERY_MS = 5_000;

export function PlacementTab({ tenant }: { tenant: Tenant }) {
  const shards = useRead('scale.shards.list', { query: { limit: 200 } }, { every: EVERY_MS });
  return (
    <Stack direction="column" gap={2}>
      <QueryBoundary query={shards}>
        {({ items }) => (
          <PlainTable
            label="Placements"
            columns={columns}
            rowId={({ placement }) => placement.kind}
            rows={tenant.placements.map((placement) => ({
              tenantId: tenant.tenant_id,
              placement,
              shard: items.find(({ shard_id }) => shard_id === placement.shard_id),
            }))}
          />
        )}
      </QueryBoundary>
      <MigrationsOf tenantId={tenant.tenant_id} />
    </Stack>
  );
}
