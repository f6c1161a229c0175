/** The entry: registers the app, its configuration page and its links. All else is loaded when it is opened. */
import React, { lazy, Suspense } from 'react';
import { AppPlugin, type PluginConfigPageProps, type AppPluginMeta } from '@grafana/data';
import { LoadingPlaceholder } from '@grafana/ui';
import { tenantLink } from './extensions/tenant-link';

const App = lazy(async () => ({ default: (await import('./shell/App')).App }));
const ConnectionPage = lazy(async () => ({ default: (await import('./config/ConnectionPage')).ConnectionPage }));

const Configuration = (props: PluginConfigPageProps<AppPluginMeta>) => (
  <Suspense fallback={<LoadingPlaceholder text="" />}>
    <ConnectionPage {...props} />
  </Suspense>
);

export const plugin = new AppPlugin()
  .setRootPage(App)
  .addConfigPage({ title: 'Connection', icon: 'cog', body: Configuration, id: 'connection' })
  .addLink(tenantLink);
