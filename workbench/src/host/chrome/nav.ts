// Where a page stands: its section in the navigation, the trail that leads to it, the window's title.
import type { NavModelItem } from '@grafana/data';
import { config } from '@grafana/runtime';

export interface Crumb {
  readonly text: string;
  readonly href: string;
}

export const navTree = () => linked(config.bootData.navTree as NavModelItem[]);

function linked(items: NavModelItem[], parentItem?: NavModelItem): NavModelItem[] {
  return items.map((item) => {
    const node: NavModelItem = { ...item, parentItem };
    return Object.assign(node, { children: item.children && linked(item.children as NavModelItem[], node) });
  });
}

/** The deepest item whose URL the path lies under; of an app and its default page, the page. */
export function sectionAt(pathname: string, items = navTree()): NavModelItem | undefined {
  const all = flatten(items).filter(
    ({ url = '' }) => pathname === url || (url !== '/' && pathname.startsWith(`${url}/`)),
  );
  return all.sort((a, b) => (a.url?.length ?? 0) - (b.url?.length ?? 0) || depth(a) - depth(b)).at(-1);
}

/** The app's own item, for its pages that no menu entry covers. */
export const appItem = (pluginId: string) => flatten(navTree()).find((item) => item.id === `plugin-page-${pluginId}`);

const flatten = (items: NavModelItem[]): NavModelItem[] =>
  items.flatMap((item) => [item, ...flatten(item.children ?? [])]);
const depth = (item: NavModelItem): number => (item.parentItem ? 1 + depth(item.parentItem) : 0);

/** Home, the section's ancestors, the section, the page's ancestors, the page and, beyond the first, its tab. */
export function breadcrumbs(section: NavModelItem | undefined, pageNav: NavModelItem | undefined): Crumb[] {
  const crumbs: Crumb[] = [{ text: 'Home', href: '/' }];
  const tab = pageNav?.children?.findIndex((child) => child.active) ?? -1;
  const trail = [...ancestry(section), ...ancestry(pageNav), ...(tab > 0 ? [pageNav?.children?.[tab]] : [])];
  for (const item of trail) {
    if (!item?.text || item.hideFromBreadcrumbs || item.url === '/') continue;
    const crumb = { text: item.text, href: item.url ?? '' };
    // A page that names its own section again says nothing new.
    if (crumbs.at(-1)?.text === crumb.text) crumbs.pop();
    crumbs.push(crumb);
  }
  return crumbs;
}

const ancestry = (item: NavModelItem | undefined): NavModelItem[] => (item ? [...ancestry(item.parentItem), item] : []);

export const windowTitle = (crumbs: readonly Crumb[]) =>
  [
    ...crumbs
      .slice(1)
      .map(({ text }) => text)
      .reverse(),
    'Grafana',
  ].join(' - ');
