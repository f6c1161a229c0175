import { expect, it } from '@jest/globals';
import { PLACED_KINDS } from '@cloudlysis/contract';
import { eventually } from '../../../testing/eventually.ts';
import { startGround, startReplica } from '../platform.fixture.ts';

const twelve = Array.from({ length: 12 }, (_, index) => `seeded-${index}`);

it('TEN-10..12 NFR-07 three replicas seed at once, and one that died half-way goes on: 12 live tenants, each placed once', async () => {
  await using ground = await startGround();
  const options = { tenants: twelve };
  await using first = await startReplica(ground, { ...options, name: 'replica-a' });
  await using second = await startReplica(ground, { ...options, name: 'replica-b' });
  await using third = await startReplica(ground, { ...options, name: 'replica-c' });
  // One dies after its first tenants: its NATS connection is gone.
  const dying = first.tenants.seed().catch((error: unknown) => error);
  await first.ambient.sleep(60);
  await first.nats.close();
  await dying;
  await Promise.all([second.tenants.seed(), third.tenants.seed()]);
  // What the other replica made is in this one's copy as soon as the change stream has told it.
  const items = await eventually('all are listed', async () => {
    const { items: listed } = await second.list({ limit: 200 });
    return listed.length === twelve.length && listed;
  });
  expect(items.map(({ tenant_id }) => tenant_id)).toEqual(twelve.toSorted());
  for (const { tenant_id } of items) {
    expect(await second.mongo.db.collection('tenants').findOne({ _id: tenant_id as never })).toMatchObject({
      phase: 'live',
    });
    const placed = await second.book.of(tenant_id);
    expect(placed.map(({ kind }) => kind).sort()).toEqual([...PLACED_KINDS].sort());
    for (const { kind, shard_id, revision } of placed) {
      const entry = await second.nats.placement.get(`${kind}.${tenant_id}`);
      expect(entry?.value).toMatchObject({ shard: shard_id, revision });
    }
  }
  const counts = await second.book.counts();
  expect((counts.get('a1') ?? 0) + (counts.get('a2') ?? 0)).toBe(12);
  expect(await second.tenants.seed()).toBe(0);
});

it('TEN-01 seeding never touches a platform that has tenants already', async () => {
  await using ground = await startGround();
  await using before = await startReplica(ground);
  await before.run('tenants.create', { tenant_id: 'ours', metadata: { name: 'Ours' }, reason: 'a customer' });
  await using later = await startReplica(ground, { name: 'replica-b', tenants: twelve });
  expect(await later.tenants.seed()).toBe(0);
  expect((await later.list()).items.map(({ tenant_id }) => tenant_id)).toEqual(['ours']);
});
