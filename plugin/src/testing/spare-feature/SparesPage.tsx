/** A list page of the spare feature. */
import React from 'react';
import { EmptyState } from '@grafana/ui';
import { Page } from '../../frame/Page';
import type { ListSpec } from '../../list/list-spec';
import { ServerTable } from '../../list/ServerTable';
import { StatePill } from '../../values/StatePill';

const spareList: ListSpec<'scale.shards.list'> = {
  read: 'scale.shards.list',
  noun: 'spares',
  rowId: ({ shard_id }) => shard_id,
  columns: [
    { id: 'spare', header: 'Spare', cell: ({ shard_id }) => shard_id },
    { id: 'state', header: 'State', cell: ({ health }) => <StatePill state={health.state} reason={health.reason} /> },
    { id: 'region', header: 'Region', cell: ({ region }) => region },
  ],
  filters: [{ name: 'region', label: 'Region' }],
};

export const SparesPage = () => (
  <Page reads="scale.shards.list">
    <ServerTable list={spareList} empty={<EmptyState variant="call-to-action" message="No spares yet" />} />
  </Page>
);
