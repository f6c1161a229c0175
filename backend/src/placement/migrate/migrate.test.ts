// Moving live tenants over real nodes: under traffic, from every crash point, there and back, and against nodes that will not.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startWorld, traffic, type Script, type World } from '../placement.fixture.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';

let world: World;
const STEPS = ['drain', 'converge', 'place', 'reload', 'ready'];

beforeAll(async () => {
  world = await startWorld('a1', 'a2', 'p1', 'p2', 'r1', 'r2', 'g1');
});
afterAll(() => world?.stop());
afterEach(async () => {
  const none = {
    slow_ms: 0,
    error_rate: 0,
    stuck: false,
    refuse_drain: false,
    lie_ready: null,
    hang: false,
    in_flight: 0,
  };
  for (const node of world.platform.nodes.values()) await node.post('/admin/faults', none).catch(() => undefined);
});

const home = (id: string) => world.tenant(id, { aggregate: 'a1', projection: 'p1', runner: 'r1' });
const move = (tenant_id: string, to: string, more: object = {}, script: Script = {}) =>
  world.engine.run('scale.migrate', { tenant_id, kind: 'aggregate', to, reason: 'test', ...more }, script);
const placed = async (tenant: string, kind: 'aggregate' | 'projection' | 'runner' = 'aggregate') => {
  const record = await world.store.find(kind, tenant);
  const entry = await world.nats.placement.get(`${kind}.${tenant}`);
  expect(entry?.value).toMatchObject({ shard: record?.shard_id, revision: record?.revision });
  return `${record?.shard_id}@${record?.revision}`;
};

/** Acknowledged commands are in the log once each, and versions have no gap. */
async function assertLog(tenant: string, acknowledged: ReadonlySet<string>): Promise<void> {
  const events = await world.nats.eventsAfter(tenant, 0, 100_000);
  expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
  const commands = events.map(({ command_id }) => command_id);
  expect(new Set(commands).size).toBe(commands.length);
  for (const command of acknowledged) expect(commands).toContain(command);
}

describe('SCL-06 a move', () => {
  it('under traffic loses nothing, doubles nothing, and says how long writes paused', async () => {
    const tenant = await home('busy');
    const load = await traffic(world.platform, tenant, 10);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const ended = await move(tenant, 'a2');
    await load.stop();
    expect(ended.problem).toBeNull();
    expect(ended.proof!.checks.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'placement.recorded pass',
      'placement.published pass',
      'target.serving pass',
      'source.idle pass',
      'gateway.g1 pass',
      'events.contiguous pass',
      'commands.once pass',
    ]);
    expect(ended.proof!.facts).toMatchObject({ lost: 0, duplicated: 0, from: 'a1', to: 'a2', revision: 2 });
    expect(ended.proof!.facts['write_pause_ms']).toBeLessThan(1_000);
    expect(load.failed).toEqual([]);
    await assertLog(tenant, load.acknowledged);
    expect(await placed(tenant)).toBe('a2@2');
    expect(ended.undo).toMatchObject({ operation: 'scale.migrate', body: { tenant_id: 'busy', to: 'a1' } });
  });

  it('there and back and there again, for every kind; nothing a drain left behind keeps a tenant shut', async () => {
    const tenant = await home('commuter');
    for (const kind of ['aggregate', 'projection', 'runner'] as const) {
      const [one, two] = [`${kind[0]}1`, `${kind[0]}2`];
      for (const to of [two, one, two]) expect((await move(tenant, to, { kind })).problem).toBeNull();
      expect(await placed(tenant, kind)).toBe(`${two}@4`);
      expect(await world.platform.node(two).tenant(tenant)).toMatchObject({ state: 'serving', placement_revision: 4 });
      expect(await world.platform.node(one).tenant(tenant)).toBeUndefined();
    }
    const reply = await world.platform.command(tenant, {
      command_id: 'c',
      type: 'deposit',
      data: { account: 'a', amount: 1 },
    });
    expect(reply.status).toBe(200);
  });

  it('of a projection while events flow hands the consumer on and loses none', async () => {
    const tenant = await home('reader');
    const load = await traffic(world.platform, tenant, 10);
    const ended = await move(tenant, 'p2', { kind: 'projection' });
    await load.stop();
    expect(ended.problem).toBeNull();
    expect(ended.proof!.facts).toMatchObject({ lost: 0, duplicated: 0, write_pause_ms: null });
    await assertLog(tenant, load.acknowledged);
  });

  it('tells nothing to move from something in the way', async () => {
    const tenant = await home('odd');
    const refused = async (to: string, more: object = {}) => {
      const input = { tenant_id: tenant, kind: 'aggregate', to, reason: 'test', ...more };
      return world.engine.plan('scale.migrate', input).then(() => null, (error: { code: string }) => error.code); // prettier-ignore
    };
    expect(await refused('a1')).toBe('placement.unchanged');
    expect(await refused('p1')).toBe('shard.kind_mismatch');
    expect(await refused('zz')).toBe('shard.unknown');
    expect(await refused('a2', { tenant_id: 'nobody' })).toBe('tenant.unknown');
    expect(await refused('g1', { kind: 'gateway' })).toBe('placement.unknown');
  });
});

