/** A collection as the source of a checked copy: full reads, reads by id, and a change stream that says where to look. */
import { isDeepStrictEqual } from 'node:util';
import { BSON, type Collection, type Document, type Filter } from 'mongodb';
import type { Ambient } from '../../kernel/ambient.ts';
import type { Changes, Found, Source } from '../../copies/index.ts';
import { followChanges, type Announced } from './change-stream.ts';
import { prompt, READ_MS, translated } from './mongo.ts';

const { EJSON, serialize } = BSON;

export interface CollectionOptions<T extends Document> {
  readonly collection: Collection<T>;
  readonly ambient: Ambient;
  /** An indexed string field that spreads the documents: comparisons then read windows of it, and nobody waits long. */
  readonly windowBy?: keyof T & string;
}

/** Reading 30 000 documents takes 400 ms on the embedded store; the usual deadline is for single documents. */
const FULL_READ_MS = 20_000;
/** Documents of one window: 500 take 15 ms on the embedded store, where one read of 30 000 keeps others waiting 350 ms. */
const WINDOW = 500;

export function createCollectionSource<T extends Document>(options: CollectionOptions<T>): Source<T> {
  const { collection, ambient, windowBy } = options;
  const read = async (filter: Filter<T>): Promise<[string, T][]> => {
    const found = await translated(() => collection.find(filter, { timeoutMS: FULL_READ_MS, batchSize: 2_000 }).toArray());
    return found.map((document) => [idOf(document._id), document as T]);
  }; // prettier-ignore
  return {
    all: () => read({}),
    some: async (ids) => {
      const filter = { _id: { $in: ids.map(rawOf) } } as unknown as Filter<T>;
      const found = await prompt(() => collection.find(filter).toArray(), ids.length > 1 ? READ_MS : undefined);
      return found.map((document) => [idOf(document._id), document as T]);
    },
    ...(windowBy ? { windows: (known: Iterable<[string, T]>) => windowsOf(known, windowBy, read, ambient) } : {}),
    follow: (changes, signal) => follow(options, changes, signal),
    isSame,
  };
}

/**
 * The windows lie between values that the copy holds; the first and the last are open, so that what is new is found, too.
 * Between two the store rests as long as it worked.
 */
async function* windowsOf<T extends Document>(
  known: Iterable<[string, T]>,
  field: keyof T & string,
  read: (filter: Filter<T>) => Promise<[string, T][]>,
  ambient: Ambient,
): AsyncGenerator<Found<T>> {
  const keyed = [...known].flatMap(([id, value]) => (isPlain(value[field]) ? [{ id, key: value[field] as string }] : []));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  let from = '';
  for (let start = 0; start < keyed.length || start === 0;) {
    let end = Math.min(start + WINDOW, keyed.length);
    // Documents with one value are in one window.
    while (end < keyed.length && keyed[end]!.key === keyed[end - 1]!.key) end += 1;
    const to = keyed[end]?.key;
    const started = ambient.monotonic();
    const range = { $gte: from, ...(to === undefined ? {} : { $lt: to }) };
    const found = await read({ [field]: range } as Filter<T>);
    yield { expected: keyed.slice(start, end).map(({ id }) => id), found };
    await ambient.sleep(ambient.monotonic() - started);
    if (to === undefined) return;
    [start, from] = [end, to];
  }
} // prettier-ignore

/** Sorted by JavaScript as by the server. What is not is compared by full reads only. */
const isPlain = (value: unknown): boolean => typeof value === 'string' && /^[\x20-\x7e]*$/.test(value);

async function follow<T extends Document>(
  { collection, ambient }: CollectionOptions<T>,
  changes: Changes,
  signal: AbortSignal,
): Promise<void> {
  const heard = (announced: readonly Announced[]): void => {
    const ids: string[] = [];
    for (const { operationType, documentKey } of announced) {
      if (documentKey) ids.push(idOf(documentKey._id));
      else if (operationType !== 'invalidate') changes.doubt(`the collection had a ${operationType}`);
    }
    if (ids.length > 0) changes.changed(ids);
  };
  await followChanges(collection, { ambient, signal, heard, opened: () => changes.opened() });
}

/** Ids are strings here; one of another type is written so that it is no string that could be an id. */
export const idOf = (id: unknown): string =>
  typeof id === 'string' ? id : `\u0000${EJSON.stringify(id, { relaxed: false })}`;
const rawOf = (id: string): unknown =>
  id.startsWith('\u0000') ? (EJSON.parse(id.slice(1), { relaxed: false }) as unknown) : id;

/** Values of the driver's own types hold caches that differ where the values do not. */
const isSame = (one: Document, other: Document): boolean =>
  isDeepStrictEqual(one, other) || Buffer.compare(serialize(one), serialize(other)) === 0;
