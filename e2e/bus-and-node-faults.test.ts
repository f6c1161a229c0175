// NATS away, nodes that hang or lie: named problems or blocked checks in bounded time, and everything comes back by itself.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, MutationInput } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { NO_FAULTS } from '../backend/testing/platform-node.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { carryOut, logProof, otherShard, placementOf, refusal } from './journey.ts';
import { stopwatch } from '../testing/stopwatch.ts';

let stack: Stack;
let owner: Client;
beforeAll(async () => {
  stack = await startStack({ tenants: 2 });
  owner = stack.as('owner');
});
afterEach(async () => {
  // A test that failed half-way leaves the next one what it needs.
  if (!stack.nc.isClosed() && !(await stack.natsAnswers())) await stack.restartNats();
  for (const node of stack.nodes.values()) if (!node.running) await node.start();
  await Promise.all([...stack.nodes.values()].map((node) => node.fault(NO_FAULTS)));
});
afterAll(() => stack?.stop());

async function move(): Promise<{ from: string; input: MutationInput<'scale.migrate'> }> {
  const { shard_id } = await placementOf(owner, 'tenant-01', 'aggregate');
  const to = otherShard(shard_id);
  return { from: shard_id, input: { body: { tenant_id: 'tenant-01', kind: 'aggregate', to, reason: 'faults' } } };
}

const within = async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
  const began = stopwatch();
  const result = await work();
  expect(began()).toBeLessThan(ms);
  return result;
};

describe('NATS is away', () => {
  it('SCL-09 NFR-12 preflights say so, submissions are refused, readiness names it, reads stay up', async () => {
    const { input } = await move();
    const before = await stack.db.collection('jobs').countDocuments();
    stack.nats.kill();
    const plan = await within(15_000, () => owner.preflight('scale.migrate', input));
    expect(plan.blockers.length).toBeGreaterThan(0);
    expect(plan.checks.find((check) => check.id === 'lag.consumer')?.status).toBe('block');
    const wanted = { ...input, idempotencyKey: randomUUID(), planHash: plan.hash };
    const refused = await within(15_000, () => refusal(owner.submit('scale.migrate', wanted)));
    expect(['preflight.blocked', 'bus.unavailable']).toContain(refused.code);
    const pause = { params: { tenant_id: 'tenant-01' }, body: { reason: 'faults' } };
    const pausing = await within(15_000, () => owner.preflight('tenants.pause', pause));
    expect(pausing.blockers.map((blocker) => blocker.code)).toContain('bus.reachable');
    const drift = await within(6_000, () => refusal(owner.read('scale.drift.get')));
    expect(drift).toMatchObject({ code: 'bus.unavailable', status: 503 });
    const ready = await within(4_000, () => fetch(`${stack.url()}/readyz`));
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ dependencies: { mongodb: { ok: true }, nats: { ok: false } } });
    expect((await within(2_000, () => owner.read('tenants.list'))).items).toHaveLength(2);
    expect((await owner.read('audit.verify')).ok).toBe(true);
    expect(await stack.db.collection('jobs').countDocuments()).toBe(before);
    await stack.restartNats();
    await eventually('it is ready again', async () => (await fetch(`${stack.url()}/readyz`)).ok);
    await stack.untilActive();
  });

  it('NFR-07 away for two seconds in the middle of a migration: it ends, and no command is lost', async () => {
    const { from, input } = await move();
    await stack.node(from).fault({ stuck: true });
    const parked = stack.command('tenant-01', randomUUID());
    await eventually('a command is in flight', async () => (await stack.node(from).tenant('tenant-01'))!.in_flight > 0);
    const plan = await owner.preflight('scale.migrate', input);
    const wanted = { ...input, idempotencyKey: randomUUID(), planHash: plan.hash };
    const { job } = await owner.submit('scale.migrate', wanted);
    stack.nats.kill();
    await stack.node(from).fault({ stuck: false });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await stack.restartNats();
    const ended = await owner.follow(job.job_id, () => undefined, AbortSignal.timeout(50_000));
    expect(['succeeded', 'compensated']).toContain(ended.state);
    expect(ended.problem?.code).not.toBe('compensation.failed');
    expect([200, 503]).toContain((await parked).status);
    const home = ended.state === 'succeeded' ? input.body.to : from;
    expect(await placementOf(owner, 'tenant-01', 'aggregate')).toMatchObject({ shard_id: home });
    await eventually(
      'it is served',
      async () => (await stack.command('tenant-01', randomUUID())).status === 200,
      20_000,
    );
    expect(await logProof(stack, 'tenant-01')).toMatchObject({ duplicated: 0, gaps: 0 });
  });
});

