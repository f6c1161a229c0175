// Drains that outlive their node: ordered under a job, put back after a restart, lifted by a job, told late where a node was away.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventually } from '../../../../dataplane/testing/platform.ts';
import { createDrainOrders, toldTo } from '../record/drain-orders.ts';
import type { DrainOrder } from '../record/stored-placement.ts';
import { NO_FAULTS, placed, startHastyWorld, type Script, type World } from '../placement.fixture.ts';

let world: World;
beforeAll(async () => {
  world = await startHastyWorld('a1', 'a2', 'g1');
});
afterAll(() => world?.stop());
afterEach(async () => {
  await world.mongo.db.collection('drains').deleteMany({});
  for (const node of world.platform.nodes.values()) {
    node.thaw();
    if (node.ended) await node.start();
    await node.post('/admin/faults', NO_FAULTS);
    await node.post('/admin/resume');
  }
});

const order = (action: 'drain' | 'resume', tenant_id?: string, more: object = {}, script: Script = {}) =>
  world.engine.run('scale.drain', { shard_id: 'a1', tenant_id, action, reason: 'test', ...more }, script);
const planOf = (action: 'drain' | 'resume', tenant_id?: string, more: object = {}) =>
  world.engine.plan('scale.drain', { shard_id: 'a1', tenant_id, action, reason: 'test', ...more });
const a1 = () => world.platform.node('a1');
const stateOf = async (tenant: string, shard = 'a1') => (await world.platform.node(shard).tenant(tenant))?.state;
const becomes = (tenant: string, state: string, shard = 'a1') =>
  eventually(`${tenant} is ${state} on ${shard}`, async () => (await stateOf(tenant, shard)) === state);
