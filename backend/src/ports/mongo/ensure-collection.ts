/** A collection with its indexes, made where it is missing: a transaction writes only to collections that exist. */
import type { Db, IndexDescription } from 'mongodb';
import { translated } from './mongo.ts';

/** Harmless to repeat. @throws Problem `store.unavailable` */
export async function ensureCollection(
  db: Db,
  name: string,
  indexes: readonly Readonly<IndexDescription>[] = [],
): Promise<void> {
  await translated(() => db.createCollection(name)).catch(async (error: unknown) => {
    // Losing the race to another replica, or to the last start, is success.
    const there = await translated(() => db.listCollections({ name }).toArray());
    if (there.length === 0) throw error;
  });
  // One a call: a busy store makes twelve at once more slowly than the service waits for a call.
  for (const index of indexes) await translated(() => db.collection(name).createIndexes([{ ...index }]));
}
