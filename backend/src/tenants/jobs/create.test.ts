import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Plan, Tenant } from '@cloudlysis/contract';
import { startGround, startReplica, type Ground, type Replica } from '../platform.fixture.ts';

let ground: Ground;
let replica: Replica;

beforeAll(async () => {
  ground = await startGround(50);
  replica = await startReplica(ground, { patienceMs: 1_500 });
});

afterAll(async () => {
  await replica[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

const reason = 'INC-42: a test';
const create = (tenant_id: string, more: object = {}) =>
  replica.run('tenants.create', { tenant_id, metadata: { name: `The ${tenant_id}` }, reason, ...more });
const act = (kind: 'pause' | 'resume' | 'archive' | 'restore', tenant_id: string) =>
  replica.run(`tenants.${kind}`, { tenant_id, reason });
const listed = async (id: string) =>
  (await replica.list({ search: id })).items.find(({ tenant_id }) => tenant_id === id);
const check = (plan: Plan, id: string) => plan.checks.find((one) => one.id === id);

it('TEN-01 TEN-10..12 a tenant is created: consumers, flag, placements, nodes, and the list knows it at once', async () => {
  const input = { tenant_id: 'acme', metadata: { name: 'Acme', plan: 'pro' as const }, reason };
  const plan = Plan.parse(await replica.preflight('tenants.create', input));
  expect(plan.blockers).toEqual([]);
  // Nothing is measured of what is not there yet, and nothing said not to be.
  expect(plan.blast_radius).toEqual([{ kind: 'tenant', ids: ['acme'], count: 1, figures: [] }]);
  expect(plan.diff.map(({ path }) => path)).toEqual([
    'tenants.acme.metadata',
    'consumers.projection-acme',
    'consumers.runner-acme',
    'config.tenants.acme.paused',
    'placement.aggregate.acme.shard_id',
    'placement.projection.acme.shard_id',
    'placement.runner.acme.shard_id',
  ]);
  const job = await replica.run('tenants.create', input);
  expect(job).toMatchObject({ state: 'succeeded', undo: { operation: 'tenants.archive' } });
  expect(job.proof?.checks.map(({ status }) => status)).not.toContain('block');
  const inList = Tenant.parse(await listed('acme'));
  expect(inList.placements.map(({ kind }) => kind)).toEqual(['aggregate', 'projection', 'runner']);
  expect(inList.status.state).toBe('active');
  // Traffic and lag are sampled, and `get` samples the lag.
  expect({ ...(await replica.get('acme')), traffic: inList.traffic }).toEqual(inList);
  expect(inList.placements.map(({ shard_id }) => shard_id)).toEqual(
    plan.diff.filter(({ path }) => path.startsWith('placement.')).map(({ after }) => after),
  );
});

it('TEN-01 an id that is taken is refused, in the plan and between two that ask at once', async () => {
  await create('taken');
  await expect(create('taken')).rejects.toMatchObject({ code: 'tenant.exists' });
  const both = await Promise.allSettled([create('twin'), create('twin')]);
  const states = both.map((one) =>
    one.status === 'fulfilled' ? one.value.state : (one.reason as { code: string }).code,
  );
  expect(states.filter((state) => state === 'succeeded')).toHaveLength(1);
  expect(await replica.get('twin')).toMatchObject({ status: { state: 'active' } });
});

it('TEN-12 shards that are told are used; unknown ones, those of another kind and full ones are refused', async () => {
  const job = await create('told', { shards: { aggregate: 'a2', projection: 'p2', gateway: 'g1' } });
  expect(job.state).toBe('succeeded');
  expect((await replica.get('told')).placements.map(({ shard_id }) => shard_id)).toEqual(['a2', 'p2', 'r1', 'g1']);
  await expect(create('odd', { shards: { aggregate: 'zz' } })).rejects.toMatchObject({ code: 'shard.unknown' });
  await expect(create('odd', { shards: { aggregate: 'p1' } })).rejects.toMatchObject({ code: 'shard.kind_mismatch' });
  const full = { ...ground.shards.find(({ shard_id }) => shard_id === 'a2')!, capacity: { tenants: 1 } };
  await replica.mongo.db
    .collection<{ _id: string }>('shards')
    .updateOne({ _id: 'a2' }, { $set: { capacity: full.capacity } });
  const plan = await replica.preflight('tenants.create', {
    tenant_id: 'odd', metadata: { name: 'Odd' }, shards: { aggregate: 'a2' }, reason,
  }); // prettier-ignore
  expect(check(plan, 'capacity.aggregate')).toMatchObject({ status: 'block', limit: 1 });
});

it('TEN-05..09 metadata is merged, the diff shows each field, and the undo puts it back', async () => {
  await create('meta', { metadata: { name: 'Meta', quotas: { users: 10, jobs: 5 } } });
  const input = { tenant_id: 'meta', metadata: { plan: 'enterprise', quotas: { users: 20 } }, reason };
  const plan = await replica.preflight('tenants.update', input);
  expect(plan.diff).toEqual(
    expect.arrayContaining([
      { op: 'replace', path: 'tenants.meta.metadata.plan', before: 'free', after: 'enterprise' },
      { op: 'replace', path: 'tenants.meta.metadata.quotas.users', before: 10, after: 20 },
      { op: 'remove', path: 'tenants.meta.metadata.quotas.jobs', before: 5, after: null },
    ]),
  );
  const { undo } = await replica.run('tenants.update', input);
  expect((await listed('meta'))?.metadata).toMatchObject({ plan: 'enterprise', quotas: { users: 20 } });
  await replica.run('tenants.update', { ...undo!.params, ...(undo!.body as object) } as never);
  expect((await replica.get('meta')).metadata).toMatchObject({
    plan: 'free',
    quotas: { users: 10, jobs: 5 },
    name: 'Meta',
  });
});

it('TEN-05..09 a change to a version that has moved on is stale', async () => {
  await create('moved');
  const { version } = await replica.get('moved');
  const change = (name: string) =>
    replica.run('tenants.update', { tenant_id: 'moved', metadata: { name }, version, reason });
  expect((await change('First')).state).toBe('succeeded');
  await expect(change('Second')).rejects.toMatchObject({ code: 'version.stale' });
  expect((await replica.get('moved')).metadata.name).toBe('First');
});

it('TEN-01 a tenant that is not there is unknown to every call', async () => {
  await expect(replica.get('nobody')).rejects.toMatchObject({ code: 'tenant.unknown', status: 404 });
  for (const kind of ['pause', 'resume', 'archive', 'restore'] as const) {
    await expect(act(kind, 'nobody')).rejects.toMatchObject({ code: 'tenant.unknown' });
  }
  expect(await replica.tenants.stateOf('nobody')).toBeNull();
});

it('TEN-02 another replica lists what this one wrote, soon', async () => {
  await using other = await startReplica(ground, { name: 'replica-c' });
  expect((await other.list({ search: 'acme' })).items).toHaveLength(1);
  await create('shared');
  for (let tried = 0; ; tried += 1) {
    if ((await other.list({ search: 'shared', state: 'active' })).items.length === 1) break;
    expect(tried).toBeLessThan(100);
    await replica.ambient.sleep(50);
  }
});
