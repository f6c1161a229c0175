// Moving off a node that is gone: dead, frozen, somebody else, or without storage; and what happens when it comes back.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceKind } from '@cloudlysis/contract';
import { eventually, type TestNode } from '../../../../dataplane/testing/platform.ts';
import {
  assertLog,
  NO_FAULTS,
  placed,
  startHastyWorld,
  traffic,
  type Script,
  type World,
} from '../placement.fixture.ts';

let world: World;
const STEPS = ['drain', 'converge', 'place', 'reload', 'ready'];

beforeAll(async () => {
  world = await startHastyWorld('a1', 'a2', 'p1', 'p2', 'r1', 'r2', 'g1');
});
afterAll(() => world?.stop());
afterEach(async () => {
  for (const [shard, node] of world.platform.nodes) {
    node.thaw();
    if (node.ended) await node.start();
    // The node probes its storage meanwhile, and may write a file into a folder that is being emptied.
    rmSync(join(world.platform.folder, shard), { recursive: true, force: true, maxRetries: 10 });
    await node.post('/admin/faults', NO_FAULTS);
  }
});

const home = (id: string) => world.tenant(id, { aggregate: 'a1', projection: 'p1', runner: 'r1' });
/** For moves of the aggregate alone: nobody commands it. */
const quiet = (id: string) => world.tenant(id, { aggregate: 'a1' });
const inputOf = (tenant_id: string, kind: ServiceKind, more: object = {}) => ({
  tenant_id, kind, to: `${kind[0]}2`, reason: 'test', ...more,
}); // prettier-ignore
const gone = { source: 'gone' };
const move = (tenant: string, kind: ServiceKind = 'aggregate', script: Script = {}) =>
  world.engine.run('scale.migrate', inputOf(tenant, kind, gone), script);
const planOf = (tenant: string, more: object = {}, kind: ServiceKind = 'aggregate') =>
  world.engine.plan('scale.migrate', inputOf(tenant, kind, more));
const codes = ({ blockers }: { blockers: readonly { code: string }[] }) => blockers.map(({ code }) => code);

/** One deposit, then transfers, each of which owes an effect. */
const transfers = (n: number) =>
  n === 1
    ? { type: 'deposit', data: { account: 'a', amount: 1_000_000 } }
    : { type: 'transfer', data: { from: 'a', to: 'b', amount: 1 } };

/** Ways to be gone; each returns how it comes back. */
const WAYS: Record<string, (node: TestNode) => Promise<() => Promise<void>>> = {
  killed: async (node) => {
    await node.kill();
    return async () => void (await node.start());
  },
  frozen: async (node) => {
    await node.freeze();
    return async () => node.thaw();
  },
  hanging: async (node) => {
    await node.post('/admin/faults', { hang: true });
    return async () => void (await node.post('/admin/faults', { hang: false }));
  },
  'without storage': async (node) => {
    const data = join(world.platform.folder, node.shard);
    rmSync(data, { recursive: true, force: true, maxRetries: 10 });
    writeFileSync(data, 'a file where a folder should be');
    return async () => rmSync(data);
  },
  'somebody else': async (node) => {
    const shard = await world.placement.book.shard(node.shard);
    const other = world.platform.node(`${node.shard[0]}2`);
    await world.store.saveShard({ ...shard, endpoint: other.url });
    return () => world.store.saveShard(shard);
  },
};

describe('SCL-05 a source that is gone', () => {
  // A process that was only paused is the one that may come back and write, so every kind is tried against it.
  const kinds = ['aggregate', 'projection', 'runner'] as const;
  const cases = Object.keys(WAYS).flatMap((way) =>
    kinds
      .filter((kind) => kind === 'aggregate' || ['killed', 'frozen'].includes(way))
      .map((kind) => [way, kind] as const),
  );

  it.each(cases)(
    'SCL-06 NFR-07 %s: its %s moves when it is said so, under load; back again, nothing is lost or doubled',
    async (way, kind) => {
      const tenant = await home(`gone-${way.replaceAll(' ', '-')}-${kind}`);
      const source = world.platform.node(`${kind[0]}1`);
      const load = await traffic(world.platform, tenant, 20, transfers);
      await eventually('commands flow', async () => load.acknowledged.size > 3);
      const back = await WAYS[way]!(source);
      if (kind === 'aggregate') {
        const usual = await planOf(tenant);
        expect(codes(usual)).toContainEqual(expect.stringMatching(/^source\./));
        expect(usual.checks.some(({ detail }) => detail.includes('source: gone'))).toBe(true);
      }
      const shown = await planOf(tenant, gone, kind);
      expect(shown.blockers).toEqual([]);
      expect(shown.checks.find(({ id }) => id === 'source.undrained')).toMatchObject({ status: 'warn' });
      const ended = await move(tenant, kind, { plan: shown });
      expect(ended.problem).toBeNull();
      expect(ended.proof!.facts).toMatchObject({ lost: 0, duplicated: 0, source_gone: expect.any(String) });
      expect(await placed(world, tenant, kind)).toBe(`${kind[0]}2@2`);
      const before = load.acknowledged.size;
      await eventually('commands flow again', async () => load.acknowledged.size > before + 5);
      await back();
      await eventually('it gave the tenant up', async () => (await source.tenant(tenant)) === undefined);
      const last = load.acknowledged.size;
      await eventually('and commands still flow', async () => load.acknowledged.size > last + 5);
      await load.stop();
      await assertLog(world, tenant, load.acknowledged);
      const events = await world.nats.eventsAfter(tenant, 0, 100_000);
      await eventually('every event is in the view once', async () => {
        const { version, data } = (await world.platform.view(tenant, 'totals')).body;
        return version === events.length && data.events === events.length;
      });
      await eventually('every effect was published once', async () => {
        // The first command is the deposit that the transfers are made of.
        const owed = events.slice(1).map(({ version }) => version);
        return (await effectsOf(tenant)).join() === owed.join();
      });
    },
    60_000,
  );

  it('API-05 that answers and is well has to be drained: refused in the plan, and once more when the job runs', async () => {
    const tenant = await quiet('well');
    expect(codes(await planOf(tenant, gone))).toEqual(['source.gone']);
    await world.platform.node('a1').freeze();
    const late = await move(tenant, 'aggregate', { begins: async () => world.platform.node('a1').thaw() });
    expect(late.problem).toMatchObject({ code: 'plan.stale', detail: expect.stringContaining('answers again') });
    expect(await placed(world, tenant)).toBe('a1@1');
    expect(await world.platform.node('a1').tenant(tenant)).toMatchObject({ state: 'serving' });
  });

  it('GEN-32 the plan of a move with a drain is not the plan of one without', async () => {
    const tenant = await quiet('hashes');
    expect((await planOf(tenant, gone)).hash).not.toBe((await planOf(tenant)).hash);
    expect((await planOf(tenant, { source: 'serving' })).blockers).toEqual([]);
  });

  it('SCL-09 a target that is gone stays a blocked check', async () => {
    const tenant = await quiet('no-target');
    await world.platform.node('a1').freeze();
    await world.platform.node('a2').kill();
    expect(codes(await planOf(tenant, gone))).toEqual(['target.reachable', 'target.ready', 'target.storage']);
  });

  it('SCL-06 that freezes after it had drained does not undo the switch', async () => {
    const tenant = await quiet('late-frost');
    const before = async (step: string) => void (step === 'reload' && (await world.platform.node('a1').freeze()));
    const ended = await world.engine.run('scale.migrate', inputOf(tenant, 'aggregate'), { before });
    expect(ended.problem).toBeNull();
    expect(ended.proof!.checks.find(({ id }) => id === 'source.idle')).toMatchObject({ status: 'warn' });
    expect(await placed(world, tenant)).toBe('a2@2');
  });
});

