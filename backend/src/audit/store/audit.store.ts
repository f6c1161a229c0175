/** The five collections of the log; nothing else reaches them, and placed records can only be added and read. */
import { type ClientSession, type Collection, type Document, type Filter, type IndexDescription } from 'mongodb';
import type { Ambient } from '../../kernel/ambient.ts';
import { ensureCollection } from '../../ports/mongo/ensure-collection.ts';
import { isDuplicateKey, type Mongo } from '../../ports/mongo/mongo.ts';
import type { PendingRecord, PlacedRecord } from '../record/audit-record.ts';
import { emptySegment, GENESIS, type Head, type Placing, type Segment } from '../record/chain.ts';
import { asProblem, DEADLINE_MS, answered } from './deadline.ts';
import { RawReads } from './raw-reads.ts';
import type { Odd, Piece } from '../record/set-aside.ts';
import type { Sight } from '../record/witness.ts';

/** Fields of the filter, most selective first: the embedded store picks the index of the first field it is given. */
export const SEARCHABLE = ['job_id', 'request_id', 'resource', 'tenant_id', 'actor', 'action', 'outcome'] as const;

const RECORD_INDEXES: IndexDescription[] = [
  { key: { seq: 1 }, name: 'place', unique: true },
  ...SEARCHABLE.map((field) => ({ key: { [field]: 1, seq: 1 }, name: field })),
];

/** What may be done with placed records: no update and no delete, by type. */
type AppendOnly<T extends object> = Pick<Collection<T>, 'find' | 'findOne' | 'insertMany'>;

/** As a majority has it, so that no failover takes it back. */
const COMMITTED = { readConcern: { level: 'majority' } } as const;

/** Somebody else placed records first; the chain is whole, and the batch is theirs. */
export class Overtaken extends Error {}

export class AuditStore {
  readonly #mongo: Mongo;
  readonly #ambient: Ambient;
  readonly #inbox: Collection<PendingRecord>;
  readonly #records: AppendOnly<PlacedRecord>;
  readonly #segments: AppendOnly<Segment>;
  readonly #head: Collection<Head>;
  readonly #setAside: AppendOnly<Piece>;
  /** Everything there is, as bytes, for who trusts none of it. */
  readonly raw: Readonly<Record<'records' | 'segments' | 'head' | 'inbox' | 'setAside', RawReads>>;

