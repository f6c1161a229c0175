import { expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { MongoClient } from 'mongodb';
import { freshDatabase, startMongo } from './mongo.ts';
import { startNats } from './nats.ts';

it('the shared MongoDB runs transactions and each test has a database of its own', async () => {
  const { uri, db } = freshDatabase();
  await using client = new MongoClient(uri);
  const numbers = client.db(db).collection<{ n: number }>('numbers');
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await numbers.insertOne({ n: 1 }, { session });
    }),
  );
  expect(await numbers.countDocuments()).toBe(1);
});

it('NFR-07 a MongoDB killed with -9 keeps what it acknowledged', async () => {
  const first = await startMongo();
  const before = new MongoClient(first.uri);
  await before.db('d').collection('c').insertOne({ kept: true });
  await before.close();
  first.kill();
  const again = await startMongo({ port: first.port, storeDir: first.storeDir });
  await using client = new MongoClient(again.uri);
  expect(await client.db('d').collection('c').countDocuments({ kept: true })).toBe(1);
  await again.stop();
});

it('a NATS killed with -9 keeps what it acknowledged', async () => {
  const first = await startNats();
  const before = await connect({ servers: first.url });
  const manager = await jetstreamManager(before);
  await manager.streams.add({ name: 'S', subjects: ['s.>'] });
  await manager.jetstream().publish('s.a', 'one');
  first.kill();
  await before.close();
  const again = await startNats({ port: first.port, storeDir: first.storeDir });
  const after = await connect({ servers: again.url });
  expect((await (await jetstreamManager(after)).streams.info('S')).state.messages).toBe(1);
  await after.close();
  await again.stop();
});
