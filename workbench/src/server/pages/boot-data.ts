// What a page finds in `window.grafanaBootData` before any script runs; @grafana/runtime builds its `config` from it.
import { type Account, emailOf, type Theme } from '../accounts/accounts.ts';
import type { NavLink } from './nav-tree.ts';
import type { PluginJson } from '../plugin/plugin-build.ts';

export interface BootInput {
  readonly account: Account;
  readonly version: string;
  readonly appUrl: string;
  readonly theme: Theme;
  readonly nav: readonly NavLink[];
  readonly plugin: PluginJson;
}

export function bootData({ account, version, appUrl, theme, nav, plugin }: BootInput) {
  return {
    user: bootUser(account, theme),
    settings: {
      buildInfo: {
        version,
        versionString: `Workbench v${version}`,
        commit: 'workbench',
        env: 'production',
        edition: 'Open Source',
      },
      appUrl: `${appUrl.replace(/\/+$/, '')}/`,
      appSubUrl: '',
      namespace: 'default',
      featureToggles: {},
      dateFormats: DATE_FORMATS,
      apps: {
        [plugin.id]: {
          id: plugin.id,
          path: `public/plugins/${plugin.id}/module.js`,
          version: plugin.info.version,
          preload: false,
        },
      },
      panels: {},
      datasources: {},
      defaultDatasource: '',
      licenseInfo: {},
      auth: {},
    },
    navTree: nav,
    assets: {},
  };
}

const bootUser = (account: Account, theme: Theme) => ({
  isSignedIn: true,
  id: account.id,
  uid: `u${String(account.id).padStart(9, '0')}`,
  login: account.login,
  email: emailOf(account),
  name: account.name,
  theme,
  lightTheme: theme === 'light',
  orgCount: 1,
  orgId: 1,
  orgName: 'Main Org.',
  orgRole: account.role,
  isGrafanaAdmin: account.role === 'Admin',
  gravatarUrl: '',
  timezone: 'browser',
  weekStart: 'browser',
  locale: 'en-US',
  regionalFormat: 'en-US',
  language: 'en-US',
  authenticatedBy: 'password',
  permissions: { 'plugins.app:access': true },
});

const DATE_FORMATS = {
  fullDate: 'YYYY-MM-DD HH:mm:ss',
  useBrowserLocale: false,
  interval: {
    millisecond: 'HH:mm:ss.SSS',
    second: 'HH:mm:ss',
    minute: 'HH:mm',
    hour: 'MM/DD HH:mm',
    day: 'MM/DD',
    month: 'YYYY-MM',
    year: 'YYYY',
  },
  defaultTimezone: 'browser',
  defaultWeekStart: 'browser',
};
