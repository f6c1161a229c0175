// `/plugins/<id>`: the plugin's page with an overview and the tabs of its configuration pages.
import { type AppPlugin, type NavModelItem, PluginContextProvider, renderMarkdown } from '@grafana/data';
import { config, getBackendSrv, locationSearchToObject } from '@grafana/runtime';
import { Button } from '@grafana/ui';
import { Suspense, useEffect, useState } from 'react';
import { useLocation, useParams } from 'react-router-dom-v5-compat';
import { Loading, LoadFailure } from './app-route';
import { sectionAt } from '../chrome/nav';
import { NotFound } from './not-found';
import { Page } from '../chrome/page';
import { usePlugin } from '../plugin/use-plugin';

export function ConfigRoute() {
  const { pluginId = '' } = useParams();
  const { state: navigation } = useLocation();
  const state = usePlugin(pluginId, (navigation as { routeReloadCounter?: number } | null)?.routeReloadCounter ?? 0);
  if (state.is === 'loading') return <Loading />;
  if (state.is === 'failed') return <LoadFailure error={state.error} />;
  if (state.is === 'absent') return <NotFound />;
  return <ConfigPage plugin={state.plugin} />;
}

function ConfigPage({ plugin }: { plugin: AppPlugin }) {
  const { pathname, search } = useLocation();
  const query = locationSearchToObject(search);
  const { meta } = plugin;
  const isAdmin = config.bootData.user.orgRole === 'Admin';
  const configPages = isAdmin ? (plugin.configPages ?? []) : [];
  const shown = configPages.find(({ id }) => id === query.page) ?? (query.page ? undefined : configPages[0]);
  const tab = (text: string, id: string, active: boolean): NavModelItem => ({
    text,
    id,
    active,
    url: `${pathname}?page=${id}`,
  });
  const pageNav: NavModelItem = {
    text: meta.name,
    img: meta.info.logos.large,
    subTitle: meta.info.description,
    children: [
      tab('Overview', 'overview', !shown),
      ...configPages.map(({ id, title }) => tab(title, id, shown?.id === id)),
    ],
  };
  const info = [
    { label: 'Version', value: meta.info.version },
    { label: 'From', value: meta.info.author.name },
    { label: 'Signature', value: 'Unsigned' },
  ];
  return (
    <Page
      section={sectionAt('/plugins')}
      pageNav={pageNav}
      info={info}
      actions={isAdmin && <EnableButton plugin={plugin} />}
    >
      <PluginContextProvider meta={meta}>
        <Suspense fallback={null}>
          {shown ? <shown.body plugin={plugin} query={query} /> : <Readme plugin={plugin} />}
        </Suspense>
      </PluginContextProvider>
    </Page>
  );
}

function EnableButton({ plugin: { meta } }: { plugin: AppPlugin }) {
  const change = async () => {
    const { pinned, jsonData, enabled } = meta;
    await getBackendSrv().post(`/api/plugins/${meta.id}/settings`, {
      pinned: pinned || !enabled,
      jsonData,
      enabled: !enabled,
    });
    // The navigation is part of the boot data.
    window.location.reload();
  };
  return (
    <Button variant={meta.enabled ? 'destructive' : 'primary'} onClick={() => void change()}>
      {meta.enabled ? 'Disable' : 'Enable'}
    </Button>
  );
}

function Readme({ plugin: { meta } }: { plugin: AppPlugin }) {
  const [html, setHtml] = useState('');
  useEffect(() => {
    const request = getBackendSrv().get(`/public/plugins/${meta.id}/README.md`, undefined, undefined, {
      responseType: 'text',
      showErrorAlert: false,
    });
    request.then(
      (text: string) => setHtml(renderMarkdown(text)),
      () => setHtml(''),
    );
  }, [meta.id]);
  return <div className="markdown-html" dangerouslySetInnerHTML={{ __html: html }} />;
}
