// What is larger than MongoDB takes, against a real store: told as a limit and never as a database that is away.
import { expect, test } from '@jest/globals';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { connectMongo, translated } from './mongo.ts';

interface Big {
  _id: string;
  text?: string;
}

// Above 16 MiB the server refuses; above 17 MiB the driver cannot write it down.
test.each([16.5, 17.5])('NFR-08 a document of %d MiB is a limit that is named, however it is written', async (mib) => {
  const { uri, db } = freshDatabase();
  const mongo = await connectMongo(uri, db);
  try {
    const docs = mongo.db.collection<Big>('docs');
    await docs.insertOne({ _id: 'there' });
    const text = 'x'.repeat(mib * 1024 * 1024);
    const ways = [
      () => translated(() => docs.insertOne({ _id: 'new', text })),
      () => translated(() => docs.updateOne({ _id: 'there' }, { $set: { text } })),
      () => mongo.transaction((session) => docs.insertOne({ _id: 'new', text }, { session })),
    ];
    for (const way of ways)
      await expect(way()).rejects.toMatchObject({ code: 'store.limit_reached', message: /^MongoDB refuses: .*(larg)/ });
    expect(await docs.find().toArray()).toEqual([{ _id: 'there' }]);
    await expect(mongo.ping()).resolves.toBeGreaterThan(0);
  } finally {
    await mongo.close();
  }
});
