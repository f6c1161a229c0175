import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { felt } from '../../../../testing/felt.ts';
import { Plan } from '@cloudlysis/contract';
import { connect } from '@nats-io/transport-node';
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
const flagOf = async (id: string) => (await replica.nats.config.get(`tenants.${id}`))?.value;
const listed = async (id: string) =>
  (await replica.list({ search: id })).items.find(({ tenant_id }) => tenant_id === id);
const check = (plan: Plan, id: string) => plan.checks.find((one) => one.id === id);

it('TEN-14 OPS-11 pause holds the tenant back on every node, resume lets it through, and the list says so at once', async () => {
  await create('stop');
  const job = await act('pause', 'stop');
  expect(job).toMatchObject({
    state: 'succeeded',
    undo: { operation: 'tenants.resume', params: { tenant_id: 'stop' } },
  });
  expect(job.proof?.checks.filter(({ id }) => id.startsWith('node.')).map(({ measured }) => measured)).toEqual(
    expect.arrayContaining([expect.stringContaining('paused')]),
  );
  expect(await flagOf('stop')).toMatchObject({ paused: true, reason, revision: 2 });
  expect((await listed('stop'))?.status).toMatchObject({
    state: 'suspended',
    reason: `paused by ${job.job_id}: ${reason}`,
  });
  expect((await act('resume', 'stop')).state).toBe('succeeded');
  expect(await flagOf('stop')).toMatchObject({ paused: false, revision: 3 });
  expect((await listed('stop'))?.status.state).toBe('active');
});

it('API-05 a plan that was shown before anybody said why holds for the change with its reason', async () => {
  await create('unasked');
  for (const kind of ['tenants.pause', 'tenants.resume', 'tenants.archive', 'tenants.restore'] as const) {
    const { hash } = await replica.preflight(kind, { tenant_id: 'unasked' });
    const job = await replica.carryOut(kind, { tenant_id: 'unasked', reason }, hash);
    expect([kind, job.state, job.reason]).toEqual([kind, 'succeeded', reason]);
  }
  for (const bulk of ['tenants.bulk_pause', 'tenants.bulk_archive'] as const) {
    const { hash } = await replica.preflight(bulk, { tenant_ids: ['unasked'] });
    expect((await replica.carryOut(bulk, { tenant_ids: ['unasked'], reason }, hash)).state).toBe('succeeded');
  }
});

it('TEN-14 pausing what is paused is a blocked check that says since when and why', async () => {
  await create('twice');
  await act('pause', 'twice');
  const plan = await replica.preflight('tenants.pause', { tenant_id: 'twice', reason });
  expect(plan.blockers).toEqual([
    { code: 'tenant.state', detail: expect.stringMatching(/^twice has been paused since .*: INC-42/) },
  ]);
  await expect(act('pause', 'twice')).rejects.toMatchObject({ code: 'preflight.blocked' });
});

it('OPS-11 the plan of a pause says what it hits: in flight, lag, requests per second', async () => {
  await create('acme');
  const plan = Plan.parse(await replica.preflight('tenants.pause', { tenant_id: 'acme', reason }));
  expect(felt(plan)).toMatchObject({ ids: ['acme'], count: 1, lag: 0 });
  expect(felt(plan)?.['traffic']).toBeGreaterThan(10);
  expect(plan.blast_radius[0]?.figures.map(({ unit }) => unit)).toEqual(['req/s', 'in flight', 'events behind', '% of traffic']); // prettier-ignore
  expect(check(plan, 'nodes.answer')).toMatchObject({ status: 'pass' });
});

it('TEN-14 a node that does not obey makes the pause fail and be undone, and is named', async () => {
  await create('defied');
  const { placements } = await replica.get('defied');
  const node = ground.node(placements[0]!.shard_id);
  node.defies = true;
  try {
    const job = await act('pause', 'defied');
    expect(job).toMatchObject({ state: 'compensated', problem: { code: 'node.timeout' } });
    expect(job.problem?.detail).toContain(`aggregate/${node.shardId} (serving`);
  } finally {
    node.defies = false;
  }
  expect(await flagOf('defied')).toMatchObject({ paused: false, revision: 3 });
  expect((await replica.get('defied')).status.state).toBe('active');
});

it('TEN-14 a node that hangs is a warning in the plan, a bounded wait in the job, and undone', async () => {
  await create('hung');
  const { placements } = await replica.get('hung');
  const node = ground.node(placements[1]!.shard_id);
  node.hangs = true;
  try {
    const plan = await replica.preflight('tenants.pause', { tenant_id: 'hung', reason });
    expect(check(plan, 'nodes.answer')).toMatchObject({ status: 'warn' });
    expect(plan.blockers).toEqual([]);
    expect(await act('pause', 'hung')).toMatchObject({ state: 'compensated', problem: { code: 'node.timeout' } });
  } finally {
    node.hangs = false;
  }
});