/** For some rounds of who looks after what is ordered of nodes. */
const stays = async (tenant: string, state: string, ms = 1_200) => {
  for (const end = performance.now() + ms; performance.now() < end; await pause(50))
    expect(await stateOf(tenant)).toBe(state);
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const orders = () => createDrainOrders(world.mongo).all();
const restart = async () => {
  await a1().kill();
  await a1().start();
};

/** What the keeper put on record of a job's order. */
const recordsOf = async (resource: string) => {
  const found = await Promise.all(
    ['audit_inbox', 'audit_records'].map((name) => world.mongo.db.collection(name).find({ resource }).toArray()),
  );
  return found.flat().map(({ code }) => String(code)).filter((code) => code.startsWith('drain.')); // prettier-ignore
};

it('NFR-01 whose drain of the whole node it is, and why, is told to those who may see all', async () => {
  const tenant = await world.tenant('within', { aggregate: 'a1' });
  expect((await order('drain')).problem).toBeNull();
  const shown = await planOf('resume', tenant);
  const told = shown.checks.find(({ id }) => id === 'drain.ordered')!.detail;
  expect(told).toBe(`all of a1 is drained as ordered for the whole node: ${tenant} is served there as an exception`);
  const moved = world.engine.definitions['scale.migrate']!;
  const away = await world.tenant('beside', { aggregate: 'a2' });
  const leaving = await world.engine.underWay('scale.evacuate', { shard_id: 'a1', reason: 'test' });
  const staying = async (seesAll: boolean) => {
    const input = { tenant_id: away, kind: 'aggregate', to: 'a1', reason: 'test' } as never;
    const { checks } = await moved.plan(input, { principal: null, jobId: null, seesAll });
    return checks.find(({ id }) => id === 'target.staying')!.measured;
  };
  expect(await staying(true)).toBe(`${leaving.jobId} (scale.evacuate, asked for by user:test)`);
  expect(await staying(false)).toBe('a job of the platform (scale.evacuate)');
  await leaving[Symbol.asyncDispose]();
  expect((await order('resume')).problem).toBeNull();
}); // prettier-ignore

describe('OPS-07 a drain is an order that outlives its node', () => {
  it('a node that dies and starts again is drained again within seconds, once on record; after a resume it is not', async () => {
    const tenant = await world.tenant('kept', { aggregate: 'a1' });
    expect((await order('drain', tenant)).problem).toBeNull();
    await restart();
    await becomes(tenant, 'drained');
    await restart();
    await becomes(tenant, 'drained');
    expect(await recordsOf(`tenant:${tenant}`)).toEqual(['drain.put_back']);
    expect((await order('resume', tenant)).problem).toBeNull();
    await becomes(tenant, 'serving');
    await restart();
    await becomes(tenant, 'serving');
    await stays(tenant, 'serving');
  });

  it('OPS-08 so is a whole node, and a resume of it leaves those drained that are drained for themselves', async () => {
    const [own, other] = [
      await world.tenant('own', { aggregate: 'a1' }),
      await world.tenant('other', { aggregate: 'a1' }),
    ];
    await order('drain', own);
    await order('drain');
    await restart();
    await becomes(other, 'drained');
    expect((await a1().get('/admin/state')).body.draining).toBe(true);
    const shown = await planOf('resume');
    expect(shown.checks.find(({ id }) => id === 'drain.ordered')?.detail).toContain('stay so: own by job_');
    expect((await order('resume')).problem).toBeNull();
    expect(await stateOf(own)).toBe('drained');
    expect(await stateOf(other)).toBe('serving');
    await restart();
    await becomes(own, 'drained');
    expect(await stateOf(other)).toBe('serving');
  });

  it('OPS-08 a tenant resumed on a drained node is an exception until the node is drained again', async () => {
    const tenant = await world.tenant('exception', { aggregate: 'a1' });
    await order('drain');
    expect((await planOf('resume', tenant)).checks.find(({ id }) => id === 'drain.ordered')?.status).toBe('warn');
    await order('resume', tenant);
    await restart();
    await eventually('the node drains', async () => (await a1().get('/admin/state')).body.draining);
    await becomes(tenant, 'serving');
    await stays(tenant, 'serving', 500);
    await order('drain');
    await stays(tenant, 'drained', 800);
  });

  it('two replicas put it back once on record, and a job under way is let be', async () => {
    const tenant = await world.tenant('twice', { aggregate: 'a1' });
    const second = world.replica();
    await second.start();
    try {
      await order('drain', tenant);
      const input = { tenant_id: tenant, kind: 'aggregate', to: 'a2', reason: 'test' };
      const busy = await world.engine.underWay('scale.migrate', input);
      await restart();
      await becomes(tenant, 'serving');
      await stays(tenant, 'serving');
      await busy[Symbol.asyncDispose]();
      await becomes(tenant, 'drained');
      expect(await recordsOf(`tenant:${tenant}`)).toEqual(['drain.put_back']);
    } finally {
      await second.stop();
    }
  });

  it('a move ends the drain and says so; the tenant is served where it went, and is not drained when it comes back', async () => {
    const tenant = await world.tenant('leaves', { aggregate: 'a1' });
    await order('drain', tenant);
    const input = { tenant_id: tenant, kind: 'aggregate', to: 'a2', reason: 'test' };
    const { checks } = await world.engine.plan('scale.migrate', input);
    expect(checks.find(({ id }) => id === 'tenant.drained')?.detail).toMatch(
      /^drained on a1 by job_.* \(user:test: test\): the move ends/,
    );
    const turned = await world.engine.run('scale.migrate', input, { failAt: { step: 'place', when: 'after' } });
    expect(turned.state).toBe('compensated');
    expect(await orders()).toMatchObject([{ _id: 'a1/leaves', wanted: 'drained' }]);
    await becomes(tenant, 'drained');
    const moved = await world.engine.run('scale.migrate', input);
    expect(moved.problem).toBeNull();
    expect(await orders()).toEqual([]);
    expect(await stateOf(tenant, 'a2')).toBe('serving');
    expect((await world.engine.run('scale.migrate', moved.undo!.body)).problem).toBeNull();
    await stays(tenant, 'serving', 800);
  });

  it('OPS-07 is lifted, on record, when its tenant is archived or lives elsewhere', async () => {
    const tenant = await world.tenant('ends', { aggregate: 'a1' });
    await order('drain', tenant);
    world.tenants.set(tenant, 'archived');
    await becomes(tenant, 'serving');
    expect(await recordsOf(`tenant:${tenant}`)).toContain('drain.lifted');
    const gone = await world.tenant('released', { aggregate: 'a1' });
    await order('drain', gone);
    await world.placement.book.release(gone, 'job_release');
    await eventually('its drain is lifted', async () => (await recordsOf(`tenant:${gone}`)).includes('drain.lifted'));
    expect((await orders()).filter(({ wanted }) => wanted === 'drained')).toEqual([]);
  });

  it('SCL-11 one that fails leaves no order, or the one that stood before', async () => {
    const tenant = await world.tenant('fails', { aggregate: 'a1' });
    const failing = { undoneTwice: true, failAt: { step: 'converge', when: 'before' } } as const;
    expect((await order('drain', tenant, {}, failing)).state).toBe('compensated');
    expect((await orders()).filter(({ wanted }) => wanted === 'drained')).toEqual([]);
    await stays(tenant, 'serving', 800);
    const first = await order('drain', tenant);
    expect((await order('resume', tenant, {}, failing)).state).toBe('compensated');
    expect(await orders()).toMatchObject([{ wanted: 'drained', job_id: first.jobId, reason: 'test' }]);
    await stays(tenant, 'drained', 500);
  });

  it('is listed as ordered beside what the node reports', async () => {
    const tenant = await world.tenant('listed', { aggregate: 'a1' });
    const { jobId } = await order('drain', tenant);
    const row = async () => {
      const { items } = await world.placement.reads['scale.drains.list']({} as never);
      return items.find(({ tenant_id }) => tenant_id === tenant);
    };
    expect(await row()).toMatchObject({
      state: 'drained',
      ordered: { job_id: jobId, by: 'user:test', reason: 'test' },
    });
    await a1().kill();
    await eventually('it is ordered and unreachable', async () => (await row())?.state === 'unreachable');
    expect(await row()).toMatchObject({ in_flight: null, ordered: { job_id: jobId } });
  });
});

describe('OPS-07 a node that is away', () => {
  it.each(['killed', 'frozen'] as const)(
    'that was %s: drain and resume are recorded when that is said, and told when it is back',
    async (way) => {
      const tenant = await world.tenant(`away-${way}`, { aggregate: 'a1' });
      const leave = () => (way === 'killed' ? a1().kill() : a1().freeze());
      const back = () => (way === 'killed' ? a1().start() : a1().thaw());
      const gone = { node: 'gone' };
      expect((await planOf('drain', tenant, gone)).blockers).toMatchObject([{ code: 'node.gone' }]);
      await leave();
      const [blocked] = (await planOf('drain', tenant)).blockers;
      expect(blocked!.detail).toContain('node: gone');
      const drained = await order('drain', tenant, gone, { twice: true });
      expect(drained.problem).toBeNull();
      expect(drained.proof!.checks).toMatchObject([{ id: 'drain.state', status: 'warn' }, { status: 'pass' }]);
      await back();
      await becomes(tenant, 'drained');
      await leave();
      const undone = await world.engine.run('scale.drain', { ...(drained.undo!.body as object), ...gone });
      expect(undone.problem).toBeNull();
      await back();
      await becomes(tenant, 'serving');
      await stays(tenant, 'serving', 500);
    },
    60_000,
  );

  it('that comes back while the job runs is told by it, in both directions', async () => {
    const tenant = await world.tenant('back-early', { aggregate: 'a1' });
    const before = async (step: string) => void (step === 'converge' && a1().thaw());
    for (const [action, state] of [['drain', 'drained'], ['resume', 'serving']] as const) {
      await a1().freeze();
      const ended = await order(action, tenant, { node: 'gone' }, { before });
      expect([action, ended.problem, ended.proof?.checks.map(({ status }) => status)]).toEqual([action, null, ['pass', 'pass']]);
      expect(await stateOf(tenant)).toBe(state);
    }
  }); // prettier-ignore

  it('API-03 a move that turns back while its source is away still ends undone, and the source serves when it is back', async () => {
    const tenant = await world.tenant('cancelled', { aggregate: 'a1' });
    const before = async (step: string) => void (step === 'converge' && (await a1().freeze()));
    const input = { tenant_id: tenant, kind: 'aggregate', to: 'a2', drain_timeout_s: 3, reason: 'test' };
    const ended = await world.engine.run('scale.migrate', input, { before });
    expect(ended).toMatchObject({ state: 'compensated' });
    expect(await placed(world, tenant)).toMatch(/^a1@/);
    a1().thaw();
    await becomes(tenant, 'serving');
    await stays(tenant, 'serving', 500);
  });
});

describe('OPS-07 what a node is told', () => {
  it('brings it to what was ordered, whatever it says, and then nothing more', () => {
    const states = fc.constantFrom('serving', 'draining', 'drained', 'paused');
    const node = fc.record({ draining: fc.boolean(), acme: fc.option(states) });
    fc.assert(
      fc.property(
        node,
        fc.constantFrom('drained', 'serving'),
        fc.constantFrom('acme', null),
        (said, wanted, tenant_id) => {
          const asked = { tenant_id, wanted } as DrainOrder;
          const stateWith = ({ draining, acme }: typeof said) => ({
          service: 'aggregate', version: '1', git_sha: 'x', shard_id: 'a1', placement_revision: 1, config_revision: 0, draining,
          tenants: acme === null ? [] : [{ tenant_id: 'acme', placement_revision: 1, state: acme as 'serving', in_flight: 0 }],
        }); // prettier-ignore
          const told = toldTo(asked, stateWith(said));
          const after = told === null ? said : tenant_id === null
          ? { ...said, draining: told === 'drain' }
          : { ...said, acme: told === 'drain' ? ('drained' as const) : ('serving' as const) }; // prettier-ignore
          expect(toldTo(asked, stateWith(after))).toBeNull();
          if (told !== null) expect(told).toBe(wanted === 'drained' ? 'drain' : 'resume');
          if (tenant_id !== null && said.acme === null) expect(told).toBeNull();
        },
      ),
    );
  });
});
