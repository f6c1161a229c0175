// The jobs around moving: evacuate a shard, drain and resume, repair drift, register shards.
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../../../testing/processes.ts';
import { felt } from '../../../../testing/felt.ts';
import type { ChildrenStep } from '../../jobs/define/definition.ts';
import { startWorld, traffic, type World } from '../placement.fixture.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld('a1', 'a2', 'a3', 'g1');
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
  for (const node of world.platform.nodes.values()) {
    await node.post('/admin/faults', none);
    await node.post('/admin/resume');
  }
});

const run = (kind: Parameters<World['engine']['run']>[0], input: object, script = {}) =>
  world.engine.run(kind, { reason: 'test', ...input }, script);
const plan = (kind: Parameters<World['engine']['run']>[0], input: object) =>
  world.engine.plan(kind, { reason: 'test', ...input });
const onShard = async (shard: string) =>
  (await world.store.all()).filter(({ shard_id }) => shard_id === shard).map(({ tenant_id }) => tenant_id).sort(); // prettier-ignore
const settled = async (shard: string, tenant: string, state: string | undefined) => {
  for (let tried = 0; tried < 100; tried++) {
    if ((await world.platform.node(shard).tenant(tenant))?.state === state) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${tenant} on ${shard} is not ${state}`);
};

describe('SCL-06 an evacuation', () => {
  it('shows where each tenant goes, moves all of them under traffic, and proves the shard empty', async () => {
    const tenants = await Promise.all(
      ['e1', 'e2', 'e3', 'e4', 'e5'].map((id) => world.tenant(id, { aggregate: 'a1' })),
    );
    await world.tenant('e6', { aggregate: 'a2' });
    const loads = await Promise.all(tenants.map((tenant) => traffic(world.platform, tenant, 50)));
    const shown = await plan('scale.evacuate', { shard_id: 'a1' });
    expect(shown.blockers).toEqual([]);
    expect(shown.blast_radius.map(({ kind, count }) => `${count} ${kind}`)).toEqual(['1 shard', '5 tenant']);
    expect(felt(shown)).toMatchObject({ ids: tenants, count: 5, lag: 3 });
    expect(shown.checks.find(({ id }) => id === 'load.a3')?.detail).toBe('a3: 0 → 3 of 50 tenants (0 % → 6 %)');
    expect(
      shown.diff.filter(({ path }) => path.endsWith('shard_id')).map(({ path, after }) => `${path} ${String(after)}`),
    ).toEqual([
      'placement.aggregate.e1.shard_id a3',
      'placement.aggregate.e2.shard_id a2',
      'placement.aggregate.e3.shard_id a3',
      'placement.aggregate.e4.shard_id a2',
      'placement.aggregate.e5.shard_id a3',
    ]);
    const ended = await run('scale.evacuate', { shard_id: 'a1', concurrency: 3 });
    await Promise.all(loads.map((load) => load.stop()));
    expect(ended.problem).toBeNull();
    expect(ended.proof!.facts).toMatchObject({ moved: 5, lost: 0, duplicated: 0 });
    expect(await onShard('a1')).toEqual([]);
    expect(loads.flatMap(({ failed }) => failed)).toEqual([]);
  });

  it('that fails for one tenant names it; the others stay moved, and it stays served', async () => {
    for (const id of ['f1', 'f2']) await world.tenant(id, { aggregate: 'a1' });
    world.tenants.set('f2', 'archived');
    const { checks } = await world.engine.plan('scale.evacuate', { shard_id: 'a1', reason: 'test' });
    expect(checks.find(({ id }) => id === 'tenants.movable')).toMatchObject({
      status: 'warn',
      measured: 1,
      detail: '1 stay on a1, because they cannot be moved as they are: f2 is archived',
    });
    const ended = await run('scale.evacuate', { shard_id: 'a1' });
    expect(ended.problem).toMatchObject({ code: 'step.failed' });
    expect(ended.problem!.detail).toMatch(/^1 of 2 tenants were not moved .* f2 refused \(.*f2 is archived/);
    expect(await onShard('a1')).toEqual(['f2']);
    await settled('a1', 'f2', 'serving');
    world.tenants.set('f2', 'active');
    const remainder = () =>
      world.placement.jobs['scale.evacuate'].remainder!({ shard_id: 'a1', to: ['a3'], reason: 'test' }, ['f1']);
    const rest = await remainder();
    expect(rest).toMatchObject({ left: ['f2'], done: ['f1'], changedSince: [] });
    expect((await run('scale.evacuate', rest.input as object)).problem).toBeNull();
    expect(await onShard('a1')).toEqual([]);
    expect(await remainder()).toMatchObject({ left: [] });
  });

  it('is blocked without room or without a target, and a shard being emptied gets no new tenant', async () => {
    await world.tenant('h1', { aggregate: 'a1' });
    for (const shard of ['a2', 'a3'])
      await world.platform.node(shard).post('/admin/faults', { lie_ready: 'not-ready' });
    const { blockers } = await plan('scale.evacuate', { shard_id: 'a1' });
    expect(blockers).toEqual([
      { code: 'targets.ready', detail: '0 other aggregate shards are ready' },
      { code: 'targets.capacity', detail: 'no room for 1 of 1 tenants: h1' },
    ]);
    for (const shard of ['a2', 'a3']) await world.platform.node(shard).post('/admin/faults', { lie_ready: null });
    const leaving = await world.engine.underWay('scale.evacuate', { shard_id: 'a1', reason: 'test' });
    expect((await world.placement.book.leastLoaded('aggregate'))?.shard_id).not.toBe('a1');
    const move = await plan('scale.migrate', { tenant_id: 'e1', kind: 'aggregate', to: 'a1' });
    expect(move.blockers).toMatchObject([{ code: 'target.staying' }]);
    await leaving[Symbol.asyncDispose]();
    await expect(plan('scale.evacuate', { shard_id: 'a1', to: ['g1'] })).rejects.toMatchObject({
      code: 'shard.kind_mismatch',
    });
  });
});

describe('OPS-07, OPS-08 draining', () => {
  it('a tenant, and taking it back: the undo of each is the other', async () => {
    const tenant = await world.tenant('d1', { aggregate: 'a1' });
    const drained = await run('scale.drain', { shard_id: 'a1', tenant_id: tenant, action: 'drain' }, { twice: true });
    expect(drained.proof!.checks).toMatchObject([
      { id: 'drain.state', status: 'pass', measured: 'drained, in flight 0' },
      { id: 'drain.ordered', status: 'pass', limit: 'drained' },
    ]);
    expect(drained.undo).toMatchObject({ operation: 'scale.drain', body: { action: 'resume' } });
    await settled('a1', tenant, 'drained');
    const listed = await world.placement.reads['scale.drains.list']({} as never);
    expect(listed.items).toContainEqual({
      environment: 'dev',
      shard_id: 'a1',
      kind: 'aggregate',
      tenant_id: 'd1',
      state: 'drained',
      in_flight: 0,
      ordered: { job_id: drained.jobId, by: 'user:test', reason: 'test', since: expect.any(String) },
    });
    const resumed = await run('scale.drain', drained.undo!.body as object);
    expect(resumed.problem).toBeNull();
    await settled('a1', tenant, 'serving');
  });

  it('a whole node, and a failure afterwards takes it back', async () => {
    const tenant = await world.tenant('d2', { aggregate: 'a1' });
    const ended = await run(
      'scale.drain',
      { shard_id: 'a1', action: 'drain' },
      { failAt: { step: 'converge', when: 'after' } },
    );
    expect(ended.state).toBe('compensated');
    await settled('a1', tenant, 'serving');
    expect((await run('scale.drain', { shard_id: 'a1', action: 'drain' })).problem).toBeNull();
    await settled('a1', tenant, 'drained');
    const shown = await plan('scale.drain', { shard_id: 'a1', action: 'resume' });
    expect(shown.diff).toEqual([{ op: 'replace', path: 'drain.a1', before: 'drained', after: 'serving' }]);
    expect((await run('scale.drain', { shard_id: 'a1', action: 'resume' })).problem).toBeNull();
  });

  it('SCL-11 that does not converge is taken back and counted', async () => {
    const tenant = await world.tenant('d3', { aggregate: 'a1' });
    const before = async (step: string) =>
      void (step === 'act' && (await world.platform.node('a1').post('/admin/faults', { in_flight: 2 })));
    const input = { shard_id: 'a1', tenant_id: tenant, action: 'drain', drain_timeout_s: 1 };
    const ended = await run('scale.drain', input, { before });
    expect(ended).toMatchObject({ state: 'compensated', problem: { code: 'drain.not_converging' } });
    await settled('a1', tenant, 'serving');
  });

  it('is refused for a tenant that lives elsewhere or nowhere', async () => {
    const drain = (tenant_id: string, shard_id: string) =>
      plan('scale.drain', { shard_id, tenant_id, action: 'drain' });
    await expect(drain('d1', 'a2')).rejects.toMatchObject({ code: 'placement.unknown' });
    await expect(drain('ghost', 'a1')).rejects.toMatchObject({ code: 'tenant.unknown' });
    await expect(drain('d1', 'zz')).rejects.toMatchObject({ code: 'shard.unknown' });
  });
});

describe('GEN-33 API-05 a plan speaks of what it touches and of nothing else', () => {
  const kinds = async (kind: Parameters<typeof plan>[0], input: object): Promise<string[]> =>
    (await plan(kind, input)).blast_radius.map((one) => `${one.kind} ${one.count > 1 ? one.count : one.ids.join()}`);
  const put = (over: object) => ({ shard_id: 'a3', kind: 'aggregate', endpoint: world.platform.node('a3').url, labels: {}, capacity: { tenants: 50 }, region: 'eu', ...over }); // prettier-ignore

  it('of a shard, a tenant, or both', async () => {
    const tenant = await world.tenant('touched', { aggregate: 'a3' });
    const here = (await world.placement.book.all()).filter(({ shard_id }) => shard_id === 'a3').length;
    const all = here > 1 ? `tenant ${here}` : `tenant ${tenant}`;
    expect(await kinds('scale.drain', { shard_id: 'a3', tenant_id: tenant, action: 'drain' })).toEqual([
      `tenant ${tenant}`,
    ]);
    expect(await kinds('scale.drain', { shard_id: 'a3', action: 'drain' })).toEqual(['shard a3', all]);
    expect(await kinds('scale.drain', { shard_id: 'g1', tenant_id: tenant, action: 'drain' })).toEqual([
      `tenant ${tenant}`,
    ]);
    expect(await kinds('scale.evacuate', { shard_id: 'a3' })).toEqual(['shard a3', all]);
    expect(await kinds('scale.shards.put', put({ region: 'us' }))).toEqual(['shard a3']);
    expect(await kinds('scale.shards.put', put({ endpoint: world.platform.node('a1').url }))).toEqual([
      'shard a3',
      all,
    ]);
    expect(await kinds('scale.shards.put', put({ shard_id: 'a9' }))).toEqual(['shard a9']);
    expect(await kinds('scale.drift.repair', {})).toEqual([]);
  });
});

describe('GEN-30 drift', () => {
  const survey = () => world.placement.reads['scale.drift.get']({ signal: AbortSignal.timeout(20_000) } as never);
  const put = async (key: string, value: unknown) =>
    (await world.platform.kv('placement')).put(key, JSON.stringify(value));

  it('is seen and repaired: lost, misplaced, ahead, unreadable and unreleased publications', async () => {
    expect((await survey()).items).toEqual([]);
    for (const id of ['w1', 'w2', 'w3', 'w4', 'w5']) await world.tenant(id, { aggregate: 'a1' });
    await (await world.platform.kv('placement')).delete('aggregate.w1');
    await put('aggregate.w2', { shard: 'a2', revision: 1, job_id: null });
    await put('aggregate.w3', { shard: 'a2', revision: 9, job_id: null });
    await (await world.platform.kv('placement')).put('aggregate.w4', 'not json');
    await world.placement.book.release('w5', 'job_r');
    await put('aggregate.w5', { shard: 'a1', revision: 1, job_id: null });
    await put('aggregate.stranger', { shard: 'a2', revision: 1, job_id: null });
    const { items, unreachable } = await survey();
    expect(items.map(({ tenant_id, repairable }) => `${tenant_id} ${repairable}`).sort()).toEqual([
      'stranger false', 'w1 true', 'w2 true', 'w3 true', 'w4 true', 'w5 true',
    ]); // prettier-ignore
    expect(unreachable).toEqual([]);
    const ended = await run('scale.drift.repair', {}, { twice: true });
    expect(ended.problem).toBeNull();
    expect(ended.proof!.facts).toEqual({ repaired: 5 });
    expect((await survey()).items.map(({ tenant_id }) => tenant_id)).toEqual(['stranger']);
    expect((await world.nats.placement.get('aggregate.w3'))?.value).toMatchObject({ shard: 'a1', revision: 10 });
    for (const id of ['w1', 'w2', 'w3', 'w4']) await settled('a1', id, 'serving');
    await settled('a1', 'w5', undefined);
    await (await world.platform.kv('placement')).delete('aggregate.stranger');
  });

  it('of a tenant blocks its move; a node that does not answer is named and not guessed about', async () => {
    await world.tenant('w6', { aggregate: 'a1' });
    await put('aggregate.w6', { shard: 'a1', revision: 7, job_id: null });
    const { blockers } = await plan('scale.migrate', { tenant_id: 'w6', kind: 'aggregate', to: 'a2' });
    expect(blockers[0]).toEqual({ code: 'drift.none', detail: 'aggregate.w6: recorded at revision 1, published at 7' });
    expect((await run('scale.drift.repair', {})).problem).toBeNull();
    await world.platform.node('a3').post('/admin/faults', { hang: true });
    expect(await survey()).toMatchObject({ items: [], unreachable: ['a3'] });
  });
});

describe('SCL-01 shards', () => {
  const put = (over: object = {}) => ({
    shard_id: 'a2', kind: 'aggregate', endpoint: world.platform.node('a2').url, labels: { rack: 'r1' }, capacity: { tenants: 60 },
    region: 'us', ...over,
  }); // prettier-ignore

  it('are changed with what changes shown first, and put back by the undo', async () => {
    const shown = await plan('scale.shards.put', put());
    expect(shown.diff.map(({ path }) => path)).toEqual(['shards.a2.labels', 'shards.a2.capacity', 'shards.a2.region']);
    const ended = await run('scale.shards.put', put());
    expect(await world.placement.book.shard('a2')).toMatchObject({ region: 'us', labels: { rack: 'r1' } });
    const { params, body } = ended.undo!;
    expect((await run('scale.shards.put', { ...params, ...(body as object) })).problem).toBeNull();
    expect(await world.placement.book.shard('a2')).toMatchObject({ region: 'eu', capacity: { tenants: 50 } });
  });

  it('NFR-06 on hosts outside the allowlist are refused; so is another kind while tenants live there', async () => {
    const bad = put({ endpoint: 'http://169.254.169.254' });
    await expect(plan('scale.shards.put', bad)).rejects.toMatchObject({ code: 'node.forbidden_host' });
    await world.tenant('s1', { aggregate: 'a2' });
    await expect(plan('scale.shards.put', put({ kind: 'runner' }))).rejects.toMatchObject({
      code: 'shard.kind_mismatch',
    });
    const wrong = await plan('scale.shards.put', put({ endpoint: world.platform.node('a1').url }));
    expect(wrong.blockers).toMatchObject([{ code: 'node.reachable' }]);
  });
});

describe('NFR-06 the plan for an address says in one sentence what is there', () => {
  const put = (endpoint: string) => ({
    shard_id: 'a9', kind: 'aggregate', endpoint, labels: {}, capacity: { tenants: 9 }, region: 'eu',
  }); // prettier-ignore
  const said = async (endpoint: string) => {
    const shown = await plan('scale.shards.put', put(endpoint));
    const check = shown.checks.find(({ id }) => id === 'node.reachable');
    return [check?.status, check?.detail];
  };
  const at = async (server: Server): Promise<string> => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('a closed and a silent port may become the node; what answers and is not the node may not', async () => {
    const heard: string[] = [];
    const web = createHttp((request, response) => {
      heard.push(JSON.stringify(request.headers));
      response.end('hello');
    });
    const servers = [web, createServer((socket) => void socket.write('SSH-2.0-x\r\n')), createServer(() => undefined)];
    try {
      const [site, ssh, silent] = (await Promise.all(servers.map(at))) as [string, string, string];
      const other = world.platform.node('a1').url;
      const closed = `http://127.0.0.1:${await freePort()}`;
      expect(await said(closed)).toEqual([
        'warn',
        `a9 does not answer yet: ${closed}/admin/state cannot be reached: nothing listens there (ECONNREFUSED)`,
      ]);
      expect(await said(silent)).toEqual(['warn', expect.stringMatching(/^a9 does not answer yet: .* did not answer in 2000 ms$/)]); // prettier-ignore
      expect(await said(site)).toEqual(['block', expect.stringMatching(/does not say which node it is/)]);
      expect(await said(ssh)).toEqual(['block', expect.stringMatching(/does not speak HTTP, so it is no node/)]);
      expect(await said(other)).toEqual([
        'block',
        expect.stringContaining('says it is aggregate/a1, not aggregate/a9'),
      ]);
      await expect(run('scale.shards.put', put(site))).rejects.toThrow(/blocked|does not say/);
      expect(heard.length).toBeGreaterThan(0);
      expect(heard.join()).not.toContain('authorization');
    } finally {
      for (const server of servers) server.close();
      web.closeAllConnections();
    }
  });
});

