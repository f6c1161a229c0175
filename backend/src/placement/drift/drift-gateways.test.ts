// Drift of what carries the traffic: gateways that route elsewhere, revisions that nodes hold above the record, a lost bucket.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { startOddGateway, type OddGateway } from '../odd-gateway.fixture.ts';
import { startHastyWorld, traffic, type World } from '../placement.fixture.ts';

let world: World;
let odd: OddGateway;
beforeAll(async () => {
  world = await startHastyWorld('a1', 'a2', 'p1', 'r1', 'g1');
});
afterAll(() => world?.stop());
beforeEach(async () => {
  odd = await startOddGateway('g9');
});
afterEach(async () => {
  await world.mongo.db.collection<{ _id: string }>('shards').deleteOne({ _id: 'g9' });
  await odd[Symbol.asyncDispose]();
});

const survey = () => world.placement.surveyDrift(AbortSignal.timeout(20_000));
const repair = (script = {}) => world.engine.run('scale.drift.repair', { reason: 'test' }, script);
const kinds = ['aggregate', 'projection'] as const;

/** As the record says, of every tenant, with what is told over it. */
async function routesAsRecorded(over: (key: string) => object = () => ({})) {
  const records = (await world.store.all()).filter(({ shard_id, kind }) => shard_id && kinds.includes(kind as never));
  return records
    .map(({ _id, kind, tenant_id, shard_id, revision }) => ({
      kind,
      tenant_id,
      shard_id: shard_id!,
      revision,
      ...over(_id),
    }))
    .sort((a, b) => (`${a.kind}.${a.tenant_id}` < `${b.kind}.${b.tenant_id}` ? -1 : 1));
}

describe('NFR-07 GEN-30 drift of gateways', () => {
  it('is told with the gateway’s name, and a gateway that will not be mended fails the repair', async () => {
    await world.tenant('t1', { aggregate: 'a1', projection: 'p1' });
    expect((await survey()).items).toEqual([]);
    await world.store.saveShard(odd.shard);
    const wrong = await routesAsRecorded((key) => (key === 'aggregate.t1' ? { shard_id: 'a2' } : {}));
    odd.routes = () => wrong;
    expect((await survey()).items).toMatchObject([
      { tenant_id: 't1', kind: 'aggregate', recorded: 'a1', published: 'a1', reported: ['a1'], misrouted: ['g9'] },
    ]);
    const ended = await repair();
    expect(odd.reloads).toBeGreaterThan(0);
    expect(ended.problem).toMatchObject({ code: 'verify.failed' });
    expect(ended.problem!.detail).toMatch(/aggregate.t1: g9 routes it to a2 at revision 1, recorded on a1/);
  });

  it('registering one says whether it routes everybody as recorded: right, elsewhere, nobody, somebody unknown, not at all', async () => {
    await world.tenant('t0', { aggregate: 'a1', projection: 'p1' });
    const right = await routesAsRecorded();
    const ghost = { kind: 'aggregate', tenant_id: 'zz-nobody', shard_id: 'a1', revision: 1 };
    const cases = [
      { routes: right, status: 'pass', detail: /^g9 routes all/ },
      { routes: right.map((one) => ({ ...one, shard_id: 'a2' })), status: 'warn', detail: /does not route/ },
      { routes: [], status: 'warn', detail: /does not route .* such as aggregate/ },
      {
        routes: [...right, ghost],
        status: 'warn',
        detail: /does not route 1 as recorded, such as aggregate.zz-nobody/,
      },
      { routes: null, status: 'warn', detail: /^g9 does not say where it routes/ },
    ];
    for (const { routes, status, detail } of cases) {
      odd.routes = () => routes ?? ([{ kind: 'aggregate' }] as never);
      const ended = await world.engine.run('scale.shards.put', { ...odd.shard, reason: 'test' }, {});
      expect(ended.problem).toBeNull();
      const check = ended.proof!.checks.find(({ id }) => id === 'gateway.routes');
      expect(check).toMatchObject({ status, detail: expect.stringMatching(detail) });
    }
  });

  it('a gateway that does not say what it routes is named as one of which nothing is known', async () => {
    await world.store.saveShard({ ...odd.shard, endpoint: 'http://127.0.0.1:1' });
    expect(await survey()).toMatchObject({ items: [], unreachable: ['g9'] });
    const ended = await repair();
    expect(ended.proof!.checks.find(({ id }) => id === 'nodes.answer')).toMatchObject({
      status: 'warn',
      detail: 'not confirmed by g9',
    });
  });

  it('what is published is lifted above every revision that a node or gateway holds', async () => {
    await world.tenant('t2', { aggregate: 'a1', projection: 'p1' });
    await world.store.saveShard(odd.shard);
    const wrong = await routesAsRecorded((key) => (key === 'aggregate.t2' ? { revision: 41 } : {}));
    odd.routes = () => wrong;
    const right = async (step: string) => {
      if (step !== 'reload') return;
      const now = await routesAsRecorded();
      odd.routes = () => now;
    };
    const ended = await repair({ twice: true, before: right });
    expect(ended.problem).toBeNull();
    expect((await world.nats.placement.get('aggregate.t2'))?.value).toMatchObject({ shard: 'a1', revision: 42 });
    const routes = (await world.platform.gateway.get('/admin/state?tenant_id=t2')).body.routes;
    expect(routes[0]).toMatchObject({ shard_id: 'a1', revision: 42 });
  });
});

