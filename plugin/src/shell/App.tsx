/** The app: what every page shares, and which page an address means. Each page is a chunk of its own. */
import React, { lazy, Suspense, useState } from 'react';
import type { AppRootProps } from '@grafana/data';
import { PluginPage } from '@grafana/runtime';
import { EmptyState, LinkButton } from '@grafana/ui';
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query';
import { Navigate, Route, Routes } from 'react-router';
import { createQueryClient } from '../api/control';
import { FollowedChanges, useChange } from '../change/open-changes';
import { AppErrorBoundary } from './AppErrorBoundary';
import { paths } from '../address/paths';
import { FeatureProvider, joined } from './FeatureProvider';
import { features } from './features';

const routes = features
  .flatMap(({ pages }) => pages)
  .map(({ path, load }) => ({ path, Page: lazy(async () => ({ default: await load() })) }));
const known = joined(features);
const ChangeDrawer = lazy(async () => ({ default: (await import('../drawer/ChangeDrawer')).ChangeDrawer }));

/** `remembers`: where what was read is kept; a place of its own unless told. */
export function App({ remembers }: Partial<AppRootProps> & { remembers?: QueryClient }) {
  const [queries] = useState(() => remembers ?? createQueryClient());
  return (
    <AppErrorBoundary>
      <QueryClientProvider client={queries}>
        <FeatureProvider known={known}>
          <FollowedChanges>
            <Suspense fallback={<PluginPage>{null}</PluginPage>}>
              <Routes>
                {routes.map(({ path, Page }) => (
                  <Route key={path} path={path} element={<Page />} />
                ))}
                <Route path="" element={<Navigate replace to={paths.overview()} />} />
                <Route path="*" element={<NoSuchPage />} />
              </Routes>
            </Suspense>
            <Suspense fallback={null}>
              <OpenChange />
            </Suspense>
          </FollowedChanges>
        </FeatureProvider>
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
