/** Where every page is: its pattern for the router and the links to it, written once. Without imports that weigh: the entry has it. */
import { PLUGIN_ID } from '../plugin-id';

/** `:name` is filled in by a link, and may be left out where a `?` follows. */
export const PAGES = {
  overview: 'overview',
  tenants: 'tenants',
  tenant: 'tenants/:tenantId/:tab?',
  placement: 'placement/:tab?',
  notes: 'notes',
  jobs: 'jobs',
  job: 'jobs/:jobId',
  audit: 'audit',
  settings: 'settings',
} as const;

export const TENANT_TABS = ['overview', 'placement', 'health', 'activity'] as const;
export type TenantTab = (typeof TENANT_TABS)[number];
export const PLACEMENT_TABS = ['shards', 'tenants', 'drift'] as const;
export type PlacementTab = (typeof PLACEMENT_TABS)[number];

type Given = Readonly<Record<string, string | undefined>>;

/** Pure: the link to a page by its pattern, whichever feature it is of. */
export function linkTo(pattern: string, params: Given = {}, query: Given = {}): string {
  const path = pattern.replace(/\/:(\w+)\??/g, (_, name: string) => {
    const value = params[name];
    return value === undefined ? '' : `/${encodeURIComponent(value)}`;
  });
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const search = new URLSearchParams(given).toString();
  return `/a/${PLUGIN_ID}/${path}${search && `?${search}`}`;
}

/** Links that several features have. The first tab of a page is the page itself. */
export const paths = {
  overview: () => linkTo(PAGES.overview),
  tenants: (query: Given = {}) => linkTo(PAGES.tenants, {}, query),
  tenant: (tenantId: string, tab: TenantTab = 'overview') =>
    linkTo(PAGES.tenant, { tenantId, tab: tab === 'overview' ? undefined : tab }, { 'var-tenant_id': tenantId }),
  placement: (tab: PlacementTab = 'shards', query: Given = {}) =>
    linkTo(PAGES.placement, { tab: tab === 'shards' ? undefined : tab }, query),
  jobs: (query: Given = {}) => linkTo(PAGES.jobs, {}, query),
  job: (jobId: string) => linkTo(PAGES.job, { jobId }),
  audit: (query: Given = {}) => linkTo(PAGES.audit, {}, query),
  settings: () => linkTo(PAGES.settings),
  configuration: () => `/plugins/${PLUGIN_ID}`,
};