describe('a node that does not behave', () => {
  it('SCL-09 hangs in the middle of a move: the move ends in bounded time and the tenant is served', async () => {
    const { from, input } = await move();
    const target = stack.node(input.body.to);
    await stack.node(from).fault({ stuck: true });
    const parked = stack.command('tenant-01', randomUUID());
    await eventually('a command is in flight', async () => (await stack.node(from).tenant('tenant-01'))!.in_flight > 0);
    const plan = await owner.preflight('scale.migrate', input);
    const wanted = { ...input, idempotencyKey: randomUUID(), planHash: plan.hash };
    const { job } = await owner.submit('scale.migrate', wanted);
    await target.fault({ hang: true });
    await stack.node(from).fault({ stuck: false });
    const ended = await within(45_000, () => owner.follow(job.job_id, () => undefined));
    expect(ended).toMatchObject({ state: 'compensated', problem: { code: 'node.timeout' } });
    expect([200, 503]).toContain((await parked).status);
    await eventually('it is served', async () => (await stack.command('tenant-01', randomUUID())).status === 200);
    expect(await placementOf(owner, 'tenant-01', 'aggregate')).toMatchObject({ shard_id: from });
  });

  it('SCL-09 NFR-12 lies that it is ready while its storage cannot be written: the storage check blocks', async () => {
    const { from, input } = await move();
    const target = stack.node(input.body.to);
    const data = join(stack.layout.folder, target.spec.name);
    rmSync(data, { recursive: true, force: true, maxRetries: 10 });
    writeFileSync(data, 'a file where a folder should be');
    await target.fault({ lie_ready: 'ready' });
    expect((await target.call('GET', '/health/ready')).body.ready).toBe(true);
    const plan = await owner.preflight('scale.migrate', input);
    expect(plan.blockers.map((blocker) => blocker.code)).toContain('target.storage');
    const wanted = { ...input, idempotencyKey: randomUUID(), planHash: plan.hash };
    expect(await refusal(owner.submit('scale.migrate', wanted))).toMatchObject({ code: 'preflight.blocked' });
    rmSync(data);
    mkdirSync(data);
    expect(await placementOf(owner, 'tenant-01', 'aggregate')).toMatchObject({ shard_id: from });
  });

  it('SCL-01 NFR-12 is not the one on record: a shard cannot be registered at the address of another', async () => {
    const { items } = await owner.read('scale.shards.list', { query: { kind: 'aggregate' } });
    const [one, two] = items.map(({ endpoint }) => endpoint);
    const { labels, capacity, region } = items[0]!;
    const body = { kind: 'aggregate' as const, endpoint: two!, labels, capacity, region, reason: 'faults' };
    const wanted = { params: { shard_id: items[0]!.shard_id }, body };
    const plan = await owner.preflight('scale.shards.put', wanted);
    expect(plan.blockers).toMatchObject([{ code: 'node.reachable' }]);
    const refused = await refusal(owner.submit('scale.shards.put', { ...wanted, idempotencyKey: randomUUID() }));
    expect(refused).toMatchObject({ code: 'preflight.blocked', status: 409 });
    const after = await owner.read('scale.shards.list', { query: { kind: 'aggregate' } });
    expect(after.items[0]!.endpoint).toBe(one);
  });

  it('TEN-04 a node that is gone makes its tenants degraded, with the sentence why, and is forgiven when it is back', async () => {
    const { from } = await move();
    await stack.node(from).kill();
    const state = async (wanted: string) => {
      const { status } = await owner.read('tenants.get', { params: { tenant_id: 'tenant-01' } });
      return status.state === wanted && status;
    };
    const degraded = await eventually('it is degraded', () => state('degraded'));
    expect(degraded.reason).toContain(from);
    const shards = await owner.read('scale.shards.list', { query: { kind: 'aggregate' } });
    expect(shards.items.find((shard) => shard.shard_id === from)!.health.state).toBe('unreachable');
    await stack.node(from).start();
    await eventually('it is active', () => state('active'));
    expect((await carryOut(owner, 'scale.migrate', (await move()).input)).state).toBe('succeeded');
  });
});
