// Gateways as part of a move: in its plan, its steps, its way back and its proof, over real nodes and one that will not.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { assertRouted, routePlanChecks, routeProofChecks, routesTo, type RouteSight } from './gateways.ts';
import { startOddGateway, type OddGateway } from '../odd-gateway.fixture.ts';
import { startHastyWorld, traffic, type Script, type World } from '../placement.fixture.ts';

describe('NFR-07 what a gateway says is judged', () => {
  const gateway = { shard_id: 'g1', kind: 'gateway', endpoint: 'http://x:1', labels: {}, capacity: { tenants: 1 }, region: 'eu' } as const; // prettier-ignore
  const wanted = { kind: 'aggregate', tenant_id: 'acme', shard_id: 'a2', revision: 4 } as const;
  const told = (shard_id: string, revision: number, behind: string | null = null): RouteSight => ({
    gateway, answer: 'told', says: 'x', behind, route: { kind: 'aggregate', tenant_id: 'acme', shard_id, revision },
  }); // prettier-ignore
  const none = (answer: RouteSight['answer']): RouteSight => ({
    gateway,
    answer,
    route: null,
    says: 'x',
    behind: null,
  });

  it.each([
    ['right', told('a2', 4), 'pass', 'pass', false],
    ['right, its copy in doubt', told('a2', 4, 'in doubt'), 'warn', 'pass', false],
    ['newer', told('a2', 5), 'block', 'pass', false],
    ['older revision', told('a2', 3), 'block', 'block', true],
    ['another shard', told('a1', 4), 'block', 'block', true],
    ['another shard at a higher revision', told('a1', 9), 'block', 'block', true],
    ['does not know the tenant', none('told'), 'block', 'block', true],
    ['answers, and not by the contract', none('odd'), 'block', 'block', true],
    ['silent', none('silent'), 'warn', 'warn', false],
  ] as const)('%s', (_name, sight, planned, proven, fails) => {
    expect(routePlanChecks([sight], wanted).map(({ status }) => status)).toEqual([planned]);
    expect(routeProofChecks([sight], wanted).map(({ status }) => status)).toEqual([proven]);
    const check = () => assertRouted([told('a2', 4), sight], routesTo(wanted), 'a2');
    if (fails) expect(check).toThrow(/^gateways do not route to a2: g1: x$/);
    else expect(check).not.toThrow();
  });

  it('warns where none is registered, and asks nothing of one for a runner', () => {
    expect(routePlanChecks([], wanted).map(({ id, status }) => `${id} ${status}`)).toEqual(['gateways.known warn']);
    expect(routePlanChecks([], { ...wanted, kind: 'runner' })).toEqual([]);
  });
});

