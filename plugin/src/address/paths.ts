/** Where every page is: its pattern and the link to it, written once. Without imports that weigh: the entry has it. */
import { PLUGIN_ID } from '../plugin-id';

const ROOT = `/a/${PLUGIN_ID}`;

export const TENANT_TABS = ['overview', 'placement', 'health', 'activity'] as const;
export type TenantTab = (typeof TENANT_TABS)[number];
export const PLACEMENT_TABS = ['shards', 'tenants', 'drift'] as const;
export type PlacementTab = (typeof PLACEMENT_TABS)[number];

type Query = Record<string, string | undefined>;

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

export const paths = {
  overview: () => `${ROOT}/overview`,
  tenants: (query: Query = {}) => withQuery(`${ROOT}/tenants`, query),
  tenant: (id: string, tab: TenantTab = 'overview') =>
    withQuery(`${ROOT}/tenants/${encodeURIComponent(id)}${tab === 'overview' ? '' : `/${tab}`}`, {
      'var-tenant_id': id,
    }),
  placement: (tab: PlacementTab = 'shards', query: Query = {}) =>
    withQuery(`${ROOT}/placement${tab === 'shards' ? '' : `/${tab}`}`, query),
  jobs: (query: Query = {}) => withQuery(`${ROOT}/jobs`, query),
  job: (id: string) => `${ROOT}/jobs/${encodeURIComponent(id)}`,
  audit: (query: Query = {}) => withQuery(`${ROOT}/audit`, query),
  settings: () => `${ROOT}/settings`,
  configuration: () => `/plugins/${PLUGIN_ID}`,
};
