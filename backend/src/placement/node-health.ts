/** Pure: from what a node said of itself to whether it is ready, with the sentence why. */
import type { ShardView } from '@cloudlysis/contract';
import type { NodeReport } from './placement-book.ts';

export function nodeHealth(
  report: Pick<NodeReport, 'state' | 'readiness' | 'problem'> | undefined,
): ShardView['health'] {
  if (!report) return { state: 'unreachable', reason: 'it was not asked yet' };
  const { state, readiness, problem } = report;
  if (problem !== null) return { state: 'unreachable', reason: problem };
  const failing = readiness?.dependencies.filter(({ ok }) => !ok) ?? [];
  if (!readiness?.ready) {
    const why = failing.map(({ name, detail }) => `${name}: ${detail ?? 'not ok'}`).join('; ');
    return { state: 'not-ready', reason: why || 'the node says so' };
  }
  if (state?.draining) return { state: 'not-ready', reason: 'the whole node drains' };
  return { state: 'ready', reason: `ready, ${readiness.dependencies.length} dependencies are fine` };
}
