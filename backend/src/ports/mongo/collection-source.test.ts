// A checked copy of a collection, against a real store: whatever is written, restored, dropped or missed, it ends as the collection.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BSON, MongoClient, ObjectId, type Collection, type Db } from 'mongodb';
import { pino } from 'pino';
import { eventually } from '../../../testing/eventually.ts';
import { freshDatabase, startMongo } from '../../../../testing/mongo.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { CheckedCopy, type Source } from '../../copies/index.ts';
import { createCollectionSource } from './collection-source.ts';

interface Thing {
  _id: string | ObjectId | number;
  key?: unknown;
  revision: number;
}

const { uri, db: name } = freshDatabase();
const client = new MongoClient(uri);
let db: Db;
let count = 0;
beforeAll(() => void (db = client.db(name)));
afterAll(async () => {
  await db.dropDatabase();
  await client.close();
});

/** A copy, what it told, and a way to make its stream break or say nothing. */
async function follow(collection: Collection<Thing>, checkMs = 60_000) {
  const told = new Map<string, Thing>();
  const ambient = systemAmbient();
  const real = createCollectionSource<Thing>({ collection, ambient, windowBy: 'key' });
  let breaks = new AbortController();
  let isDeaf = false;
  const source: Source<Thing> = {
    ...real,
    follow: (changes, signal) =>
      real.follow(
        { ...changes, changed: (ids) => void (isDeaf || changes.changed(ids)), doubt: (why) => void (isDeaf || changes.doubt(why)) },
        AbortSignal.any([signal, breaks.signal]),
      ),
  }; // prettier-ignore
  const copy = new CheckedCopy<Thing>({
    name: 'things', source, ambient, checkMs, logger: pino({ level: 'silent' }),
    apply: (id, thing) => void (thing ? told.set(id, thing) : told.delete(id)),
  }); // prettier-ignore
  copy.start();
  await eventually('it is followed', async () => copy.state().behindSince === null);
  return {
    copy,
    told,
    deaf: (is: boolean) => void (isDeaf = is),
    kill() {
      breaks.abort();
      breaks = new AbortController();
    },
    [Symbol.asyncDispose]: () => copy.stop(),
  };
}

const sorted = (things: Iterable<Thing>): string[] =>
  [...things].map((thing) => BSON.EJSON.stringify(thing, { relaxed: false })).sort();

async function untilSame(
  collection: Collection<Thing>,
  { copy, told }: Awaited<ReturnType<typeof follow>>,
): Promise<void> {
  let seen: unknown;
  await eventually('the copy is the collection', async () => {
    const [stored, held, heard] = [await collection.find().toArray(), copy.values(), told.values()].map((all) =>
      sorted(all as Iterable<Thing>),
    );
    seen = { stored, held, heard };
    return (
      copy.state().behindSince === null &&
      BSON.EJSON.stringify([held, heard]) === BSON.EJSON.stringify([stored, stored])
    );
  }).catch((error: Error) => {
    throw new Error(`${error.message} ${JSON.stringify([seen, copy.state()])}`);
  });
}

const fresh = async (): Promise<Collection<Thing>> => {
  const made = await db.createCollection<Thing>(`things_${(count += 1)}`);
  await made.createIndex({ key: 1 });
  return made;
};

const ids = ['a', 'b', 'c', 'd', 'e'] as const;
const keys = ['x', 'y', 'ü', '\u{1F600}', 7, null] as const;
type Step =
  | { do: 'put'; id: string; key: unknown; revision: number }
  | { do: 'delete'; id: string }
  | { do: 'restore'; things: Thing[] }
  | { do: 'drop' | 'kill' | 'rename-over' | 'rest' };
const id = fc.constantFrom(...ids);
const thing = fc.record({ _id: id, key: fc.constantFrom(...keys), revision: fc.integer({ min: 0, max: 3 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), id, key: fc.constantFrom(...keys), revision: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), things: fc.uniqueArray(thing, { selector: ({ _id }) => _id }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('drop' as const, 'kill' as const, 'kill' as const, 'rename-over' as const, 'rest' as const) }) },
); // prettier-ignore

