/** Where in the chain a window of time can lie, exactly, whatever the clocks of the replicas did. */
import type { AuditFilter } from '@cloudlysis/contract';
import { instantOf } from '../../kernel/instant.ts';
import type { AuditStore, SeqRange } from '../store/audit.store.ts';
import { firstOf, lastOf, segmentOf, type Segment } from '../record/chain.ts';

type TimeBounds = Pick<Segment, 'segment' | 'min_at' | 'max_at'>;

/**
 * A binary search over the chain would lose records behind one clock that ran ahead. Instead each sealed segment knows
 * the earliest and latest time among its records and is left out by those; the open one is always read.
 */
export class TimeRanges {
  readonly #store: AuditStore;
  /** Sealed segments never change, so their bounds are read once: 100 bytes for 1 000 records. */
  readonly #sealed: TimeBounds[] = [];

  constructor(store: AuditStore) {
    this.#store = store;
  }

  /** Ascending ranges of places from 1 to `high`, outside of which no record lies between `from` and `to`. */
  async of({ from, to }: AuditFilter, high: number): Promise<SeqRange[]> {
    if (high < 1) return [];
    if (from === undefined && to === undefined) return [{ low: 1, high }];
    const earliest = from === undefined ? -Infinity : instantOf(from).getTime();
    const latest = to === undefined ? Infinity : instantOf(to).getTime();
    await this.#readBelow(segmentOf(high));
    const ranges: { low: number; high: number }[] = [];
    for (let segment = 1; segment <= segmentOf(high); segment++) {
      const bounds = this.#sealed[segment - 1];
      if (bounds && (bounds.max_at.getTime() < earliest || bounds.min_at.getTime() >= latest)) continue;
      const before = ranges.at(-1);
      const end = Math.min(high, lastOf(segment));
      if (before?.high === firstOf(segment) - 1) before.high = end;
      else ranges.push({ low: firstOf(segment), high: end });
    }
    return ranges;
  }

  async #readBelow(segment: number): Promise<void> {
    const low = this.#sealed.length + 1;
    if (low >= segment) return;
    for (const sealed of await this.#store.segments({ low, high: segment })) {
      // Two requests may have asked at once; and behind a gap (tampering) every segment is searched.
      if (sealed.segment !== this.#sealed.length + 1) continue;
      this.#sealed.push({ segment: sealed.segment, min_at: sealed.min_at, max_at: sealed.max_at });
    }
  }
}
