/** The diff of a plan as it is shown and kept: its first lines, how many there are, and the digest of them all. */
import type { Change, Plan } from '@cloudlysis/contract';
import { tenantFigures } from '../define/blast-radius.ts';
import { sha256 } from './digest.ts';

export const MAX_LINES = 200;

export const shownDiff = (diff: readonly Change[]): Pick<Plan, 'diff' | 'diff_total' | 'diff_hash'> => ({
  diff: diff.slice(0, MAX_LINES),
  diff_total: diff.length,
  diff_hash: sha256(diff),
});

/**
 * A plan as this version shows it. An earlier one kept all lines of the diff and did not count them, and its blast radius
 * was of tenants alone.
 */
export function planOf(plan: Plan): Plan {
  const counted = (plan.diff_total as number | undefined) !== undefined;
  const shown = counted ? plan : { ...plan, ...shownDiff(plan.diff) };
  return Array.isArray(shown.blast_radius) ? shown : { ...shown, blast_radius: radiusOf(shown.blast_radius) };
}

interface RadiusOfTenants {
  readonly tenants: string[];
  readonly tenant_count: number;
  readonly in_flight: number | null;
  readonly consumer_lag: number | null;
  readonly requests_per_second: number | null;
  readonly traffic_share: number | null;
}

function radiusOf(kept: unknown): Plan['blast_radius'] {
  const { tenants = [], tenant_count: count = 0, ...of } = (kept ?? {}) as Partial<RadiusOfTenants>;
  if (count === 0) return [];
  const { requests_per_second: perSecond = null, traffic_share: share = null } = of;
  const figures = tenantFigures({ perSecond, share }, of.in_flight ?? null, of.consumer_lag ?? null);
  return [{ kind: 'tenant', ids: tenants, count, figures }];
}

/** One side of a diff for the audit log, which says what it leaves out. */
export function sideOf(plan: Plan, side: 'before' | 'after'): Record<string, unknown> {
  const { diff, diff_total, diff_hash } = planOf(plan);
  const lines = Object.fromEntries(diff.map((change) => [change.path, change[side]]));
  return diff_total > diff.length ? { ...lines, '…': `${diff_total - diff.length} more lines of ${diff_hash}` } : lines;
}
