import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { dropDatabase, freshDatabase } from '../../../../testing/mongo.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { completeMetadata, newTenant, type TenantRecord } from './tenants.ts';
import { createTenantStore, type TenantStore } from './tenants.store.ts';

const T0 = new Date('2026-11-21T09:00:00.000Z');
const tenant = (id: string, jobId = 'job_1'): TenantRecord =>
  newTenant(id, completeMetadata({ name: id }, 'dev'), jobId, T0);

let mongo: Mongo;
let store: TenantStore;

beforeAll(async () => {
  const { uri, db } = freshDatabase();
  mongo = await connectMongo(uri, db);
  store = createTenantStore(mongo);
  await store.ensureIndexes();
});

afterAll(async () => {
  await dropDatabase(mongo.db.databaseName);
  await mongo.close();
});

it('TEN-01 of many that create one id at once, one wins and the others are told that it exists', async () => {
  const tries = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => store.insert(tenant('race', `job_${index}`))),
  );
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const lost of tries.filter((one) => one.status === 'rejected')) {
    expect(lost.reason).toMatchObject({ code: 'tenant.exists', status: 409 });
  }
});

it('NFR-07 of many that write over one version, one wins and the others are told that it is stale', async () => {
  await store.insert(tenant('swap'));
  const tries = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => store.save({ ...tenant('swap'), job_id: `job_${index}` }, 1)),
  );
  const won = tries.filter((one) => one.status === 'fulfilled');
  expect(won).toHaveLength(1);
  expect(await store.get('swap')).toEqual(won[0]!.value);
  for (const lost of tries.filter((one) => one.status === 'rejected')) {
    expect(lost.reason).toMatchObject({ code: 'version.stale', extra: { expected: 1, actual: 2 } });
  }
});

it('TEN-01 a record that is not there is unknown, to reads and to writes', async () => {
  await expect(store.get('nobody')).rejects.toMatchObject({ code: 'tenant.unknown' });
  await expect(store.save(tenant('nobody'), 1)).rejects.toMatchObject({ code: 'tenant.unknown' });
  expect(await store.find('nobody')).toBeNull();
});

it('NFR-07 taking an insert back spares what another job or a live tenant holds', async () => {
  await store.insert(tenant('mine', 'job_7'));
  expect(await store.removeProvisioning('mine', 'job_8')).toBe(false);
  await store.save({ ...tenant('mine', 'job_7'), phase: 'live' }, 1);
  expect(await store.removeProvisioning('mine', 'job_7')).toBe(false);
  await store.insert(tenant('half', 'job_7'));
  expect(await store.removeProvisioning('half', 'job_7')).toBe(true);
  expect(await store.removeProvisioning('half', 'job_7')).toBe(false);
});

it('NFR-07 a write in a transaction that is given up leaves nothing', async () => {
  await store.insert(tenant('undone'));
  const work = mongo.transaction(async (session) => {
    await store.save({ ...tenant('undone'), phase: 'live' }, 1, session);
    throw new Error('given up');
  });
  await expect(work).rejects.toThrow('given up');
  expect(await store.get('undone')).toMatchObject({ phase: 'provisioning', version: 1 });
});

it('NFR-07 seeding is due until it has ended, and never where tenants existed before', async () => {
  expect(await store.seedingDue()).toBe(false);
  const { uri, db } = freshDatabase();
  const empty = await connectMongo(uri, db);
  const fresh = createTenantStore(empty);
  await fresh.ensureIndexes();
  expect(await Promise.all([fresh.seedingDue(), fresh.seedingDue(), fresh.seedingDue()])).toEqual([true, true, true]);
  await fresh.insert(tenant('first'));
  expect(await fresh.seedingDue()).toBe(true);
  await fresh.seeded();
  expect(await fresh.seedingDue()).toBe(false);
  await dropDatabase(empty.db.databaseName);
  await empty.close();
});

it('ensuring the collections twice, or by two replicas at once, is the same as once', async () => {
  await Promise.all([store.ensureIndexes(), store.ensureIndexes()]);
});
