/** The app: what every page shares, and which page an address means. Each page is a chunk of its own. */
import React, { lazy, Suspense, useState } from 'react';
import { PluginPage } from '@grafana/runtime';
import { EmptyState, LinkButton } from '@grafana/ui';
import { QueryClientProvider } from '@tanstack/react-query';
import { Navigate, Route, Routes } from 'react-router';
import { createQueryClient } from '../api/control';
import { FollowedChanges, useChange } from '../change/open-changes';
import { AppErrorBoundary } from './AppErrorBoundary';
import { paths } from '../address/paths';

const page = <K extends string>(load: () => Promise<Record<K, React.ComponentType>>, name: K) =>
  lazy(async () => ({ default: (await load())[name] }));

const OverviewPage = page(() => import('../features/overview/OverviewPage'), 'OverviewPage');
const TenantsPage = page(() => import('../features/tenants/TenantsPage'), 'TenantsPage');
const TenantPage = page(() => import('../features/tenants/TenantPage'), 'TenantPage');
const PlacementPage = page(() => import('../features/placement/PlacementPage'), 'PlacementPage');
const JobsPage = page(() => import('../features/jobs/JobsPage'), 'JobsPage');
const JobPage = page(() => import('../features/jobs/JobPage'), 'JobPage');
const AuditPage = page(() => import('../features/audit/AuditPage'), 'AuditPage');
const SettingsPage = page(() => import('../features/settings/SettingsPage'), 'SettingsPage');
const ChangeDrawer = page(() => import('../drawer/ChangeDrawer'), 'ChangeDrawer');

export function App() {
  const [queries] = useState(createQueryClient);
  return (
    <AppErrorBoundary>
      <QueryClientProvider client={queries}>
        <FollowedChanges>
          <Suspense fallback={<PluginPage>{null}</PluginPage>}>
            <Routes>
              <Route path="overview" element={<OverviewPage />} />
              <Route path="tenants" element={<TenantsPage />} />
              <Route path="tenants/:tenantId/:tab?" element={<TenantPage />} />
              <Route path="placement/:tab?" element={<PlacementPage />} />
              <Route path="jobs" element={<JobsPage />} />
              <Route path="jobs/:jobId" element={<JobPage />} />
              <Route path="audit" element={<AuditPage />} />
              <Route path="settings" element={<SettingsPage />} />
              <Route path="" element={<Navigate replace to={paths.overview()} />} />
              <Route path="*" element={<NoSuchPage />} />
            </Routes>
          </Suspense>
          <Suspense fallback={null}>
            <OpenChange />
          </Suspense>
        </FollowedChanges>
      </QueryClientProvider>
    </AppErrorBoundary>
  );
}

/** The drawer is loaded when the first change is opened. */
function OpenChange() {
  return useChange().current === null ? null : <ChangeDrawer />;
}

function NoSuchPage() {
  return (
    <PluginPage>
      <EmptyState
        variant="not-found"
        message="There is no such page"
        button={<LinkButton href={paths.overview()}>Overview</LinkButton>}
      />
    </PluginPage>
  );
}
