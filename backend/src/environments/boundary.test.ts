// What environments share keeps them apart by names: no name of one is that of another.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EnvironmentId } from '@cloudlysis/contract';
import fc from 'fast-check';
import { freshDatabase } from '../../../testing/mongo.ts';
import { connectMongo, type Mongo } from '../ports/mongo/mongo.ts';
import { ensureCollection } from '../ports/mongo/ensure-collection.ts';
import type { ActiveJob } from '../jobs/index.ts';
import { boundaryOf } from './boundary.ts';
import { homeOf } from './home.ts';

let mongo: Mongo;
beforeAll(async () => {
  const { uri, db } = freshDatabase();
  mongo = await connectMongo(uri, db);
});
afterAll(() => mongo?.close());

const id = fc
  .string({ unit: fc.constantFrom('a', 'b', '-', '1', '.', '/', 'dev', 'tenant', ':'), minLength: 1, maxLength: 5 })
  .filter((text) => EnvironmentId.safeParse(text).success);
const ids = fc.uniqueArray(id, { minLength: 2, maxLength: 4 });
const own = fc.constantFrom('tenant:acme', 'tenant:dev', 'shard:a1', 'platform', 'bulk:1f', 'a/tenant:acme');

it('GEN-29 a lane of one environment is that of no other, and its jobs are seen by it alone, under its own name', () => {
  fc.assert(
    fc.property(ids, own, own, (all, one, two) => {
      const [home, other] = [all[0]!, all.at(-1)!];
      const [here, there] = [home, other].map((environment) => boundaryOf(environment, home, all)) as [ReturnType<typeof boundaryOf>, ReturnType<typeof boundaryOf>]; // prettier-ignore
      // A lane never begins with the id of an environment, but for those of the boundary itself.
      fc.pre(!all.some((each) => one.startsWith(`${each}/`) || two.startsWith(`${each}/`)));
      expect(here.lane(one) === there.lane(two)).toBe(false);
      // As it always was, so that a replica of the version before holds the same.
      expect(here.lane(one)).toBe(one);
    }),
  );
});

it('GEN-29 the reader of jobs of an environment finds what is active there', async () => {
  const job = (lane: string): ActiveJob => ({ jobId: lane, kind: 'scale.migrate', tenantId: 'acme', lane, actor: 'a', since: new Date(), input: {} }); // prettier-ignore
  const all = ['tenant:acme', 'staging/tenant:acme', 'staging/shard:a1', 'prod/tenant:acme'].map(job);
  const reader = {
    active: async () => all,
    holderOf: async (lane: string) => all.find((one) => one.lane === lane) ?? null,
  };
  const of = (environment: string) => boundaryOf(environment, 'dev', ['dev', 'staging', 'prod']).jobs(reader);
  const lanes = async (environment: string) => (await of(environment).active()).map(({ jobId, lane }) => [jobId, lane]);
  expect(await lanes('dev')).toEqual([['tenant:acme', 'tenant:acme']]);
  expect(await lanes('staging')).toEqual([
    ['staging/tenant:acme', 'tenant:acme'],
    ['staging/shard:a1', 'shard:a1'],
  ]);
  expect((await of('prod').holderOf('tenant:acme', null))?.jobId).toBe('prod/tenant:acme');
  expect(await of('prod').holderOf('shard:a1', null)).toBeNull();
});

it('GEN-29 what one environment stores another does not find, and nobody leaves its own collections', async () => {
  const stores = ['dev', 'staging', 'prod'].map((environment) =>
    boundaryOf(environment, 'dev', ['dev', 'staging', 'prod']).collections(mongo),
  );
  for (const { db } of stores) await ensureCollection(db, 'shards', [{ key: { kind: 1 } }]);
  for (const [at, { db }] of stores.entries())
    await db.collection<{ _id: string; at: number }>('shards').insertOne({ _id: 'a1', at });
  for (const [at, { db }] of stores.entries()) expect(await db.collection('shards').find().toArray()).toEqual([{ _id: 'a1', at }]); // prettier-ignore
  // The home's are where they always were.
  expect(await mongo.db.collection('shards').findOne({})).toEqual({ _id: 'a1', at: 0 });
  for (const way of ['command', 'aggregate', 'watch', 'dropDatabase'])
    expect((stores[1]!.db as unknown as Record<string, unknown>)[way]).toBeUndefined();
});

it('GEN-29 the home is noted once: that of the log, or the first; and a store is not taken for another environment’s', async () => {
  const fresh = async () => {
    const { uri, db } = freshDatabase();
    return connectMongo(uri, db);
  };
  const one = await fresh();
  expect(await homeOf(one, ['dev', 'staging'])).toBe('dev');
  // In whatever order they stand later.
  expect(await homeOf(one, ['prod', 'staging', 'dev'])).toBe('dev');
  await expect(homeOf(one, ['staging', 'prod'])).rejects.toThrow('This store began as the environment dev');
  const two = await fresh();
  await two.db.collection('audit_records').insertOne({ environment: 'staging' });
  expect(await homeOf(two, ['dev', 'staging'])).toBe('staging');
  const three = await fresh();
  await three.db.collection('audit_records').insertOne({ environment: 'local' });
  await expect(homeOf(three, ['dev', 'staging'])).rejects.toThrow('began as the environment local');
  const four = await fresh();
  const asked = await Promise.all(Array.from({ length: 4 }, (_, n) => homeOf(four, n % 2 ? ['a', 'b'] : ['b', 'a'])));
  expect(new Set(asked).size).toBe(1);
  await Promise.all([one, two, three, four].map((each) => each.close()));
});
