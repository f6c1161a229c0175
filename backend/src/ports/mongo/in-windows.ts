/** Keyset paging over a numeric key, in windows that together leave nothing out. */
import type { Collection, Document, Filter } from 'mongodb';

export interface Range {
  /** 1 = lowest first. */
  readonly order: 1 | -1;
  /** Nothing below it is looked for; absent: no bound. */
  readonly low?: number | undefined;
  /** Key of the last document of the page before: only what lies beyond it in this order. */
  readonly after?: number | undefined;
  /** Where most of what is looked for begins. Keys on its far side are found, too: it decides about the cost alone. */
  readonly start: number;
  /** Width of the first window. */
  readonly firstWindow: number;
}

/** Keys count milliseconds or less; a window that reaches further is the last one. */
const FAR = Number.MAX_SAFE_INTEGER;

/**
 * Up to `limit` documents in the range, by key and then by id. The filter is asked over windows of the key that grow
 * eightfold until the page is full. A window bounds the index scan, so the cost follows the page and not the collection,
 * also where the server cannot use an index for sort and limit together (100 000 records on the embedded store: 2 ms a
 * window; 1 500 ms for an open range). The first window is open outwards and the last one inwards: what a clock that is
 * set wrong wrote lies in one of them.
 */
export async function inWindows<T extends Document>(
  collection: Collection<T>,
  key: keyof T & string,
  filter: Filter<T>,
  range: Range,
  limit: number,
  projection?: Document,
): Promise<T[]> {
  const { order, firstWindow } = range;
  const far = order === 1 ? FAR : Math.max(-FAR, range.low ?? -FAR);
  const found: T[] = [];
  let edge = Math.max(-FAR, Math.min(FAR, range.after ?? range.start));
  let begin = outermost(range);
  for (let width = firstWindow; found.length < limit; width *= 8) {
    const inner = edge + order * width;
    const isLast = (far - inner) * order <= 0;
    const end = isLast ? innermost(range) : order === 1 ? { $lt: inner } : { $gte: inner };
    const page = await collection
      .find({ ...filter, [key]: { ...end, ...begin } } as Filter<T>, projection ? { projection } : {})
      .sort({ [key]: order, _id: order })
      .limit(limit - found.length)
      .toArray();
    found.push(...(page as T[]));
    if (isLast) break;
    edge = inner;
    begin = order === 1 ? { $gte: inner } : { $lt: inner };
  }
  return found;
}

/** Infinities, where there is no bound: numbers alone are looked for. */
function outermost({ order, low = -Infinity, after }: Range): object {
  if (order === -1) return after === undefined ? { $lte: Infinity } : { $lt: after };
  return after === undefined || after < low ? { $gte: low } : { $gt: after };
}

const innermost = ({ order, low = -Infinity }: Range): object => (order === 1 ? { $lte: Infinity } : { $gte: low });
