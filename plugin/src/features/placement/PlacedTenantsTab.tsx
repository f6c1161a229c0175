/** Tenants per shard: one row per tenant and service kind. */
import React from 'react';
import { SERVICE_KINDS } from '@cloudlysis/contract';
import { EmptyState } from '@grafana/ui';
import { AppLink } from '../../address/AppLink';
import { paths } from '../../address/paths';
import { optionsOf } from '../../values/options';
import { count } from '../../values/figures';
import { ServerTable } from '../../list/ServerTable';
import type { ListSpec } from '../../list/list-spec';
import { shardOptions } from '../../list/shard-options';

const placementList: ListSpec<'scale.placements.list'> = {
  read: 'scale.placements.list',
  noun: 'placements',
  rowId: ({ tenant_id, kind }) => `${tenant_id} ${kind}`,
  tenantOf: ({ tenant_id }) => tenant_id,
  columns: [
    {
      id: 'tenant',
      header: 'Tenant',
      cell: ({ tenant_id }) => <AppLink to={paths.tenant(tenant_id, 'placement')}>{tenant_id}</AppLink>,
    },
    { id: 'kind', header: 'Service', width: '160px', cell: ({ kind }) => kind },
    { id: 'shard', header: 'Shard', width: '160px', cell: ({ shard_id }) => shard_id },
    { id: 'revision', header: 'Revision', width: '110px', align: 'right', cell: ({ revision }) => count(revision) },
  ],
  filters: [
    { name: 'shard_id', label: 'Shard', options: shardOptions },
    { name: 'kind', label: 'Service', options: optionsOf(SERVICE_KINDS) },
    { name: 'tenant_id', label: 'Tenant' },
  ],
  rowActions: [
    { label: 'Migrate …', change: 'scale.migrate', input: ({ tenant_id, kind }) => ({ tenant_id, kind }) },
    { label: 'Open tenant', href: ({ tenant_id }) => paths.tenant(tenant_id, 'placement') },
  ],
};

export const PlacedTenantsTab = () => (
  <ServerTable
    list={placementList}
    empty={
      <EmptyState variant="call-to-action" message="Nothing is placed yet">
        A new tenant is placed when it is created.
      </EmptyState>
    }
  />
);
