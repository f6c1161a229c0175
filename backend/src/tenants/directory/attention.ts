/** Tenants as what may need a person: those that are degraded, the longest first, and how many there are. */
import { grouped } from '../../kernel/figures.ts';
import type { Visible } from '../../call/principal.ts';
import type { Found, Look } from '../../feature/attention.ts';
import type { Directory } from './directory.ts';
import type { Status } from './tenant-status.ts';

export interface TenantSummary {
  readonly total: number;
  readonly byState: Readonly<Record<string, number>>;
  readonly degradedTotal: number;
  /** Longest first, at most `NAMED`. */
  readonly degraded: readonly { readonly tenantId: string; readonly status: Status }[];
}

/** Degraded tenants that are named one by one. */
const NAMED = 20;

/** @throws Problem by `summary` before all were read once */
export const tenantsLook =
  (summary: (visible: Visible) => Promise<TenantSummary>): Look =>
  async ({ ask, visible }) => {
    const tenants = await ask('tenants', () => summary(visible));
    if (!tenants.ok) return { sums: { tenants: { total: null, by_state: {} } } };
    const { total, byState } = tenants.value;
    return { items: items(tenants.value), sums: { tenants: { total, by_state: { ...byState } } } };
  };

export function summaryOf(directory: Directory, visible: Visible): TenantSummary {
  const counts = directory.counts(visible);
  const degraded = [...directory.seenBy(visible)]
    .filter(({ status }) => status.state === 'degraded')
    .sort((a, b) => +a.status.since - +b.status.since)
    .map(({ record, status }) => ({ tenantId: record._id, status }));
  return {
    total: [...counts.values()].reduce((sum, count) => sum + count, 0),
    byState: Object.fromEntries(counts),
    degradedTotal: degraded.length,
    degraded: degraded.slice(0, NAMED),
  };
}

function items({ degraded, degradedTotal }: TenantSummary): Found[] {
  const named = degraded.map(({ tenantId, status }): Found => ({
    id: `tenant.degraded:${tenantId}`,
    severity: 'warning',
    title: `${tenantId} is degraded`,
    detail: status.reason,
    since: status.since.toISOString(),
    resource: `tenant:${tenantId}`,
    action: null,
  }));
  if (degradedTotal <= degraded.length) return named;
  const title = `${grouped(degradedTotal)} tenants are degraded`;
  const detail = `${degraded.length} of them are named here, those that have been it longest`;
  return [{ id: 'tenants.degraded', severity: 'critical', title, detail, since: null, resource: 'tenants', action: null }, ...named]; // prettier-ignore
}