async function perform(step: Step, collection: Collection<Thing>, kill: () => void): Promise<void> {
  switch (step.do) {
    case 'put':
      await collection.replaceOne({ _id: step.id }, { key: step.key, revision: step.revision }, { upsert: true });
      return;
    case 'delete':
      await collection.deleteOne({ _id: step.id });
      return;
    case 'restore':
      await collection.deleteMany({});
      if (step.things.length > 0) await collection.insertMany(step.things);
      return;
    case 'drop':
      await collection.drop();
      return;
    case 'rename-over': {
      const other = db.collection<Thing>(`${collection.collectionName}_backup`);
      await other.insertOne({ _id: 'a', key: 'x', revision: -1 });
      await other.rename(collection.collectionName, { dropTarget: true });
      return;
    }
    case 'kill':
      return kill();
    case 'rest':
      return new Promise((resolve) => setTimeout(resolve, 30));
  }
}

it('NFR-08 a copy ends as the collection after any writes, restores, drops and breaks of its stream', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const collection = await fresh();
      await using followed = await follow(collection);
      for (const one of steps) await perform(one, collection, followed.kill);
      await untilSame(collection, followed);
    }),
    { numRuns: 15, endOnFailure: true },
  );
}, 120_000);

it('NFR-08 what nobody announced is found by the next comparison, counted, and the stream is opened anew', async () => {
  const collection = await fresh();
  const all = Array.from({ length: 1_203 }, (_, n): Thing => ({ _id: `t${n}`, key: `k${n >> 1}`, revision: 5 }));
  await collection.insertMany(all);
  await using followed = await follow(collection, 300);
  followed.deaf(true);
  await collection.updateOne({ _id: 't7' }, { $set: { revision: 1 } });
  await collection.deleteOne({ _id: 't1100' });
  await collection.insertOne({ _id: 'new', key: 'k', revision: 1 });
  await collection.insertOne({ _id: 'last', key: 'zzz', revision: 1 });
  await untilSame(collection, followed);
  await eventually('they are counted', async () => followed.copy.state().missed === 4);
});

it('NFR-08 ids that are no strings, and values that only differ in their type, are copied as they are', async () => {
  const collection = await fresh();
  await using followed = await follow(collection);
  const oid = new ObjectId();
  await collection.insertMany([
    { _id: oid, key: oid, revision: 1 },
    { _id: oid.toHexString(), key: 'x', revision: 1 },
    { _id: 7, key: null, revision: 1 },
    { _id: '7', key: 'null', revision: 1 },
  ]);
  await untilSame(collection, followed);
  await collection.updateOne({ _id: 7 }, { $set: { key: 'null' } });
  await collection.deleteOne({ _id: oid });
  await untilSame(collection, followed);
  expect(followed.copy.size).toBe(3);
});

it('NFR-08 while the store is away the copy keeps what it knows and says since when; then it catches up', async () => {
  const own = await startMongo();
  await using made = await (async () => {
    const to = new MongoClient(own.uri, { serverSelectionTimeoutMS: 300, socketTimeoutMS: 1_500 });
    const collection = to.db('x').collection<Thing>('things');
    await collection.insertOne({ _id: 'a', key: 'x', revision: 3 });
    const followed = await follow(collection);
    return { to, collection, followed, [Symbol.asyncDispose]: () => followed[Symbol.asyncDispose]().then(() => to.close()) };
  })(); // prettier-ignore
  const { collection, followed } = made;
  const before = new Date();
  await own.stop();
  await eventually('it says so', async () => followed.copy.state().behindSince);
  expect(followed.copy.state().behindSince!.getTime()).toBeGreaterThanOrEqual(before.getTime());
  expect(followed.copy.state().reason).toMatch(/watch broke|could not be read/);
  expect(followed.copy.get('a')?.revision).toBe(3);
  await expect(followed.copy.check()).rejects.toMatchObject({ code: 'store.unavailable' });
  const back = await startMongo({ port: own.port });
  await eventually('it is written', () => collection.insertOne({ _id: 'a', key: 'x', revision: 1 }));
  await untilSame(collection, followed);
  expect(followed.copy.get('a')?.revision).toBe(1);
  await followed.copy.stop();
  await back.stop();
});
