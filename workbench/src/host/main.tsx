// Boots the host in the order @grafana/runtime expects: services first, the plugin's shared packages last.
import {
  EventBusSrv,
  getDefaultTimeRange,
  type GrafanaConfig,
  locationUtil,
  setLocale,
  setTimeZoneResolver,
  setWeekStart,
} from '@grafana/data';
import { initializeI18n } from '@grafana/i18n/internal';
import {
  config,
  FakeEchoSrv,
  locationService,
  setAppEvents,
  setBackendSrv,
  setChromeHeaderHeightHook,
  setCurrentUser,
  setEchoSrv,
  setLocationSrv,
  setPluginComponentHook,
  setPluginComponentsHook,
  setPluginFunctionsHook,
  setPluginLinksHook,
  setReturnToPreviousHook,
} from '@grafana/runtime';
import { setPluginPage } from '@grafana/runtime/internal';
import { createRoot } from 'react-dom/client';
import { WorkbenchBackendSrv } from './backend-srv';
import { markTheme } from './chrome/chrome-state';
import { PluginPage } from './chrome/page';
import { sharePackages } from './plugin/shared-packages';
import { chromeHeaderHeight, Shell } from './shell';

async function boot(): Promise<void> {
  const { user } = config.bootData;
  await initializeI18n({ language: user.language, ns: ['grafana'] }, user.regionalFormat);
  markTheme(config.theme2);
  setEchoSrv(new FakeEchoSrv());
  setLocale(user.regionalFormat);
  setWeekStart(user.weekStart);
  setTimeZoneResolver(() => user.timezone);
  setPluginPage(PluginPage);
  setLocationSrv(locationService);
  setCurrentUser(user);
  const events = new EventBusSrv();
  setAppEvents(events);
  setBackendSrv(new WorkbenchBackendSrv(events));
  setExtensionHooks();
  setChromeHeaderHeightHook(chromeHeaderHeight);
  locationUtil.initialize({
    config: config as unknown as GrafanaConfig,
    getTimeRangeForUrl: () => getDefaultTimeRange().raw,
    getVariablesUrlParams: () => ({}),
  });
  document.addEventListener('click', followInPlace);
  sharePackages();
  createRoot(document.getElementById('reactRoot') as HTMLElement).render(<Shell />);
}

/** One plugin alone: nobody else adds to its extension points, and it adds to nobody's. */
function setExtensionHooks(): void {
  setPluginLinksHook(() => ({ links: [], isLoading: false }));
  setPluginComponentHook(() => ({ component: null, isLoading: false }));
  setPluginComponentsHook(() => ({ components: [], isLoading: false }));
  setPluginFunctionsHook(() => ({ functions: [], isLoading: false }));
  setReturnToPreviousHook(() => () => undefined);
}

/** Turns a click on a link of this server into a navigation without a page load. */
function followInPlace(click: MouseEvent): void {
  const link = (click.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
  const modified = click.ctrlKey || click.metaKey || click.shiftKey || click.altKey || click.button !== 0;
  if (!link || modified || click.defaultPrevented || link.target || link.hasAttribute('download')) return;
  if (link.origin !== window.location.origin || /^\/(logout|login|public|api)\b/.test(link.pathname)) return;
  const { pathname, hash, search } = link;
  if (hash && pathname === window.location.pathname && search === window.location.search) return;
  click.preventDefault();
  locationService.push(pathname + search + hash);
}

void boot();
