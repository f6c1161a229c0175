// `/a/<id>/*`: the plugin's own pages.
import { type AppPlugin, PluginContextProvider } from '@grafana/data';
import { locationSearchToObject } from '@grafana/runtime';
import { Alert, ErrorBoundaryAlert, LoadingPlaceholder } from '@grafana/ui';
import { Suspense } from 'react';
import { useLocation, useParams } from 'react-router-dom-v5-compat';
import { sectionAt } from '../chrome/nav';
import { NotFound } from './not-found';
import { Page } from '../chrome/page';
import { usePlugin } from '../plugin/use-plugin';

const nothing = () => undefined;

export function AppRoute() {
  const { pluginId = '' } = useParams();
  const { state: navigation } = useLocation();
  const reload = (navigation as { routeReloadCounter?: number } | null)?.routeReloadCounter ?? 0;
  const state = usePlugin(pluginId, reload);
  if (state.is === 'loading') return <Loading />;
  if (state.is === 'failed') return <LoadFailure error={state.error} />;
  if (state.is === 'absent' || !state.plugin.meta.enabled) return <NotFound />;
  return <AppRoot key={reload} plugin={state.plugin} />;
}

function AppRoot({ plugin }: { plugin: AppPlugin }) {
  const { pathname, search } = useLocation();
  const { root: Root, meta } = plugin;
  if (!Root) return <NotFound />;
  const query = locationSearchToObject(search);
  return (
    <PluginContextProvider meta={meta}>
      <ErrorBoundaryAlert style="page">
        <Suspense fallback={<Loading />}>
          <Root meta={meta} basename={`/a/${meta.id}`} path={pathname} query={query} onNavChanged={nothing} />
        </Suspense>
      </ErrorBoundaryAlert>
    </PluginContextProvider>
  );
}

export const Loading = () => (
  <Page section={sectionAt(useLocation().pathname)} pageNav={{ text: '' }}>
    <LoadingPlaceholder text="Loading..." />
  </Page>
);

export const LoadFailure = ({ error }: { error: unknown }) => (
  <Page pageNav={{ text: 'Could not load plugin' }}>
    <Alert severity="error" title="Could not load plugin">
      {error instanceof Error ? error.message : JSON.stringify(error)}
    </Alert>
  </Page>
);