describe('SCL-06 a worker that dies', () => {
  it('after every effect and before its record: the same end', async () => {
    const tenant = await home('twice');
    const load = await traffic(world.platform, tenant, 20);
    const ended = await move(tenant, 'a2', {}, { twice: true });
    await load.stop();
    expect(ended.problem).toBeNull();
    expect(await placed(tenant)).toBe('a2@2');
    await assertLog(tenant, load.acknowledged);
  });

  it('there, and after every undoing and before its record: the source serves again', async () => {
    const tenant = await home('twice-back');
    const ended = await move(tenant, 'a2', {}, { twice: true, failAt: { step: 'ready', when: 'after' } });
    expect(ended).toMatchObject({ state: 'compensated', died: 7 });
    expect(await placed(tenant)).toBe('a1@3');
    expect(await world.platform.node('a1').tenant(tenant)).toMatchObject({ state: 'serving' });
  });

  for (const step of STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`and a job that turns back ${when} the effect of ${step}, each undoing done twice: the source serves again`, async () => {
        const tenant = await home(`back-${step}-${when}`);
        const load = await traffic(world.platform, tenant, 25);
        const ended = await move(tenant, 'a2', {}, { undoneTwice: true, failAt: { step, when } });
        await world.platform.command(tenant, {
          command_id: 'last',
          type: 'deposit',
          data: { account: 'a', amount: 1 },
        });
        await load.stop();
        expect(ended.state).toBe('compensated');
        // Once `place` may have been tried, the way back has a revision that no late write can swap over.
        const revision = STEPS.indexOf(step) < 2 ? 1 : step === 'place' && when === 'before' ? 2 : 3;
        expect(await placed(tenant)).toBe(`a1@${revision}`);
        expect(await world.platform.node('a1').tenant(tenant)).toMatchObject({ state: 'serving' });
        expect(load.failed).toEqual([]);
        await assertLog(tenant, new Set([...load.acknowledged, 'last']));
        expect((await move(tenant, 'a2')).problem).toBeNull();
      });
    }
  }
});

describe('SCL-11 a drain that does not converge', () => {
  it('ends in its time, counts for the alert, and the source resumes', async () => {
    const tenant = await home('stuck');
    await world.platform.node('a1').post('/admin/faults', { in_flight: 3 });
    const started = stopwatch();
    const ended = await move(tenant, 'a2', { drain_timeout_s: 1 });
    expect(ended).toMatchObject({ state: 'compensated', problem: { code: 'drain.not_converging', status: 504 } });
    expect(ended.problem!.detail).toBe('stuck did not drain on a1 in 1 s: in flight 3');
    expect(started()).toBeLessThan(4_000);
    expect(await world.platform.node('a1').tenant(tenant)).toMatchObject({ state: 'serving' });
    expect(await placed(tenant)).toBe('a1@1');
    expect(await world.metrics.metrics()).toMatch(/cp_drain_overruns_total\{environment="dev",kind="aggregate"\} 1/);
  });
});

