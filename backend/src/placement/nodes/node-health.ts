/** Pure: from what a node said of itself to whether it is ready, with the sentence why. */
import type { ShardView } from '@cloudlysis/contract';
import { askedBy } from '../record/drain-orders.ts';
import type { DrainOrder } from '../record/stored-placement.ts';
import { sayingOf } from './copy-doubts.ts';
import type { NodeReport } from '../record/placement-book.ts';

/** Of a sentence; a node may say a good deal. */
const LONGEST = 1_000;

export function nodeHealth(
  report: Pick<NodeReport, 'state' | 'readiness' | 'problem'> | undefined,
  order?: DrainOrder,
): ShardView['health'] {
  if (!report) return { state: 'unreachable', reason: 'it was not asked yet' };
  const { state, readiness, problem } = report;
  const ordered = order ? `, as ordered ${askedBy(order)}` : '';
  if (problem !== null)
    return { state: 'unreachable', reason: order ? `${problem}; it is to be drained${ordered}` : problem };
  const failing = readiness?.dependencies.filter(({ ok }) => !ok) ?? [];
  if (!readiness?.ready) {
    const why = failing.map(({ name, detail }) => `${name}: ${detail ?? 'not ok'}`).join('; ');
    return { state: 'not-ready', reason: why || 'the node says so' };
  }
  if (state?.draining) return { state: 'not-ready', reason: `the whole node drains${ordered}` };
  if (order) return { state: 'not-ready', reason: `it serves, though it is to be drained${ordered}` };
  const doubts = (state?.followers ?? []).filter(({ behind_since }) => behind_since !== null).map(sayingOf);
  const fine = `ready, ${readiness.dependencies.length} dependencies are fine`;
  return { state: 'ready', reason: [fine, ...doubts].join('; ').slice(0, LONGEST) };
}