  constructor(mongo: Mongo, ambient: Ambient) {
    this.#mongo = mongo;
    this.#ambient = ambient;
    this.#inbox = mongo.db.collection('audit_inbox');
    this.#records = mongo.db.collection<PlacedRecord>('audit_records');
    this.#segments = mongo.db.collection<Segment>('audit_segments');
    this.#head = mongo.db.collection('audit_head');
    this.#setAside = mongo.db.collection<Piece>('audit_set_aside');
    const patiently = <T>(work: Promise<T>): Promise<T> => this.#read(work, LONG_MS);
    const raw = (from: object, key = '_id'): RawReads => new RawReads(from as Collection<never>, key, patiently);
    this.raw = {
      records: raw(this.#records, 'seq'), segments: raw(this.#segments, 'segment'), head: raw(this.#head),
      inbox: raw(this.#inbox), setAside: raw(this.#setAside),
    }; // prettier-ignore
  }

  /** Creates collections, indexes and the head at genesis; harmless to repeat. */
  async ensureIndexes(): Promise<void> {
    const { db } = this.#mongo;
    for (const name of ['audit_inbox', 'audit_head', 'audit_set_aside']) await ensureCollection(db, name);
    await ensureCollection(db, 'audit_records', RECORD_INDEXES);
    await ensureCollection(db, 'audit_segments', [{ key: { segment: 1 }, name: 'segment', unique: true }]);
    const genesis = { seq: 0, hash: GENESIS, open: emptySegment(GENESIS), holder: null, fence: 0, beat: 0 };
    try {
      await this.#head.updateOne({ _id: 'head' }, { $setOnInsert: genesis }, { upsert: true });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  async append(record: PendingRecord, session?: ClientSession): Promise<void> {
    await this.#inbox.insertOne(record, session ? { session } : {});
  }

  /**
   * What waits for a place, as bytes, in the store's own order: sorting a long inbox costs 1 s at 20 000 on the
   * embedded store. Ends early once `bytes` are full, because what is foreign can have 16 MiB.
   */
  async waiting(limit: number, bytes = Infinity): Promise<Uint8Array[]> {
    const found: Uint8Array[] = [];
    const cursor = this.#inbox.find({}, { raw: true }).limit(limit);
    try {
      for (let size = 0; size < bytes;) {
        const next = (await this.#read(cursor.next())) as Uint8Array | null;
        if (next === null) break;
        found.push(next);
        size += next.byteLength;
      }
      return found;
    } finally {
      await cursor.close().catch(() => undefined);
    }
  }

  /** The first of what waits, each with what it says of itself, which may be anything; and how many there are, up to `most`. */
  async inboxSight(first: number, most: number): Promise<{ first: readonly Document[]; count: number }> {
    const some = this.#inbox
      .find<Document>({}, { projection: { at: 1 } })
      .limit(first)
      .toArray();
    const count = this.#inbox.countDocuments({}, { limit: most });
    const [sight, counted] = await this.#read(Promise.all([some, count]));
    return { first: sight, count: counted };
  }

  /** Newest first. */
  async setAsideIds(limit: number): Promise<string[]> {
    const found = this.#setAside
      .find({}, { projection: { _id: 1 } })
      .sort({ _id: -1 })
      .limit(limit);
    return (await this.#read(found.toArray())).map(({ _id }) => String(_id));
  }

  async pendingIds(limit: number): Promise<string[]> {
    const found = await this.#read(
      this.#inbox
        .find({}, { projection: { _id: 1 } })
        .limit(limit)
        .toArray(),
    );
    // A foreign document can have any id; as text it is told from others well enough to be waited for.
    return found.map((record) => (typeof record._id === 'string' ? record._id : JSON.stringify(record._id)));
  }

  head(): Promise<Head | null> {
    return this.#read(this.#head.findOne({ _id: 'head' }));
  }

  readonly sight: Sight = {
    committedHead: () => this.#read(this.#head.findOne({ _id: 'head' }, COMMITTED)),
    committedHash: async (seq) => {
      const found = await this.#read(this.#records.findOne({ seq }, { ...COMMITTED, projection: { hash: 1 } }));
      return typeof found?.hash === 'string' ? found.hash : null;
    },
  };

  /** One transaction: the head is swapped, the records get their places, the inbox loses them. @throws Overtaken */
  async commit(head: Head, placing: Placing, odd: readonly Odd[] = []): Promise<void> {
    const ids = placing.records.map((record) => record._id).filter((id) => !odd.some(({ event }) => event._id === id));
    const { seq, hash, fence } = head;
    await this.#mongo.transaction(async (session) => {
      const swap = { $set: placing.tip, $inc: { beat: 1 } };
      const swapped = await this.#head.updateOne({ _id: 'head', seq, hash, fence }, swap, { session });
      if (swapped.matchedCount === 0) throw new Overtaken();
      await this.#records.insertMany(placing.records, { session });
      if (placing.sealed.length > 0) await this.#segments.insertMany(placing.sealed, { session });
      for (const { pieces, foundId } of odd) {
        await this.#setAside.insertMany(pieces, { session });
        const moved = await this.#inbox.deleteOne({ _id: { $eq: foundId } } as Filter<PendingRecord>, { session });
        if (moved.deletedCount !== 1) throw new Overtaken();
      }
      if (ids.length === 0) return;
      const removed = await this.#inbox.deleteMany({ _id: { $in: ids } }, { session });
      if (removed.deletedCount !== ids.length) throw new Overtaken();
    });
  }

  /** Drops from the inbox what has the very same place already: a driver's retry after a lost answer inserts it again. */
  async dropRepeated(ids: readonly string[]): Promise<void> {
    for (const _id of ids) await this.#read(this.#inbox.deleteOne({ _id }));
  }

  /** Takes the lease from the state that was seen; false when it has moved since. */
  async takeLease(seen: Head, holder: string): Promise<boolean> {
    const same = { _id: 'head' as const, fence: seen.fence, beat: seen.beat };
    const taken = await this.#read(this.#head.updateOne(same, { $set: { holder }, $inc: { fence: 1, beat: 1 } }));
    return taken.matchedCount === 1;
  }

  async beat(holder: string, fence: number): Promise<boolean> {
    const kept = await this.#read(this.#head.updateOne({ _id: 'head', holder, fence }, { $inc: { beat: 1 } }));
    return kept.matchedCount === 1;
  }

  async releaseLease(holder: string, fence: number): Promise<void> {
    await this.#read(
      this.#head.updateOne({ _id: 'head', holder, fence }, { $set: { holder: null }, $inc: { beat: 1 } }),
    );
  }

  record(id: string): Promise<PlacedRecord | null> {
    return this.#read(this.#records.findOne({ _id: id }));
  }

  /** Records whose place is in `range` and that fit the filter, by place. */
  records(filter: Filter<PlacedRecord>, range: SeqRange, order: 1 | -1, limit: number): Promise<PlacedRecord[]> {
    const seq = { $gte: range.low, $lte: range.high };
    // The equality fields come first: see SEARCHABLE.
    const bounded = { ...filter, seq } as Filter<PlacedRecord>;
    return this.#read(this.#records.find(bounded).sort({ seq: order }).limit(limit).toArray(), LONG_MS);
  }

  /** Those of the records that have a place, or that wait for one, with the fields by which they are told apart. */
  traces(where: 'records' | 'inbox', by: '_id' | 'job_id', ids: readonly string[]): Promise<Trace[]> {
    const from = (where === 'records' ? this.#records : this.#inbox) as AppendOnly<PendingRecord>;
    const found = from.find<Trace>({ [by]: { $in: ids } }, { projection: { job_id: 1, code: 1, after: 1 } });
    return this.#read(found.toArray(), LONG_MS);
  }

  /** A piece of what was set aside, as bytes. */
  async piece(id: string): Promise<Uint8Array | null> {
    return this.#read(this.#setAside.findOne({ _id: id }, { raw: true })) as Promise<Uint8Array | null>;
  }

  segments(range: SeqRange): Promise<Segment[]> {
    const found = this.#segments.find({ segment: { $gte: range.low, $lte: range.high } }).sort({ segment: 1 });
    return this.#read(found.project<Segment>({ _id: 0 }).toArray(), LONG_MS);
  }

  async #read<T>(work: Promise<T>, ms = DEADLINE_MS): Promise<T> {
    try {
      return await answered(this.#ambient, ms, work);
    } catch (error) {
      throw asProblem(error);
    }
  }
}

/** For what walks the whole log and blocks nobody; the connection may be given up before. */
const LONG_MS = 20_000;

export interface Trace {
  readonly _id: string;
  readonly job_id: unknown;
  readonly code: unknown;
  readonly after: unknown;
}

/** From `low` to `high`, both included. */
export interface SeqRange {
  readonly low: number;
  readonly high: number;
}