// Last: the tenants it places are on no node.
describe('SCL-06 a long evacuation', () => {
  it.each([
    [
      'what its moves counted',
      [
        { lost: 0, duplicated: 1 },
        { lost: 2, duplicated: 0 },
      ],
      { lost: 2, duplicated: 1 },
    ],
    [
      'no number where one of them does not say',
      [{ lost: 0, duplicated: 0 }, { truncated: true }],
      { lost: null, duplicated: null },
    ],
  ])('proves %s', async (_, facts, counted) => {
    const [step] = world.engine.definitions['scale.evacuate']!.steps;
    const results = facts.map((of, at) => ({
      key: `t${at}`,
      jobId: `job_${at}`,
      state: 'succeeded',
      detail: null,
      proof: { checks: [], facts: of },
    }));
    expect(await (step as ChildrenStep<unknown>).joined({} as never, results as never)).toMatchObject({
      moved: 2,
      ...counted,
    });
  });

  it('of more tenants than its plan shows moves exactly those, and is another plan once they are others', async () => {
    const ids = Array.from({ length: 210 }, (_, at) => `many-${String(at).padStart(3, '0')}`);
    for (const id of ids) await world.placement.book.assign(id, 'aggregate', 'a2', 'job_seed');
    await world.mongo.db
      .collection('shards')
      .updateOne({ _id: 'a3' as never }, { $set: { 'capacity.tenants': 5_000 } });
    const input = { shard_id: 'a2', to: ['a3'], reason: 'test' };
    const shown = await plan('scale.evacuate', input);
    expect(shown.diff).toHaveLength(200);
    expect(shown.diff_total).toBeGreaterThanOrEqual(210);
    const definition = world.engine.definitions['scale.evacuate']!;
    const { decision } = await definition.plan(input, { principal: null, jobId: null });
    expect(decision).toMatchObject({ kind: 'aggregate', to: [['a3', expect.arrayContaining(ids)]] });
    // What the plan decided and nothing else, also of the lines that it does not show, and whoever has come since.
    await world.placement.book.assign('many-999', 'aggregate', 'a2', 'job_seed');
    const [move] = definition.steps as readonly ChildrenStep<unknown>[];
    const moved = move!.children({ input, decision } as never).jobs.map(({ key }) => key);
    expect(moved).toEqual(expect.arrayContaining(ids));
    expect(moved).not.toContain('many-999');
    // And its hash covers every one of them: what was shown is no longer what would be done.
    expect((await plan('scale.evacuate', input)).hash).not.toBe(shown.hash);
  });
});
