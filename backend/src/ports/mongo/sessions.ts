/**
 * Sessions of transactions, on record: a process that is killed inside a transaction leaves its locks behind, and a
 * server lets go of them after 60 s only (`transactionLifetimeLimitSeconds`). Whoever comes after it ends its sessions.
 */
import { UUID, type ClientSession, type Collection, type Db, type MongoClient } from 'mongodb';
import { isStoreError } from './store-errors.ts';

interface SessionsDocument {
  /** Replica. */
  _id: string;
  ids: UUID[];
}

/** A replica holds as many as it has transactions at once; more are remembered because a broken one is replaced. */
const REMEMBERED = 256;

export interface Sessions {
  /** Lends a session that is on record under this process's name. */
  use<T>(work: (session: ClientSession) => Promise<T>): Promise<T>;
  /** Ends the transactions that a replica which is gone left open. */
  release(owner: string): Promise<void>;
  close(): Promise<void>;
}

export function createRecordedSessions(client: MongoClient, db: Db, owner: string | null): Sessions {
  const collection: Collection<SessionsDocument> = db.collection('sessions');
  const idle: ClientSession[] = [];

  const opened = async (): Promise<ClientSession> => {
    const session = client.startSession();
    const id = session.id?.id as unknown as UUID | undefined;
    if (owner !== null && id) {
      const ids = { $each: [id], $slice: -REMEMBERED };
      await collection.updateOne({ _id: owner }, { $push: { ids } }, { upsert: true });
    }
    return session;
  };

  return {
    async use(work) {
      const session = idle.pop() ?? (await opened());
      try {
        const result = await work(session);
        idle.push(session);
        return result;
      } catch (error) {
        // What the server thinks of a session after a driver's error is unknown; a refusal of ours leaves it as it was.
        if (isStoreError(error) || session.inTransaction()) await session.endSession().catch(() => undefined);
        else idle.push(session);
        throw error;
      }
    },
    async release(gone) {
      const found = await collection.findOne({ _id: gone });
      if (!found) return;
      // Nothing could be added to what is no list, and one that is no session would keep the others from being ended.
      if (!Array.isArray(found.ids)) return void (await collection.updateOne({ _id: gone }, { $set: { ids: [] } }));
      const ids = found.ids.filter((id: unknown) => id instanceof UUID);
      if (ids.length > 0) await client.db('admin').command({ killSessions: ids.map((id) => ({ id })) });
      if (found.ids.length > 0) await collection.updateOne({ _id: gone }, { $pullAll: { ids: found.ids } });
    },
    close: async () => void (await Promise.all(idle.splice(0).map((session) => session.endSession()))),
  };
}
