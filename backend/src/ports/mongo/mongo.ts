/** The connection to MongoDB: majority writes, short deadlines, and its errors turned into problems here. */
import { MongoClient, MongoServerError, type ClientSession, type Db } from 'mongodb';
import { Problem } from '@cloudlysis/contract';
import { isStoreError, isStoreLimit } from './store-errors.ts';
import { createRecordedSessions, type Sessions } from './sessions.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { within } from '../../kernel/time.ts';

/** Deadlines on the driver are the machine's: its own time cannot be held by a test either. */
const machine = systemAmbient();

/** Of a list or a count that somebody waits for. */
export const READ_MS = 3_000;
/** A mutation must be refused within 2 s of the store going away, so every operation is given less than that. */
const DEADLINE_MS = 1500;

/**
 * One value must not spoil the answer it comes in: the driver throws a whole batch away for a pattern that the server
 * takes and JavaScript does not (`(?i)x`), and for text whose bytes are no UTF-8, which the server does not look at.
 */
const LEGIBLE = { bsonRegExp: true, enableUtf8Validation: false } as const;

export interface MongoSight {
  /** Name of the replica set; null on a sharded cluster. */
  readonly replicaSet: string | null;
  /** Members that hold data. */
  readonly members: number;
  readonly version: string | null;
}

export interface Mongo {
  readonly client: MongoClient;
  readonly db: Db;
  /** Runs `work` in one majority transaction, retried by the driver on transient conflicts. */
  transaction<T>(work: (session: ClientSession) => Promise<T>): Promise<T>;
  /** Ends the transactions that a replica which is gone left open. @throws Problem `store.unavailable` */
  releaseTransactionsOf(owner: string): Promise<void>;
  /** Round trip in milliseconds. @throws Problem `store.unavailable` */
  ping(): Promise<number>;
  /** Does what the service relies on, and changes nothing: a majority read and a transaction. @throws Problem `store.unavailable` */
  examine(): Promise<MongoSight>;
  close(): Promise<void>;
}

/**
 * `owner` names this process across restarts: what an earlier life of it left open is ended here.
 * @throws Problem `store.unavailable`; Error when the server is a standalone, which has neither transactions nor change streams.
 */
export async function connectMongo(uri: string, name: string, owner: string | null = null): Promise<Mongo> {
  const client = new MongoClient(uri, {
    serverSelectionTimeoutMS: DEADLINE_MS,
    connectTimeoutMS: DEADLINE_MS,
    socketTimeoutMS: DEADLINE_MS,
    writeConcern: { w: 'majority', journal: true },
    maxPoolSize: 32,
    appName: 'cloudlysis-control',
    ignoreUndefined: true,
    ...LEGIBLE,
  });
  const db = client.db(name);
  const hello = await translated(() => client.db('admin').command({ hello: 1 }));
  if (!hello['setName'] && hello['msg'] !== 'isdbgrid') {
    await client.close();
    throw new Error(
      'MongoDB is a standalone server; jobs and audit need transactions and change streams.\n' +
        'Restart it with `mongod --replSet rs0` and run once: mongosh --eval "rs.initiate()"',
    );
  }
  const sessions = createRecordedSessions(client, db, owner);
  if (owner !== null) await translated(() => sessions.release(owner));
  return {
    client,
    db,
    transaction: (work) => translated(() => inTransaction(sessions, work)),
    releaseTransactionsOf: (gone) => translated(() => sessions.release(gone)),
    ping: async () => {
      const started = machine.monotonic();
      await prompt(() => db.command({ ping: 1 }));
      return machine.monotonic() - started;
    },
    examine: () => examine(client, db, sessions),
    close: async () => {
      await sessions.close().catch(() => undefined);
      await client.close();
    },
  };
}

async function examine(client: MongoClient, db: Db, sessions: Sessions): Promise<MongoSight> {
  const probe = db.collection('sessions');
  await prompt(() => probe.findOne({}, { readConcern: { level: 'majority' }, projection: { _id: 1 } }));
  await translated(() => inTransaction(sessions, (session) => probe.findOne({}, { session, projection: { _id: 1 } })));
  const admin = client.db('admin');
  const hello = await prompt(() => admin.command({ hello: 1 }));
  // Not every account may ask; the version is worth a word and no failure.
  const build = await prompt(() => admin.command({ buildInfo: 1 })).catch(() => null);
  const hosts = hello['hosts'] as unknown;
  return {
    replicaSet: typeof hello['setName'] === 'string' ? hello['setName'] : null,
    members: Array.isArray(hosts) ? hosts.length : 1,
    version: typeof build?.['version'] === 'string' ? build['version'] : null,
  };
}

/**
 * The driver repeats a transaction for two minutes, network errors included. Here the caller is answered at the
 * deadline, and from then on no repetition begins: what was refused must not happen later.
 */
async function inTransaction<T>(sessions: Sessions, work: (session: ClientSession) => Promise<T>): Promise<T> {
  const until = machine.monotonic() + DEADLINE_MS;
  const overdue = (): Problem =>
    new Problem('store.unavailable', `The transaction did not finish within ${DEADLINE_MS} ms`);
  const done = sessions.use((session) =>
    session.withTransaction(() => {
      if (machine.monotonic() > until) throw overdue();
      return work(session);
    }),
  );
  return within(machine, DEADLINE_MS, done, () => {
    throw overdue();
  });
}

/** True for a unique index violation; `index` narrows it to one index by name. */
export const isDuplicateKey = (error: unknown, index?: string): boolean =>
  error instanceof MongoServerError && error.code === 11000 && (index === undefined || error.message.includes(index));

/**
 * Runs a driver call; what the driver throws for an absent or slow server becomes `store.unavailable`. Inside a
 * transaction the error stays as it is: the driver must see it to retry, and the transaction's own edge translates it.
 */
export async function translated<T>(call: () => Promise<T>, session?: ClientSession): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw session ? error : toProblem(error);
  }
}

/**
 * As `translated`, for a read that somebody waits for: of one document, or of more in `ms`. The driver queues for a
 * connection, repeats and connects anew, each with a deadline of its own: a server that is frozen was told of after 12 s.
 */
export async function prompt<T>(call: () => Promise<T>, ms = DEADLINE_MS): Promise<T> {
  return within(machine, ms, translated(call), () => {
    throw new Problem('store.unavailable', `The database did not answer in ${ms} ms`);
  });
}

/** Duplicate keys and problems pass through: the store that knows the index decides what they mean. */
function toProblem(error: unknown): unknown {
  if (isStoreLimit(error)) {
    const why = error instanceof MongoServerError ? error.message : 'a document is larger than 16 MiB';
    return new Problem('store.limit_reached', `MongoDB refuses: ${why.slice(0, 300)}`, {}, error);
  }
  if (!isStoreError(error) || isDuplicateKey(error)) return error;
  return new Problem('store.unavailable', undefined, {}, error);
}
