/** Reads placed records in windows of the chain, in either direction, so that the cost follows what is found; what lies between two places is no record, and verification names it. */
import type { Filter } from 'mongodb';
import type { PlacedRecord } from '../record/audit-record.ts';
import type { AuditStore, SeqRange } from '../store/audit.store.ts';

export interface Scan {
  /** Records per array, at most. */
  readonly size: number;
  /** 1 = oldest first. */
  readonly order: 1 | -1;
}

/**
 * Everything that fits within the ranges, which ascend. A window is bounded on both sides and grows eightfold while
 * few records fit: an open range costs 1.5 s at 100 000 records on the embedded store, a window 2 ms.
 */
export async function* scan(
  store: AuditStore,
  filter: Filter<PlacedRecord>,
  ranges: readonly SeqRange[],
  { size, order }: Scan,
): AsyncGenerator<PlacedRecord[]> {
  for (const range of order === 1 ? ranges : ranges.toReversed()) {
    let { low, high } = range;
    for (let width = size; low <= high;) {
      const window =
        order === 1 ? { low, high: Math.min(high, low + width - 1) } : { low: Math.max(low, high - width + 1), high };
      const found = await store.records(filter, window, order, size);
      const records = found.filter(({ seq }) => Number.isSafeInteger(seq));
      if (records.length > 0) yield records;
      const last = found.length === size ? records.at(-1) : undefined;
      // A window full of what has no whole place: as wide as it is long, none of the others can be beyond its end.
      if (found.length === size && !last && width > size) {
        width = size;
        continue;
      }
      if (order === 1) low = (last?.seq ?? window.high) + 1;
      else high = (last?.seq ?? window.low) - 1;
      if (found.length < size / 2) width *= 8;
    }
  }
}

/** Several scans as one, by place. */
export async function* merged(
  scans: readonly AsyncGenerator<PlacedRecord[]>[],
  { size, order }: Scan,
): AsyncGenerator<PlacedRecord[]> {
  const ahead = await Promise.all(scans.map(async (source) => ({ source, records: await nextOf(source), at: 0 })));
  for (let out: PlacedRecord[] = []; ;) {
    let first: (typeof ahead)[number] | undefined;
    for (const one of ahead) {
      const record = one.records[one.at];
      if (record && (!first || (record.seq - first.records[first.at]!.seq) * order < 0)) first = one;
    }
    if (first) out.push(first.records[first.at++]!);
    if (first && first.at === first.records.length) {
      first.records = await nextOf(first.source);
      first.at = 0;
    }
    if (out.length === size || (!first && out.length > 0)) {
      yield out;
      out = [];
    }
    if (!first) return;
  }
}

const nextOf = async (source: AsyncGenerator<PlacedRecord[]>): Promise<PlacedRecord[]> => {
  const { done, value } = await source.next();
  return done ? [] : value;
};
