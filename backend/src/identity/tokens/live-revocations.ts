/**
 * Revocations as the platform's bucket has them, at once, and on record in MongoDB: a control plane that starts while NATS is
 * away, or after the bucket was lost, refuses what it refused before, and so does a replica beside it that had not heard yet.
 */
import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import type { CopyReport } from '../../copies/index.ts';
import { keepFollowing, type Announced } from '../../ports/mongo/change-stream.ts';
import { translated, type Mongo } from '../../ports/mongo/mongo.ts';
import type { Board, BoardWatch } from '../../ports/nats/index.ts';
import { LONGEST_TOKEN_MS, Revocations, type Until } from './revocations.ts';
import { within } from '../../kernel/time.ts';

interface RevocationDocument {
  readonly _id: string;
  readonly until: Until;
}

export interface LiveRevocations {
  readonly revocations: Revocations;
  readonly copy: CopyReport;
  /** Reads what is on record. Harmless to repeat. @throws Problem `store.unavailable` */
  prepare(): Promise<void>;
  /** Prepares where that was not done, and follows the bucket. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface LiveOptions {
  readonly mongo: Pick<Mongo, 'db'>;
  readonly board: Pick<Board<true>, 'watch'>;
  /** Of the environment, where there are several. */
  readonly name?: string | null;
  /** Of the time that replicas share: ends of revocations are kept, and judged by others than wrote them. */
  readonly ambient: Ambient;
  /** By whose clock tokens are judged; the same unless told. */
  readonly machine?: Pick<Ambient, 'now'>;
  readonly logger: Logger;
}

const RECORD_MS = 250;
const AT_ONCE = 1_000;
const FORGET_MS = 3_600_000;
const FIRST_READ_MS = 1_000;

export function createLiveRevocations({
  mongo,
  board,
  name = null,
  ambient,
  machine = ambient,
  logger,
}: LiveOptions): LiveRevocations {
  const collection: Collection<RevocationDocument> = mongo.db.collection('revocations');
  const title = name === null ? 'revocations' : `${name}/revocations`;
  const revocations = new Revocations(ambient, machine);
  const stopping = new AbortController();
  /** What is still to be recorded, by id; undefined: taken back. */
  const toRecord = new Map<string, Until | undefined>();
  let watch: BoardWatch | undefined;
  let recording: Promise<void> | undefined;
  let following: Promise<void> | undefined;
  let reading = Promise.resolve();

  function apply(id: string, isThere: boolean, isDeleted: boolean): void {
    if (isThere) revocations.revoke(id);
    else if (isDeleted) revocations.takeBack(id);
    // What is missing after it was taken back is no revocation.
    else if (!revocations.isRevoked([id])) return;
    toRecord.set(id, isThere ? null : isDeleted ? undefined : revocations.outlive(id));
  }

  async function readRecorded(ids?: readonly string[]): Promise<void> {
    const filter = ids ? { _id: { $in: [...ids] } } : {};
    const recorded = await translated(() =>
      collection.find(filter, { timeoutMS: 20_000, batchSize: 10_000 }).toArray(),
    );
    // Until the bucket says that it still has them.
    for (const { _id, until } of recorded)
      if (typeof _id === 'string' && !revocations.isInBucket(_id)) revocations.outlive(_id, timeIn(until));
    const found = new Set(recorded.map(({ _id }) => _id));
    for (const id of ids ?? []) if (!found.has(id) && !revocations.isInBucket(id)) revocations.takeBack(id);
  }

  /** A bucket that is lost a moment after one replica has read it would otherwise leave the others without what it read. */
  async function followRecords(): Promise<void> {
    const { signal } = stopping;
    const read = (ids?: readonly string[]): void => {
      reading = reading
        .then(() => readRecorded(ids))
        .catch((error: unknown) => logger.warn({ err: error }, 'recorded revocations could not be read'));
    };
    const heard = (changes: readonly Announced[]): void =>
      read([...new Set(changes.flatMap(({ documentKey }) => (documentKey ? [String(documentKey._id)] : [])))]);
    await keepFollowing(collection, { ambient, signal, opened: () => read(), heard });
    await reading;
  }

  /** Those on record that the bucket turned out not to have. */
  async function recordMissing(from: BoardWatch): Promise<void> {
    await untilRead(from);
    for (const [id, until] of revocations.outliving()) if (!toRecord.has(id)) toRecord.set(id, until);
  }

  async function untilRead(from: BoardWatch): Promise<void> {
    while (!stopping.signal.aborted && from.state().checkedAt === null)
      await ambient.sleep(RECORD_MS, stopping.signal).catch(() => undefined);
  }

  async function recordForever(): Promise<void> {
    const { signal } = stopping;
    for (let forgotten = ambient.monotonic(); !signal.aborted;) {
      await ambient.sleep(RECORD_MS, signal).catch(() => undefined);
      try {
        await record();
        if (ambient.monotonic() - forgotten < FORGET_MS) continue;
        forgotten = ambient.monotonic();
        revocations.forgetOver();
        // Kept for as long again: a replica whose clock is behind may still take such tokens.
        const over = new Date(ambient.now().getTime() - LONGEST_TOKEN_MS);
        await translated(() => collection.deleteMany({ until: { $lt: over } }));
      } catch (error) {
        logger.warn({ err: error, waiting: toRecord.size }, 'revocations are in force and not yet on record');
        await ambient.sleep(4 * RECORD_MS, signal).catch(() => undefined);
      }
    }
  }

  async function record(): Promise<void> {
    while (toRecord.size > 0) {
      const some = [...toRecord].slice(0, AT_ONCE);
      const writes = some.map(([_id, until]): AnyBulkWriteOperation<RevocationDocument> =>
        until === undefined
          ? { deleteOne: { filter: { _id } } }
          : { updateOne: { filter: { _id }, update: { $set: { until } }, upsert: true } },
      );
      await translated(() => collection.bulkWrite(writes, { ordered: false }));
      // What changed meanwhile is written with the next.
      for (const [id, until] of some) if (toRecord.get(id) === until) toRecord.delete(id);
    }
  }

  return {
    revocations,
    copy: { state: () => watch?.state() ?? unread(title, ambient) },
    prepare: () => readRecorded(),
    async start() {
      watch = board.watch(title, '>', (id, entry, isDeleted) => apply(id, entry !== null, isDeleted));
      void recordMissing(watch);
      recording = recordForever();
      following = followRecords();
      // What was revoked while no control plane ran is in force before the first request; without NATS nobody waits longer.
      await within(
        ambient,
        FIRST_READ_MS,
        watch.current().catch(() => undefined),
        () => undefined,
      );
    },
    async stop() {
      stopping.abort();
      await Promise.all([watch?.stop(), recording, following]);
    },
  };
}

/** A revocation whose time cannot be read is one all the same, and keeps none of the others out of force. */
const timeIn = (until: unknown): Until => (until instanceof Date && Number.isFinite(until.getTime()) ? until : null);

const unread = (name: string, ambient: Ambient) => ({
  name,
  size: 0,
  missed: 0,
  checkedAt: null,
  behindSince: ambient.now(),
  reason: 'it was not read yet',
});
