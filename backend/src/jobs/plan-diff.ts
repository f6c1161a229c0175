/** The diff of a plan as it is shown and kept: its first lines, how many there are, and the digest of them all. */
import type { Change, Plan } from '@cloudlysis/contract';
import { sha256 } from './digest.ts';

export const MAX_LINES = 200;

export const shownDiff = (diff: readonly Change[]): Pick<Plan, 'diff' | 'diff_total' | 'diff_hash'> => ({
  diff: diff.slice(0, MAX_LINES),
  diff_total: diff.length,
  diff_hash: sha256(diff),
});

/** A plan that an earlier version kept has all its lines and does not count them. */
export const planOf = (plan: Plan): Plan =>
  (plan.diff_total as number | undefined) === undefined ? { ...plan, ...shownDiff(plan.diff) } : plan;

/** One side of a diff for the audit log, which says what it leaves out. */
export function sideOf(plan: Plan, side: 'before' | 'after'): Record<string, unknown> {
  const { diff, diff_total, diff_hash } = planOf(plan);
  const lines = Object.fromEntries(diff.map((change) => [change.path, change[side]]));
  return diff_total > diff.length ? { ...lines, '…': `${diff_total - diff.length} more lines of ${diff_hash}` } : lines;
}
