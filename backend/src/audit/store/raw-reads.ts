/** Reads a collection as bytes by a key that should be a whole number, and finds the documents where it is not. */
import {
  Binary,
  Code,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  type Collection,
  type Document,
  type Filter,
} from 'mongodb';

/** Documents a time; a window of keys as wide is read at once. */
export const WINDOW = 250;
/** Up to so many documents the embedded store is asked what no index of it answers: 20 ms for 1 000. */
const SCANNABLE = 5_000;

export type Batches = AsyncGenerator<readonly Uint8Array[]>;
export type Patience = <T>(work: Promise<T>) => Promise<T>;

/** Every kind of value that is no number, as far as an index finds it; and the number that lies in no range. */
const NO_NUMBERS: readonly unknown[] = [
  { $eq: null }, { $gte: '' }, { $gte: [] }, { $gte: new Binary(Buffer.alloc(0)) }, { $gte: new ObjectId('0'.repeat(24)) },
  { $eq: true }, { $eq: false }, { $gte: new Date('0001-01-01') }, { $gte: new Timestamp({ t: 0, i: 0 }) },
  { $gte: new Code('') }, { $eq: new MinKey() }, { $eq: new MaxKey() }, { $eq: NaN },
]; // prettier-ignore
/** All of them, and those that no range names (objects, patterns). */
const NO_NUMBER = { $not: { $gte: -Infinity, $lte: Infinity } };

export class RawReads {
  readonly #from: Pick<Collection<Document>, 'find'>;
  readonly #key: string;
  readonly #patiently: Patience;

  /** `patiently` bounds every answer and translates its errors. */
  constructor(from: Pick<Collection<never>, 'find'>, key: string, patiently: Patience) {
    this.#from = from as never;
    this.#key = key;
    this.#patiently = patiently;
  }

  /** Keys from `low` to below `high`, by key, whole or not. Windows grow over what is empty, so a gap costs nothing. */
  async *between(low: number, high: number): Batches {
    for (let width = WINDOW; low < high;) {
      const end = Math.min(high, low + width);
      let found = false;
      for await (const batch of this.#find({ $gte: low, $lt: end }, true)) {
        found = true;
        yield batch;
      }
      width = found ? WINDOW : width * 8;
      low = end;
    }
  }

  /** All that `between` leaves out. A document with several keys can come more than once. */
  async *outside(low: number, high: number): Batches {
    yield* this.#find({ $lt: low });
    yield* this.#find({ $gte: high });
    for (const value of NO_NUMBERS) yield* this.#find(value);
    if (high <= SCANNABLE || (await this.#isIndexed(NO_NUMBER))) yield* this.#find(NO_NUMBER);
  }

  /** Every document, in the store's own order. */
  all(): Batches {
    return this.#find(undefined);
  }

  async *#find(value: unknown, sorted = false): Batches {
    const filter = (value === undefined ? {} : { [this.#key]: value }) as Filter<Document>;
    const cursor = this.#from.find(filter, { raw: true, batchSize: WINDOW });
    if (sorted) cursor.sort({ [this.#key]: 1 });
    try {
      for (;;) {
        const first = await this.#patiently(cursor.next());
        if (first === null) return;
        yield [first, ...cursor.readBufferedDocuments()] as unknown as Uint8Array[];
      }
    } finally {
      await cursor.close().catch(() => undefined);
    }
  }

  /** MongoDB bounds the question by the index; the embedded store reads everything for it. */
  async #isIndexed(value: unknown): Promise<boolean> {
    const plan = this.#from.find({ [this.#key]: value }).explain('queryPlanner');
    return this.#patiently(plan).then(
      (told) => JSON.stringify(told).includes('"IXSCAN"'),
      () => false,
    );
  }
}
