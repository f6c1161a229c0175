/** Plain records in MongoDB: compare-and-swap on the version, and nothing else knows the driver. */
import { Problem } from '@cloudlysis/contract';
import type { ClientSession, Collection, Filter } from 'mongodb';
import { sifted, sound, textOfId, type Unreadable } from '../kernel/bad-records.ts';
import { NO_PLACE, placedRows } from '../kernel/paging.ts';
import { ensureCollection } from '../ports/mongo/ensure-collection.ts';
import { isDuplicateKey, prompt, READ_MS, translated, type Mongo } from '../ports/mongo/mongo.ts';
import type { z } from 'zod';
import type { Visible } from '../call/principal.ts';
import {
  idOf,
  recordFault,
  shownFault,
  succeeded,
  valueOf,
  versionOf,
  whereOf,
  type StoredRecord,
  type Version,
} from './stored-record.ts';

export type Key = StoredRecord['key'];

/** What a page of a list is asked by. */
export interface Page {
  /** Parts of the key that are asked for. */
  readonly key: Readonly<Record<string, string | undefined>>;
  readonly visible: Visible;
  /** Id of the last record of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

export interface RecordStore {
  /** Makes the collection and its indexes. */
  prepare(): Promise<void>;
  /** Also one that was removed. @throws Problem `record.unreadable` */
  find(key: Key): Promise<StoredRecord | null>;
  /** The same, where its fields fit the contract. @throws Problem `record.unreadable` */
  show(key: Key): Promise<StoredRecord | null>;
  /** Those that there are, by key; without their former versions. */
  page(page: Page): Promise<{ rows: StoredRecord[]; unreadable: Unreadable[]; last: string | null }>;
  /** Writes the version after `expected` (0: there was none). What `next.changed` names has written already stays. @throws Problem `version.stale` */
  swap(key: Key, next: Omit<Version, 'version'>, expected: number, session: ClientSession): Promise<void>;
}

/** Of a resource, what its store needs. */
export interface RecordForm {
  /** Parts of the key, in order. */
  readonly parts: readonly string[];
  /** What a get of one answers, its former versions included. */
  readonly answer: z.ZodObject;
}

export function createRecordStore({ db }: Pick<Mongo, 'db'>, name: string, form: RecordForm): RecordStore {
  const { parts, answer } = form;
  const unfit = { inList: shownFault(answer.omit({ history: true })), alone: shownFault(answer) };
  const records = db.collection<StoredRecord>(name);
  /** In the order of the contract, whatever a caller's. */
  const inOrder = (key: Key): Key => Object.fromEntries(parts.map((part) => [part, key[part]!]));
  const stored = (key: Key) => prompt(() => records.findOne({ _id: idOf(inOrder(key)) }));
  return {
    prepare: () => ensureCollection(db, name, parts.map((part) => ({ key: { [`key.${part}`]: 1 } }))),
    find: async (key) => whole(sound(await stored(key), recordFault)),
    show: async (key) => sound(whole(await stored(key)), unfit.alone),
    async page({ key, visible, after, limit }) {
      const named = parts.flatMap((part) => (key[part] === undefined ? [] : [{ [`key.${part}`]: key[part] }]));
      const seen = visible === 'all' ? [] : [{ 'key.tenant_id': { $in: [...visible] } }];
      // Whatever is no text is beyond every text: a list tells of it, and does not go on from it.
      const beyond = after === null ? [] : [{ _id: { $not: { $lte: after } } }];
      // One without a value is no removed one.
      const filter = { $and: [{ value: { $not: { $type: 'null' } } }, ...named, ...seen, ...beyond] } as unknown as Filter<StoredRecord>;
      const find = (most: number) => records.find(filter, { projection: { history: 0 } }).sort({ _id: 1 }).limit(most).toArray();
      const { rows, strays } = await placedRows(limit + 1, (most) => prompt(() => find(most), READ_MS));
      const { good, unreadable } = sifted(rows.slice(0, limit), unfit.inList);
      const met = strays.map((record) => ({ id: textOfId(record._id), reason: unfit.inList(record) ?? NO_PLACE }));
      return { rows: good, unreadable: [...met, ...unreadable], last: rows.length > limit ? rows[limit - 1]!._id : null };
    },
    swap: (key, next, expected, session) => translated(() => swap(records, inOrder(key), next, expected, session), session),
  };
} // prettier-ignore

const whole = (record: StoredRecord | null): StoredRecord | null =>
  record && { ...record, history: record.history ?? [] };

async function swap(
  records: Collection<StoredRecord>,
  key: Key,
  next: Omit<Version, 'version'>,
  expected: number,
  session: ClientSession,
): Promise<void> {
  const at = { _id: idOf(key), key };
  const now = whole(await records.findOne({ _id: at._id }, { session }));
  // The answer to an earlier commit was lost.
  if (now?.version === expected + 1 && now.changed.job_id === next.changed.job_id) return;
  if (versionOf(now) !== expected) throw stale(at._id, now, expected);
  const record = succeeded(now, at, next);
  if (now) {
    const done = await records.replaceOne({ _id: at._id, version: expected }, record, { session });
    if (done.matchedCount === 0) throw stale(at._id, undefined, expected);
    return;
  }
  try {
    await records.insertOne(record, { session });
  } catch (error) {
    throw isDuplicateKey(error) ? stale(at._id, undefined, expected) : error;
  }
}

/** Somebody was faster. `now`: what is there, absent where that is not known. */
export function stale(id: string, now: StoredRecord | null | undefined, expected: number): Problem {
  const actual = now === undefined ? null : valueOf(now) === null ? 0 : versionOf(now);
  const is = now === undefined ? 'was changed meanwhile' : now === null ? 'does not exist' : whereOf(now);
  const wasRemoved = now?.history.some(({ version, value }) => version === expected && value === null);
  const than = wasRemoved ? 'had been removed' : expected === 0 ? 'was to be new' : 'was read';
  return new Problem('version.stale', `${id} ${is}: it ${than}${expected === 0 ? '' : ` at version ${expected}`}`, { expected, actual });
} // prettier-ignore