describe('SCL-05 nodes that will not', () => {
  const planOf = (tenant_id: string) =>
    world.engine.plan('scale.migrate', { tenant_id, kind: 'aggregate', to: 'a2', reason: 'test' });
  const codes = async (tenant: string) => (await planOf(tenant)).blockers.map(({ code }) => code);

  it('SCL-08, SCL-09 a loaded source and a target that is not ready are blocked checks', async () => {
    const tenant = await home('checks');
    expect(await codes(tenant)).toEqual([]);
    await world.platform.node('a1').post('/admin/faults', { in_flight: 101 });
    await world.platform.node('a2').post('/admin/faults', { lie_ready: 'not-ready' });
    expect(await codes(tenant)).toEqual(['target.ready', 'drain.in_flight']);
  });

  it('a node that hangs is a blocked check within its deadline', async () => {
    const tenant = await home('hang');
    await world.platform.node('a2').post('/admin/faults', { hang: true });
    const started = stopwatch();
    expect(await codes(tenant)).toContain('target.reachable');
    expect(started()).toBeLessThan(4_000);
  });

  it('a node that refuses to drain ends the job, and the tenant was never touched', async () => {
    const tenant = await home('refused');
    await world.platform.node('a1').post('/admin/faults', { refuse_drain: true });
    const ended = await move(tenant, 'a2');
    expect(ended.problem).toMatchObject({ code: 'drain.refused', status: 409 });
    expect(await placed(tenant)).toBe('a1@1');
    expect(await world.platform.node('a1').tenant(tenant)).toMatchObject({ state: 'serving' });
  });

  it('a target that turns unready after the switch gives the tenant back', async () => {
    const tenant = await home('unready');
    const load = await traffic(world.platform, tenant, 20);
    const before = async (step: string) => {
      if (step === 'ready') await world.platform.node('a2').post('/admin/faults', { lie_ready: 'not-ready' });
    };
    const ended = await move(tenant, 'a2', {}, { before });
    await load.stop();
    expect(ended).toMatchObject({ state: 'compensated', problem: { code: 'step.failed' } });
    expect(ended.problem!.detail).toMatch(/^a2 is not ready/);
    expect(await placed(tenant)).toBe('a1@3');
    await assertLog(tenant, load.acknowledged);
  });

  it('SCL-10 a consumer that is behind is a blocked check with its lag', async () => {
    const tenant = await home('behind');
    await world.platform.node('p1').post('/admin/faults', { stuck: true });
    for (let n = 0; n < 5; n++)
      await world.platform.command(tenant, { command_id: `c${n}`, type: 'deposit', data: { account: 'a', amount: 1 } });
    const input = { tenant_id: tenant, kind: 'aggregate', to: 'a2', reason: 'test', max_consumer_lag: 2 };
    const { blockers } = await world.engine.plan('scale.migrate', input);
    expect(blockers).toEqual([{ code: 'lag.projection', detail: 'consumer lag 5 > 2 on projection/p1' }]);
  });

  it('two operators on one tenant: the second is told who holds it; a stale plan is refused', async () => {
    const tenant = await home('contested');
    const plan = await planOf(tenant);
    let seen: string | undefined;
    const before = async (step: string) => {
      if (step === 'converge') seen = (await planOf(tenant)).blockers.find(({ code }) => code === 'lane.free')?.detail;
    };
    const { jobId } = await move(tenant, 'a2', {}, { before });
    expect(seen).toBe(`${jobId} (scale.migrate, asked for by user:test) holds tenant:contested`);
    expect(await placed(tenant)).toBe('a2@2');
    expect((await move(tenant, 'a1')).problem).toBeNull();
    await expect(move(tenant, 'a2', {}, { plan })).rejects.toMatchObject({ code: 'plan.stale' });
    // A backup that is restored between the plan and the job.
    const record = (await world.store.find('aggregate', tenant))!;
    const restored = (shard_id: string) =>
      world.store.placements.updateOne({ _id: record._id }, { $set: { shard_id } });
    const late = await move(tenant, 'a2', {}, { begins: async () => void (await restored('a2')) });
    expect(late).toMatchObject({ state: 'compensated', problem: { code: 'plan.stale' } });
    expect(late.problem!.detail).toBe('contested is no longer on a1');
    await restored('a1');
    expect(await placed(tenant)).toBe('a1@3');
  });

  it('a source that dies after the switch does not undo it', async () => {
    const node = await world.platform.add('a3');
    await node.start();
    const endpoint = node.url;
    const shard = { shard_id: 'a3', kind: 'aggregate', endpoint, labels: {}, capacity: { tenants: 5 }, region: 'eu' };
    expect((await world.engine.run('scale.shards.put', { ...shard, reason: 'test' })).problem).toBeNull();
    const tenant = await world.tenant('orphan', { aggregate: 'a3', projection: 'p1', runner: 'r1' });
    const before = async (step: string) => void (step === 'reload' && (await node.kill()));
    const ended = await move(tenant, 'a2', {}, { before });
    expect(ended.problem).toBeNull();
    expect(ended.proof!.checks.find(({ id }) => id === 'source.idle')).toMatchObject({ status: 'warn' });
    expect(await placed(tenant)).toBe('a2@2');
  });
});
