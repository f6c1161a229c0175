/** Tenants: which exist, how are they, and what can be done about many at once. */
import React from 'react';
import { EmptyState, LinkButton, Stack } from '@grafana/ui';
import { Page } from '../../frame/Page';
import { paths } from '../../address/paths';
import { useCarry } from '../../address/carried-params';
import { AbleButton } from '../../change/AbleButton';
import { ServerTable } from '../../list/ServerTable';
import { tenantList } from './tenant-list';

export function TenantsPage() {
  const carried = useCarry();
  const actions = (
    <Stack gap={1}>
      <LinkButton variant="secondary" href={carried(paths.placement())}>
        Evacuate a shard
      </LinkButton>
      <AbleButton change="tenants.create" variant="primary" icon="plus">
        New tenant
      </AbleButton>
    </Stack>
  );
  return (
    <Page reads="tenants.list" actions={actions}>
      <ServerTable list={tenantList} empty={<NoTenantsYet />} />
    </Page>
  );
}

const NoTenantsYet = () => (
  <EmptyState
    variant="call-to-action"
    message="No tenants yet"
    button={
      <AbleButton change="tenants.create" variant="primary" icon="plus">
        New tenant
      </AbleButton>
    }
  >
    Creating one makes its stream and consumers, places it on the least loaded shards and waits until they serve it.
  </EmptyState>
);
