/** What a change to several tenants would be felt by: measured where it can be, null where it is not known of all of them. */
import type { BlastRadius } from '@cloudlysis/contract';
import { tenantFigures, touched } from '../../jobs/define/blast-radius.ts';
import type { NodeMetrics } from '../../node-metrics/index.ts';
import type { TenantsSight } from './tenants-sight.ts';
import type { NodeReport } from './placement-book.ts';

export interface Gauges extends Pick<TenantsSight, 'lagOf'> {
  readonly traffic: Pick<NodeMetrics, 'flowOf'>;
}

/** `flowing`: those that may have traffic, where not all of them can. */
export function touchedTenants(
  tenantIds: readonly string[],
  inFlight: number | null,
  { traffic, lagOf }: Gauges,
  flowing = tenantIds,
): BlastRadius {
  const lag = ofAll(tenantIds, (id) => lagOf(id)?.events ?? null, Math.max);
  return touched('tenant', tenantIds, tenantFigures(traffic.flowOf(flowing), inFlight, lag));
}

/** Commands in flight, from the last reports of the aggregates; null unless they report every one of the tenants. */
export function inFlightOf(tenantIds: readonly string[], reports: ReadonlyMap<string, NodeReport>): number | null {
  const counts = new Map<string, number>();
  for (const { state } of reports.values()) {
    if (state?.service !== 'aggregate') continue;
    for (const { tenant_id, in_flight } of state.tenants) {
      counts.set(tenant_id, (counts.get(tenant_id) ?? 0) + in_flight);
    }
  }
  return ofAll(tenantIds, (id) => counts.get(id) ?? null, (sum, count) => sum + count); // prettier-ignore
}

/** Null when one is: what is known of some would be read as what is known of all. */
function ofAll(
  tenantIds: readonly string[],
  measure: (tenantId: string) => number | null,
  join: (all: number, one: number) => number,
): number | null {
  let all = 0;
  for (const id of tenantIds) {
    const one = measure(id);
    if (one === null) return null;
    all = join(all, one);
  }
  return all;
}