it('TEN-14 a node that missed the change is told to read again', async () => {
  await create('deaf');
  const { placements } = await replica.get('deaf');
  const node = ground.node(placements[2]!.shard_id);
  node.deaf = true;
  expect((await act('pause', 'deaf')).state).toBe('succeeded');
  expect(node.deaf).toBe(false);
});

it('TEN-03 archive stops a tenant and keeps its data for the cooling period; restore brings it back as it was', async () => {
  await create('old');
  await act('pause', 'old');
  const job = await act('archive', 'old');
  expect(job.state).toBe('succeeded');
  const archived = await replica.get('old');
  expect(archived.status.state).toBe('archived');
  expect(Date.parse(archived.purge_after!) - Date.parse(archived.updated_at)).toBe(30 * 86_400_000);
  expect(await replica.nats.consumer('old', 'projection')).not.toBeNull();
  expect(archived.placements).toHaveLength(3);
  await expect(act('resume', 'old')).rejects.toMatchObject({ code: 'preflight.blocked' });
  expect((await act('restore', 'old')).state).toBe('succeeded');
  expect(await flagOf('old')).toMatchObject({ paused: true, reason });
  expect((await listed('old'))?.status.state).toBe('suspended');
  await act('resume', 'old');
  expect((await listed('old'))?.status.state).toBe('active');
});

it('TEN-03 what has cooled down cannot be restored', async () => {
  await using brief = await startReplica(ground, { name: 'replica-b', coolingDays: 0 });
  await create('cold');
  await brief.run('tenants.archive', { tenant_id: 'cold', reason });
  const plan = await replica.preflight('tenants.restore', { tenant_id: 'cold', reason });
  expect(plan.blockers[0]).toMatchObject({ code: 'tenant.state', detail: expect.stringContaining('cooling period') });
});

it('TEN-04 a node that goes away makes its tenants degraded, in get and list, since when it went', async () => {
  await create('sick');
  const { placements } = await replica.get('sick');
  const node = ground.node(placements[2]!.shard_id);
  const seen = new Set<string>();
  node.broken = true;
  try {
    for (let tried = 0; tried < 100 && seen.size < 1; tried += 1) {
      const { status } = (await listed('sick'))!;
      if (status.state === 'degraded') seen.add(status.since);
      await replica.ambient.sleep(100);
    }
    await replica.ambient.sleep(2_500);
    const status = (await replica.get('sick')).status;
    expect(status).toMatchObject({
      state: 'degraded',
      reason: expect.stringContaining(`runner/${node.shardId} unreachable`),
    });
    expect((await listed('sick'))!.status.since).toBe([...seen][0]);
    expect(status.since).toBe([...seen][0]);
  } finally {
    node.broken = false;
  }
  for (let tried = 0; (await listed('sick'))!.status.state !== 'active'; tried += 1) {
    expect(tried).toBeLessThan(100);
    await replica.ambient.sleep(100);
  }
  expect((await listed('sick'))!.status.since > [...seen][0]!).toBe(true);
});

it('TEN-04 consumers that fall behind make their tenant degraded, with measure and limit, until they catch up', async () => {
  await create('slow');
  const { placements } = await replica.get('slow');
  const bus = await connect({ servers: ground.nats.url });
  for (let event = 0; event < 5_001; event += 1) bus.publish('events.slow.log', '{}');
  await bus.flush();
  await bus.close();
  let status = (await replica.get('slow')).status;
  for (let tried = 0; status.state !== 'degraded' && tried < 50; tried += 1) {
    await replica.ambient.sleep(100);
    status = (await replica.get('slow')).status;
  }
  const [, projection] = placements;
  expect(status.reason).toContain(`consumer lag 5 001 > 5 000 on projection/${projection!.shard_id} since `);
  await replica.ambient.sleep(2_500);
  expect((await listed('slow'))!.status).toEqual(status);
  await replica.nats.deleteConsumers('slow', ['projection-slow', 'runner-slow']);
  expect((await replica.get('slow')).status.state).toBe('active');
});

it('NFR-07 two operators on one tenant: the second is told who is at it', async () => {
  await create('busy');
  const { placements } = await replica.get('busy');
  const node = ground.node(placements[0]!.shard_id);
  node.defies = true;
  try {
    const first = act('pause', 'busy');
    while (!(await replica.engine.holderOf('tenant:busy', null))) await replica.ambient.sleep(20);
    const plan = await replica.preflight('tenants.archive', { tenant_id: 'busy', reason });
    expect(check(plan, 'lane.free')).toMatchObject({
      status: 'block',
      detail: expect.stringContaining('tenants.pause'),
    });
    await first;
  } finally {
    node.defies = false;
  }
});