describe('NFR-07 SCL-06 a move and its gateways', () => {
  let world: World;
  let odd: OddGateway;
  beforeAll(async () => {
    world = await startHastyWorld('a1', 'a2', 'p1', 'p2', 'r1', 'r2', 'g1', 'g2');
  });
  afterAll(() => world?.stop());
  beforeEach(async () => {
    odd = await startOddGateway('g9');
  });
  afterEach(async () => {
    await world.mongo.db.collection<{ _id: string }>('shards').deleteOne({ _id: 'g9' });
    await odd[Symbol.asyncDispose]();
  });

  const home = (id: string) => world.tenant(id, { aggregate: 'a1', projection: 'p1', runner: 'r1' });
  const input = (tenant_id: string, more: object = {}) => ({
    tenant_id,
    kind: 'aggregate',
    to: 'a2',
    reason: 'test',
    ...more,
  });
  const move = (tenant_id: string, more: object = {}, script: Script = {}) =>
    world.engine.run('scale.migrate', input(tenant_id, more), script);
  const gatewayChecks = (checks: readonly { id: string; status: string }[]) =>
    checks.filter(({ id }) => id.startsWith('gateway')).map(({ id, status }) => `${id} ${status}`);
  const at =
    (shard_id: string, revision: number, kind = 'aggregate') =>
    (tenant_id: string) => [{ kind, tenant_id, shard_id, revision }];

  it('one that is dead is a risk in the plan and "not confirmed" in the proof; the others are proven', async () => {
    const tenant = await home('dead');
    await world.platform.node('g2').kill();
    try {
      const plan = await world.engine.plan('scale.migrate', input(tenant));
      expect(gatewayChecks(plan.checks)).toEqual(['gateway.g1 pass', 'gateway.g2 warn']);
      expect(plan.checks.find(({ id }) => id === 'gateway.g2')?.detail).toMatch(/cannot be asked.*carries no traffic/);
      const ended = await move(tenant);
      expect(ended.problem).toBeNull();
      expect(gatewayChecks(ended.proof!.checks)).toEqual(['gateway.g1 pass', 'gateway.g2 warn']);
      expect(ended.proof!.checks.find(({ id }) => id === 'gateway.g2')?.detail).toMatch(/^not confirmed: g2/);
    } finally {
      await world.platform.node('g2').start();
    }
  });

  it('one that does not route there, or does not say, blocks the plan; a runner’s move does not ask it', async () => {
    const tenant = await home('blocked');
    await world.store.saveShard(odd.shard);
    for (const routes of [() => [], at('a2', 1), at('a1', 7), at('a1', 1, 'projection'), () => null]) {
      odd.routes = routes;
      const { blockers } = await world.engine.plan('scale.migrate', input(tenant));
      expect(blockers.map(({ code }) => code)).toEqual(['gateway.g9']);
    }
    const runner = await world.engine.plan('scale.migrate', input(tenant, { kind: 'runner', to: 'r2' }));
    expect([runner.blockers, gatewayChecks(runner.checks)]).toEqual([[], []]);
  });

  it('one that goes on routing to the source fails the job after it was told, and the tenant is back where it was', async () => {
    const tenant = await home('stubborn');
    await world.store.saveShard(odd.shard);
    odd.routes = at('a1', 1);
    const load = await traffic(world.platform, tenant, 25);
    const ended = await move(tenant);
    await load.stop();
    expect(ended.state).toBe('compensated');
    expect(ended.problem).toMatchObject({ code: 'node.timeout' });
    expect(ended.problem!.detail).toBe('gateways do not route to a2 at revision 2: g9: it routes to a1 at revision 1');
    expect(odd.reloads).toBeGreaterThan(0);
    expect(await world.platform.node('a1').tenant(tenant)).toMatchObject({ state: 'serving' });
    expect(load.failed).toEqual([]);
  });

  it('one that keeps routing to the target after the way back is not called undone', async () => {
    const tenant = await home('nowayback');
    await world.store.saveShard(odd.shard);
    odd.routes = at('a1', 1);
    const before = async (step: string) => void (step === 'reload' && (odd.routes = at('a2', 2)));
    const tried: string[] = [];
    const undoes = async (step: string) => {
      tried.push(step);
      if (tried.length < 2) return;
      const { shard_id, revision } = (await world.store.find('aggregate', tenant))!;
      odd.routes = at(shard_id!, revision);
    };
    const ended = await move(tenant, {}, { before, undoes, failAt: { step: 'ready', when: 'before' } });
    expect(ended.state).toBe('compensated');
    // Not undone by the first try, which found it routing to the target.
    expect(tried).toEqual(['place', 'place', 'drain']);
  });

  it('every one is proven at the new revision, for what it routes: aggregates and projections', async () => {
    const tenant = await home('both');
    for (const [kind, to] of [
      ['aggregate', 'a2'],
      ['projection', 'p2'],
    ] as const) {
      // prettier-ignore
      const ended = await move(tenant, { kind, to });
      expect(ended.problem).toBeNull();
      expect(gatewayChecks(ended.proof!.checks)).toEqual(['gateway.g1 pass', 'gateway.g2 pass']);
      expect(ended.proof!.checks.find(({ id }) => id === 'gateway.g2')).toMatchObject({ limit: `${to} at revision 2` });
    }
    const ended = await move(tenant, { kind: 'runner', to: 'r2' });
    expect([ended.problem, gatewayChecks(ended.proof!.checks)]).toEqual([null, []]);
  });
});
