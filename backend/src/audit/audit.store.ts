/** The four collections of the log; nothing else knows the driver, and placed records can only be added and read. */
import { MongoServerError, type ClientSession, type Collection, type Filter, type IndexDescription } from 'mongodb';
import type { Ambient } from '../ambient.ts';
import { isDuplicateKey, type Mongo } from '../ports/mongo/mongo.ts';
import type { PendingRecord, PlacedRecord } from './audit-record.ts';
import { emptySegment, GENESIS, type Head, type Placing, type Segment } from './chain.ts';
import { asProblem, DEADLINE_MS, within } from './deadline.ts';

/** Fields of the filter, most selective first: the embedded store picks the index of the first field it is given. */
export const SEARCHABLE = ['job_id', 'request_id', 'resource', 'tenant_id', 'actor', 'action', 'outcome'] as const;

const RECORD_INDEXES: IndexDescription[] = [
  { key: { seq: 1 }, name: 'place', unique: true },
  ...SEARCHABLE.map((field) => ({ key: { [field]: 1, seq: 1 }, name: field })),
];

/** What may be done with placed records: no update and no delete, by type. */
type AppendOnly<T extends object> = Pick<Collection<T>, 'find' | 'findOne' | 'insertMany' | 'estimatedDocumentCount'>;

/** Somebody else placed records first; the chain is whole, and the batch is theirs. */
export class Overtaken extends Error {}

/** Whole numbers that are no valid place; bounded on both sides, so that an index serves them. */
export const EVERY_PLACE = { $gte: -Number.MAX_SAFE_INTEGER, $lte: Number.MAX_SAFE_INTEGER };

export class AuditStore {
  readonly #mongo: Mongo;
  readonly #ambient: Ambient;
  readonly #inbox: Collection<PendingRecord>;
  readonly #records: AppendOnly<PlacedRecord>;
  readonly #segments: AppendOnly<Segment>;
  readonly #head: Collection<Head>;

  constructor(mongo: Mongo, ambient: Ambient) {
    this.#mongo = mongo;
    this.#ambient = ambient;
    this.#inbox = mongo.db.collection('audit_inbox');
    this.#records = mongo.db.collection<PlacedRecord>('audit_records');
    this.#segments = mongo.db.collection<Segment>('audit_segments');
    this.#head = mongo.db.collection('audit_head');
  }

  /** Creates collections, indexes and the head at genesis; harmless to repeat. */
  async ensureIndexes(): Promise<void> {
    const { db } = this.#mongo;
    for (const name of ['audit_inbox', 'audit_records', 'audit_segments', 'audit_head']) {
      await db.createCollection(name).catch(unlessExists);
    }
    await db.collection('audit_records').createIndexes(RECORD_INDEXES);
    await db.collection('audit_segments').createIndexes([{ key: { segment: 1 }, name: 'segment', unique: true }]);
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

  /** Records without a place, in the store's own order: sorting a long inbox costs 1 s at 20 000 on the embedded store. */
  pending(limit: number): Promise<PendingRecord[]> {
    return this.#read(this.#inbox.find({}).limit(limit).toArray());
  }

  /** When the record that has waited longest was appended; null when none waits. */
  async oldestPending(): Promise<Date | null> {
    const [first] = await this.pending(1);
    return first?.at ?? null;
  }

  async pendingIds(limit: number): Promise<string[]> {
    const found = await this.#read(
      this.#inbox
        .find({}, { projection: { _id: 1 } })
        .limit(limit)
        .toArray(),
    );
    return found.map((record) => record._id);
  }

  countPending(): Promise<number> {
    return this.#read(this.#inbox.countDocuments({}), LONG_MS);
  }

  head(): Promise<Head | null> {
    return this.#read(this.#head.findOne({ _id: 'head' }));
  }

  /** One transaction: the head is swapped, the records get their places, the inbox loses them. @throws Overtaken */
  async commit(head: Head, placing: Placing): Promise<void> {
    const ids = placing.records.map((record) => record._id);
    const { seq, hash, fence } = head;
    await this.#mongo.transaction(async (session) => {
      const swap = { $set: placing.tip, $inc: { beat: 1 } };
      const swapped = await this.#head.updateOne({ _id: 'head', seq, hash, fence }, swap, { session });
      if (swapped.matchedCount === 0) throw new Overtaken();
      await this.#records.insertMany(placing.records, { session });
      if (placing.sealed.length > 0) await this.#segments.insertMany(placing.sealed, { session });
      const removed = await this.#inbox.deleteMany({ _id: { $in: ids } }, { session });
      if (removed.deletedCount !== ids.length) throw new Overtaken();
    });
  }

  /**
   * Drops from the inbox what has a place already: a driver's retry after a lost answer can insert a record again
   * once it was moved. Returns how many there were.
   */
  async dropRepeated(batch: readonly PendingRecord[]): Promise<number> {
    let dropped = 0;
    for (const { _id } of batch) {
      if ((await this.record(_id)) === null) continue;
      dropped += (await this.#inbox.deleteOne({ _id })).deletedCount;
    }
    return dropped;
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

  /** How many there are; null where the store cannot count in time (the embedded one: 5 ms per 1 000). */
  countRecords(): Promise<number | null> {
    return this.#read(this.#records.estimatedDocumentCount()).catch(() => null);
  }

  /** A record whose place is text, a truth value, null or missing: index-served, unlike the question for "no number". */
  async misplaced(): Promise<PlacedRecord | null> {
    for (const seq of [null, { $gte: '', $lt: '\u{10ffff}' }, true, false]) {
      const found = await this.#read(this.#records.findOne({ seq } as unknown as Filter<PlacedRecord>), LONG_MS);
      if (found) return found;
    }
    return null;
  }

  /** A record whose place is no number of whatever kind; a scan, so ask only once a count says that there is one. */
  unplaced(): Promise<PlacedRecord | null> {
    return this.#read(this.#records.findOne({ seq: { $not: EVERY_PLACE } } as Filter<PlacedRecord>), LONG_MS);
  }

  segments(range: SeqRange): Promise<Segment[]> {
    const found = this.#segments.find({ segment: { $gte: range.low, $lte: range.high } }).sort({ segment: 1 });
    return this.#read(found.project<Segment>({ _id: 0 }).toArray(), LONG_MS);
  }

  async #read<T>(work: Promise<T>, ms = DEADLINE_MS): Promise<T> {
    try {
      return await within(this.#ambient, ms, work);
    } catch (error) {
      throw asProblem(error);
    }
  }
}

/** For what walks the whole log and blocks nobody; the connection may be given up before. */
const LONG_MS = 20_000;

/** From `low` to `high`, both included. */
export interface SeqRange {
  readonly low: number;
  readonly high: number;
}

function unlessExists(error: unknown): void {
  if (!(error instanceof MongoServerError && error.code === 48)) throw error;
}
