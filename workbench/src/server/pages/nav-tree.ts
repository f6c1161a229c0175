// The navigation a signed-in user gets: what Grafana builds from plugin.json's `includes`, filtered by role.
import { type Account, hasRole } from '../accounts/accounts.ts';
import { type AppSettings, defaultPage, logosOf } from '../plugin/app-settings.ts';
import type { PluginJson } from '../plugin/plugin-build.ts';

export interface NavLink {
  readonly id: string;
  readonly text: string;
  readonly url: string;
  readonly icon?: string;
  readonly img?: string;
  readonly subTitle?: string;
  readonly pluginId?: string;
  readonly children?: readonly NavLink[];
}

export function navTree(plugin: PluginJson, settings: AppSettings, account: Account): NavLink[] {
  const home: NavLink = { id: 'home', text: 'Home', icon: 'home-alt', url: '/' };
  const apps = settings.enabled ? [moreApps(plugin, account)] : [];
  return [home, ...apps, ...(account.role === 'Admin' ? [administration(plugin)] : [])];
}

function moreApps(plugin: PluginJson, account: Account): NavLink {
  const pages = (plugin.includes ?? []).filter((page) => page.type === 'page' && page.addToNav && page.path);
  const app: NavLink = {
    id: `plugin-page-${plugin.id}`,
    text: plugin.name,
    img: logosOf(plugin).small,
    url: defaultPage(plugin),
    pluginId: plugin.id,
    children: pages
      .filter((page) => hasRole(account, page.role))
      .map(({ name, path = '' }) => ({ id: path, text: name, url: path, pluginId: plugin.id })),
  };
  return {
    id: 'apps',
    text: 'More apps',
    subTitle: 'App plugins that extend the Grafana experience',
    icon: 'layer-group',
    url: '/apps',
    children: [app],
  };
}

const administration = (plugin: PluginJson): NavLink => ({
  id: 'cfg',
  text: 'Administration',
  icon: 'cog',
  url: '/admin',
  children: [{ id: 'plugins', text: 'Plugins', url: '/plugins', children: [configuration(plugin)] }],
});

const configuration = (plugin: PluginJson): NavLink => ({
  id: `plugin-${plugin.id}`,
  text: plugin.name,
  img: logosOf(plugin).large,
  url: `/plugins/${plugin.id}`,
});
