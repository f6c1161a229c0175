/** The list of tenants: which exist and how are they? */
import React from 'react';
import { ENVIRONMENTS, PLACED_KINDS, TENANT_PLANS, TENANT_STATES } from '@cloudlysis/contract';
import { AppLink } from '../../address/AppLink';
import { paths } from '../../address/paths';
import type { Column } from '../../table/columns';
import { optionsOf } from '../../values/options';
import { count, percent, rate } from '../../values/figures';
import type { ListSpec } from '../../list/list-spec';
import { StatePill } from '../../values/StatePill';
import { Time } from '../../values/Time';
import type { RowOf } from '../../list/use-list';
import { shardOptions } from '../../list/shard-options';

type Row = RowOf<'tenants.list'>;

const shardColumns: Array<Column<Row>> = PLACED_KINDS.map((kind) => ({
  id: kind,
  header: `${kind[0]?.toUpperCase()}${kind.slice(1)}`,
  width: kind === 'runner' ? '62px' : '76px',
  cell: ({ placements }) => placements.find((placement) => placement.kind === kind)?.shard_id ?? '–',
}));

const idOf = ({ tenant_id }: Row) => ({ tenant_id });
const idsOf = (rows: readonly Row[]) => ({ tenant_ids: rows.map(({ tenant_id }) => tenant_id) });

export const tenantList: ListSpec<'tenants.list'> = {
  read: 'tenants.list',
  noun: 'tenants',
  rowId: (tenant) => tenant.tenant_id,
  tenantOf: (tenant) => tenant.tenant_id,
  search: 'search',
  searchHint: 'Search by id or name',
  columns: [
    {
      id: 'tenant',
      header: 'Tenant',
      sort: 'tenant_id',
      cell: ({ tenant_id }) => <AppLink to={paths.tenant(tenant_id)}>{tenant_id}</AppLink>,
    },
    {
      id: 'status',
      header: 'Status',
      cell: ({ status }) => (
        <StatePill state={status.state} reason={status.reason} spelledOut={status.state !== 'active'} />
      ),
    },
    { id: 'plan', header: 'Plan', width: '72px', cell: ({ metadata }) => metadata.plan },
    { id: 'environment', header: 'Env', width: '48px', cell: ({ metadata }) => metadata.environments.join(', ') },
    ...shardColumns,
    {
      id: 'rps',
      header: 'req/s',
      width: '54px',
      align: 'right',
      cell: ({ traffic }) => rate(traffic.requests_per_second),
    },
    { id: 'errors', header: '5xx', width: '50px', align: 'right', cell: ({ traffic }) => percent(traffic.error_ratio) },
    { id: 'lag', header: 'Lag', width: '56px', align: 'right', cell: ({ traffic }) => count(traffic.consumer_lag) },
    {
      id: 'updated',
      header: 'Updated',
      width: '84px',
      sort: 'updated_at',
      cell: ({ updated_at }) => <Time at={updated_at} />,
    },
  ],
  filters: [
    { name: 'state', label: 'Status', options: optionsOf(TENANT_STATES) },
    { name: 'plan', label: 'Plan', options: optionsOf(TENANT_PLANS) },
    { name: 'environment', label: 'Environment', options: optionsOf(ENVIRONMENTS) },
    { name: 'shard_id', label: 'Shard', options: shardOptions },
  ],
  rowActions: [
    { label: 'Open', href: ({ tenant_id }) => paths.tenant(tenant_id) },
    { label: 'Migrate …', change: 'scale.migrate', input: idOf, shown: ({ status }) => status.state !== 'archived' },
    {
      label: 'Pause …',
      change: 'tenants.pause',
      input: idOf,
      shown: ({ status }) => !['suspended', 'archived'].includes(status.state),
    },
    { label: 'Resume …', change: 'tenants.resume', input: idOf, shown: ({ status }) => status.state === 'suspended' },
    { label: 'Archive …', change: 'tenants.archive', input: idOf, shown: ({ status }) => status.state !== 'archived' },
    { label: 'Restore …', change: 'tenants.restore', input: idOf, shown: ({ status }) => status.state === 'archived' },
    { label: 'Jobs', href: ({ tenant_id }) => paths.jobs({ tenant_id }) },
  ],
  bulkActions: [
    { label: 'Pause …', change: 'tenants.bulk_pause', input: idsOf },
    { label: 'Resume …', change: 'tenants.bulk_resume', input: idsOf },
    { label: 'Archive …', change: 'tenants.bulk_archive', input: idsOf },
  ],
};
