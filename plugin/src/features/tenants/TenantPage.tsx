/** Everything about one tenant: its state with the reason, what can be done about it, and a tab for each question. */
import React from 'react';
import { useParams } from 'react-router';
import { usePluginLinks } from '@grafana/runtime';
import { LinkButton, Stack, Text } from '@grafana/ui';
import { useRead } from '../../api/queries';
import { Page } from '../../frame/Page';
import { paths, TENANT_TABS, type TenantTab } from '../../address/paths';
import { useCarry } from '../../address/carried-params';
import { AbleButton } from '../../change/AbleButton';
import { PLUGIN_ID } from '../../plugin-id';
import { QueryBoundary } from '../../page-parts/QueryBoundary';
import { StatePill } from '../../values/StatePill';
import type { RowOf } from '../../list/use-list';
import { ActivityTab } from './ActivityTab';
import { HealthTab } from './HealthTab';
import { OverviewTab } from './OverviewTab';
import { PlacementTab } from './PlacementTab';

type Tenant = RowOf<'tenants.list'>;

const EVERY_MS = 5_000;
const TITLES: Record<TenantTab, string> = {
  overview: 'Overview',
  placement: 'Placement',
  health: 'Health',
  activity: 'Activity',
};

const isTab = (tab: string): tab is TenantTab => (TENANT_TABS as readonly string[]).includes(tab);

export function TenantPage() {
  const { tenantId = '', tab: wanted = 'overview' } = useParams();
  const tab = isTab(wanted) ? wanted : 'overview';
  const query = useRead('tenants.get', { params: { tenant_id: tenantId } }, { every: EVERY_MS });
  const carried = useCarry();
  const tenant = query.data;
  const nav = {
    text: tenantId,
    url: carried(paths.tenant(tenantId)),
    children: TENANT_TABS.map((name) => ({
      text: TITLES[name],
      url: carried(paths.tenant(tenantId, name)),
      active: name === tab,
    })),
  };
  return (
    <Page
      reads="tenants.list"
      nav={nav}
      subTitle={tenant ? <SubTitle tenant={tenant} /> : <>&nbsp;</>}
      actions={tenant && <Actions tenant={tenant} />}
    >
      <QueryBoundary query={query}>{(read) => <Tab tab={tab} tenant={read} />}</QueryBoundary>
    </Page>
  );
}

const SubTitle = ({ tenant }: { tenant: Tenant }) => (
  <Stack gap={2} wrap="wrap">
    <StatePill state={tenant.status.state} reason={tenant.status.reason} spelledOut />
    <Text color="secondary">{`${tenant.metadata.name} · ${tenant.metadata.plan} · ${tenant.metadata.environments.join(', ')}`}</Text>
  </Stack>
);

/** What fits the tenant's state; the first is the one that is wanted most often. */
function Actions({ tenant }: { tenant: Tenant }) {
  const { tenant_id, status } = tenant;
  const { links } = usePluginLinks({ extensionPointId: `${PLUGIN_ID}/tenant/actions/v1`, context: { tenant_id } });
  const about = { input: { tenant_id }, tenantId: tenant_id };
  const archived = status.state === 'archived';
  return (
    <Stack gap={1} wrap="wrap">
      {links.map((link) => (
        <LinkButton key={link.id} href={link.path} variant="secondary" fill="text">
          {link.title}
        </LinkButton>
      ))}
      {!archived && (
        <AbleButton
          change="tenants.update"
          {...about}
          input={{ tenant_id, metadata: { name: tenant.metadata.name, plan: tenant.metadata.plan } }}
        >
          Edit
        </AbleButton>
      )}
      {archived ? (
        <AbleButton change="tenants.restore" {...about}>
          Restore
        </AbleButton>
      ) : (
        <AbleButton change="tenants.archive" {...about}>
          Archive
        </AbleButton>
      )}
      {status.state === 'suspended' ? (
        <AbleButton change="tenants.resume" {...about}>
          Resume
        </AbleButton>
      ) : (
        !archived && (
          <AbleButton change="tenants.pause" {...about}>
            Pause
          </AbleButton>
        )
      )}
      {!archived && (
        <AbleButton change="scale.drain" {...about}>
          Drain
        </AbleButton>
      )}
      {!archived && (
        <AbleButton change="scale.migrate" variant="primary" {...about}>
          Migrate
        </AbleButton>
      )}
    </Stack>
  );
}

function Tab({ tab, tenant }: { tab: TenantTab; tenant: Tenant }) {
  switch (tab) {
    case 'overview':
      return <OverviewTab tenant={tenant} />;
    case 'placement':
      return <PlacementTab tenant={tenant} />;
    case 'health':
      return <HealthTab tenantId={tenant.tenant_id} />;
    case 'activity':
      return <ActivityTab tenantId={tenant.tenant_id} />;
  }
}