describe('NFR-07 GEN-30 drift after a restore', () => {
  it('a database from before some moves: nodes, gateway and bucket are at higher revisions and elsewhere, and are mended', async () => {
    const tenant = await world.tenant('t3', { aggregate: 'a1', projection: 'p1', runner: 'r1' });
    const move = (to: string) =>
      world.engine.run('scale.migrate', { tenant_id: tenant, kind: 'aggregate', to, reason: 'test' });
    for (const to of ['a2', 'a1', 'a2']) expect((await move(to)).problem).toBeNull();
    await world.store.placements.updateOne({ _id: 'aggregate.t3' }, { $set: { shard_id: 'a1', revision: 1 } });
    expect((await survey()).items).toMatchObject([{ tenant_id: tenant, reported: ['a2'], misrouted: ['g1'] }]);
    const load = await traffic(world.platform, tenant, 20);
    expect((await repair({ twice: true })).problem).toBeNull();
    await load.stop();
    expect(load.failed).toEqual([]);
    expect((await world.nats.placement.get('aggregate.t3'))?.value).toMatchObject({ shard: 'a1', revision: 5 });
    expect((await survey()).items).toEqual([]);
  });

  it('a bucket that was lost is published again, what nobody recorded is marked as gone, and the next moves lose nothing', async () => {
    const tenant = await world.tenant('t4', { aggregate: 'a1', projection: 'p1', runner: 'r1' });
    await world.tenant('t5', { aggregate: 'a1' });
    const load = await traffic(world.platform, tenant, 10);
    const jsm = await jetstreamManager(world.platform.nc);
    await jsm.streams.delete('KV_placement');
    // Released while the bucket was away: nothing is there to be taken back.
    await world.placement.book.release('t5', 'job_r');
    const { items } = await survey();
    expect(items.map(({ tenant_id, kind }) => `${kind}.${tenant_id}`)).toContain('aggregate.t5');
    const ended = await repair({ twice: true });
    expect(ended.problem).toBeNull();
    expect((await survey()).items).toEqual([]);
    expect(await world.platform.node('a1').tenant('t5')).toBeUndefined();
    for (const to of ['a2', 'a1']) {
      const moved = await world.engine.run('scale.migrate', {
        tenant_id: tenant,
        kind: 'aggregate',
        to,
        reason: 'test',
      });
      expect(moved.problem).toBeNull();
      expect(moved.proof!.facts).toMatchObject({ lost: 0, duplicated: 0 });
    }
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(load.acknowledged.size).toBeGreaterThan(0);
  });
});