describe('SCL-06 NFR-07 a worker that dies while it moves a tenant off a node that is gone', () => {
  for (const step of STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`and a job that turns back ${when} the effect of ${step}, each undoing done twice: the tenant is where it was, served once its node is back`, async () => {
        const tenant = await quiet(`gone-back-${step}-${when}`);
        await world.platform.node('a1').kill();
        const ended = await move(tenant, 'aggregate', { undoneTwice: true, failAt: { step, when } });
        expect(ended.state).toBe('compensated');
        expect((await placed(world, tenant)).slice(0, 2)).toBe('a1');
        await world.platform.node('a1').start();
        const command = { command_id: 'last', type: 'deposit', data: { account: 'a', amount: 1 } };
        await eventually('it is served', async () => (await world.platform.command(tenant, command)).status === 200);
        await assertLog(world, tenant, new Set(['last']));
      });
    }
  }

  it('after every effect and before its record: the same end, and its undo is a move with a drain', async () => {
    const tenant = await quiet('gone-twice');
    await world.platform.node('a1').kill();
    const ended = await move(tenant, 'aggregate', { twice: true });
    expect(ended).toMatchObject({ problem: null, undo: { body: { to: 'a1' } } });
    expect(ended.undo!.body).not.toHaveProperty('source');
    expect(await placed(world, tenant)).toBe('a2@2');
    await world.platform.node('a1').start();
    expect((await world.engine.run('scale.migrate', ended.undo!.body)).problem).toBeNull();
    expect(await placed(world, tenant)).toBe('a1@3');
  });
});

describe('SCL-06 an evacuation of a node that is gone', () => {
  it('passes it on to every tenant, and says that the node was not asked', async () => {
    const tenants = ['ev-1', 'ev-2', 'ev-3'];
    for (const id of tenants) await world.tenant(id, { projection: 'p1' });
    await world.platform.node('p1').kill();
    const shown = await world.engine.plan('scale.evacuate', { shard_id: 'p1' });
    expect(codes(shown)).toEqual(['source.reachable', 'source.storage']);
    expect(shown.blockers[0]!.detail).toContain('source: gone');
    const ended = await world.engine.run('scale.evacuate', { shard_id: 'p1', source: 'gone', reason: 'test' });
    expect(ended.problem).toBeNull();
    const asked = ended.proof!.checks.find(({ id }) => id === 'shard.reported');
    expect(asked).toMatchObject({ status: 'warn', measured: null });
    for (const id of tenants) expect((await placed(world, id, 'projection')).slice(0, 2)).toBe('p2');
    await world.platform.node('p1').start();
    for (const id of tenants) expect(await world.platform.node('p1').tenant(id)).toBeUndefined();
  });

  it('is refused for a node that is well, and for a gateway, where no tenant lives', async () => {
    const evacuate = (shard_id: string) => world.engine.plan('scale.evacuate', { shard_id, source: 'gone' });
    expect(codes(await evacuate('r1'))).toEqual(['source.gone']);
    await expect(evacuate('g1')).rejects.toMatchObject({ code: 'shard.kind_mismatch' });
  });
});

/** Versions of the events whose effects were published, in the order of the stream. */
async function effectsOf(tenant: string): Promise<number[]> {
  const { jetstream } = await import('@nats-io/jetstream');
  const consumer = await jetstream(world.platform.nc).consumers.get('EFFECTS', {
    filter_subjects: `effects.${tenant}`,
  });
  const versions: number[] = [];
  for (const { num_pending } = await consumer.info(); versions.length < num_pending;) {
    const msg = await consumer.next({ expires: 1_000 });
    if (!msg) break;
    versions.push(msg.json<{ version: number }>().version);
  }
  return versions;
}
