// Who serves a tenant, asked now: nodes that answer, hang, are gone or drain, and what is sampled of their traffic.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { NodeHealth, Tenant } from '@cloudlysis/contract';
import { eventually } from '../../../testing/eventually.ts';
import { startGround, startReplica, type Ground, type Replica } from '../platform.fixture.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';

let ground: Ground;
let replica: Replica;

beforeAll(async () => {
  ground = await startGround();
  replica = await startReplica(ground);
  const shards = { aggregate: 'a1', projection: 'p1', runner: 'r1' };
  for (const tenant_id of ['acme', 'quiet'])
    await replica.run('tenants.create', { tenant_id, metadata: { name: tenant_id }, shards, reason: 'to be asked' });
});
afterAll(async () => {
  await replica?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

const asked = async (tenantId = 'acme'): Promise<Record<string, NodeHealth>> => {
  const nodes = (await replica.health(tenantId)).map((node) => NodeHealth.parse(node));
  return Object.fromEntries(nodes.map((node) => [node.shard_id, node]));
};

it('UI-42 names every node that serves the tenant, with readiness, version, drain and lag', async () => {
  const nodes = await asked();
  expect(Object.keys(nodes).sort()).toEqual(['a1', 'g1', 'p1', 'r1']);
  expect(nodes['p1']).toMatchObject({
    kind: 'projection',
    state: 'ready',
    version: '1.0.0',
    git_sha: 'abc',
    serves_tenant: true,
    drain: 'serving',
    in_flight: 2,
    consumer_lag: 0,
  });
  expect(nodes['a1']).toMatchObject({ consumer_lag: null });
  await expect(replica.health('nobody')).rejects.toMatchObject({ code: 'tenant.unknown' });
});

it('UI-42 a node that hangs is unreachable after its deadline and keeps nobody else waiting, gateways included', async () => {
  ground.node('r1').hangs = true;
  ground.node('g1').hangs = true;
  ground.node('p1').ready = false;
  ground.node('a1').drained.add('acme');
  try {
    const started = stopwatch();
    const nodes = await asked();
    expect(started()).toBeLessThan(4_000);
    expect(nodes['r1']).toMatchObject({
      state: 'unreachable',
      drain: 'unreachable',
      serves_tenant: null,
      in_flight: null,
    });
    expect(nodes['r1']?.reason).toMatch(/did not answer in 2000 ms/);
    expect(nodes['g1']).toMatchObject({ kind: 'gateway', state: 'unreachable' });
    expect(nodes['p1']).toMatchObject({ state: 'not-ready', serves_tenant: true });
    expect(nodes['a1']).toMatchObject({ state: 'ready', drain: 'drained' });
  } finally {
    ground.node('r1').hangs = false;
    ground.node('g1').hangs = false;
    ground.node('p1').ready = true;
    ground.node('a1').drained.clear();
  }
});

it('NFR-01 what a node says of its bus and its storage is told without where they are, in health as in the status', async () => {
  const node = ground.node('p1');
  const says = [
    'connect ECONNREFUSED 10.0.0.9:4222',
    'getaddrinfo ENOTFOUND nats.internal',
    'nats://u@bus.internal:4222 is away',
    'connect ECONNREFUSED fd00::7:4222',
  ];
  node.ready = false;
  node.dependencies = [
    ...says.map((detail, n) => ({ name: `bus-${n}`, ok: false, detail })),
    { name: '10.0.0.8:27017', ok: false, detail: 'full' },
  ];
  const where = /10\.0\.0|internal|fd00|4222|27017/;
  try {
    const { p1 } = await asked();
    expect(p1!.dependencies.map(({ ok }) => ok)).toEqual([false, false, false, false, false]);
    expect(JSON.stringify(p1)).not.toMatch(where);
    expect(p1!.reason).toContain('ECONNREFUSED');
    await eventually('it is degraded', async () => (await replica.get('acme')).status.state === 'degraded');
    expect((await replica.get('acme')).status.reason).toMatch(/not ready \(bus-0/);
    expect(JSON.stringify(await replica.get('acme'))).not.toMatch(where);
  } finally {
    node.ready = true;
    node.dependencies = [];
  }
});

it('UI-14 a tenant carries its traffic and lag as last sampled, in the list as alone', async () => {
  await eventually(
    'traffic is sampled',
    async () => (await replica.get('acme')).traffic.requests_per_second !== null,
    15_000,
  );
  await eventually('lag is sampled', async () => (await replica.get('acme')).traffic.consumer_lag === 0);
  const { items } = await replica.list({});
  const [acme, quiet] = items.map((item) => Tenant.parse(item));
  // The test gateway counts 100 requests of acme a second, and none of anybody else.
  expect(acme?.traffic.requests_per_second).toBeGreaterThan(80);
  expect(acme?.traffic.requests_per_second).toBeLessThan(120);
  expect(acme?.traffic).toMatchObject({ error_ratio: 0, consumer_lag: 0, sampled_at: expect.any(String) });
  expect(quiet?.traffic).toMatchObject({ requests_per_second: 0, error_ratio: null });
});

it('UI-14 a gateway that no longer tells leaves the rate unknown, not zero', async () => {
  ground.node('g1').broken = true;
  try {
    await eventually(
      'it is unknown',
      async () => (await replica.get('acme')).traffic.requests_per_second === null,
      15_000,
    );
  } finally {
    ground.node('g1').broken = false;
  }
});
