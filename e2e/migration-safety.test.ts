// When moving is not safe: what blocks it, what happens when it goes wrong on the way, and how it comes back.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Client, MutationInput, Plan, ServiceKind } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { NO_FAULTS } from '../backend/testing/platform-node.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import {
  auditOf,
  carryOut,
  logProof,
  metric,
  otherShard,
  placementOf,
  published,
  putEntry,
  refusal,
  submit,
} from './journey.ts';
import { stopwatch } from '../testing/stopwatch.ts';

let stack: Stack;
let operator: Client;
beforeAll(async () => {
  stack = await startStack({ tenants: 4 });
  operator = stack.as('operator');
});
afterEach(() => Promise.all([...stack.nodes.values()].map((node) => node.fault(NO_FAULTS))));
afterAll(() => stack?.stop());

type Body = MutationInput<'scale.migrate'>['body'];
async function move(tenantId: string, more: Partial<Body> = {}): Promise<{ from: string; input: { body: Body } }> {
  const kind: ServiceKind = more.kind ?? 'aggregate';
  const from = (await placementOf(operator, tenantId, kind)).shard_id;
  const body = { tenant_id: tenantId, kind, to: otherShard(from), reason: 'is it safe?', ...more };
  return { from, input: { body } };
}

const blocks = (plan: Plan, id: string) => plan.checks.find((check) => check.id === id && check.status === 'block');

const recorded = new Set<string>();
/** The first refusal of a tenant's move is on record by its request; one like it soon after is counted with it. */
async function expectRecorded(tenantId: string, requestId: string): Promise<void> {
  const query = recorded.has(tenantId)
    ? { tenant_id: tenantId, outcome: 'refused' as const }
    : { request_id: requestId };
  const { items } = await operator.read('audit.records.list', { query });
  expect(items.length).toBeGreaterThan(0);
  for (const item of items) expect(item).toMatchObject({ outcome: 'refused', problem: 'preflight.blocked', tenant_id: tenantId }); // prettier-ignore
  recorded.add(tenantId);
}

/** The plan says why, the submission is refused with the same reason, and nothing happened. */
async function expectBlocked(tenantId: string, more: Partial<Body>, check: string): Promise<Plan> {
  const { from, input } = await move(tenantId, more);
  const plan = await operator.preflight('scale.migrate', input);
  expect(blocks(plan, check)).toBeDefined();
  expect(plan.blockers.map((blocker) => blocker.code)).toContain(check);
  const refused = await refusal(
    operator.submit('scale.migrate', { ...input, idempotencyKey: randomUUID(), planHash: plan.hash }),
  );
  expect(refused).toMatchObject({ code: 'preflight.blocked', status: 409 });
  expect(refused.message).toContain(blocks(plan, check)!.detail);
  await expectRecorded(tenantId, String(refused.extra['instance']));
  expect(await placementOf(operator, tenantId, more.kind ?? 'aggregate')).toMatchObject({ shard_id: from });
  return plan;
}

async function expectServing(tenantId: string, shard: string): Promise<void> {
  await eventually(`${tenantId} is served by ${shard}`, async () => {
    return (await stack.node(shard).tenant(tenantId))?.state === 'serving';
  });
  expect((await stack.command(tenantId, randomUUID())).status).toBe(200);
}

describe('what blocks a move, with its measured value', () => {
  it('SCL-08 too much work in flight', async () => {
    const { from } = await move('tenant-01');
    await stack.node(from).fault({ in_flight: 512 });
    const plan = await expectBlocked('tenant-01', {}, 'drain.in_flight');
    expect(blocks(plan, 'drain.in_flight')).toMatchObject({ measured: 512, limit: 100, unit: 'commands' });
  });

  it('SCL-10 a consumer that is behind', async () => {
    const home = (await placementOf(operator, 'tenant-01', 'projection')).shard_id;
    await stack.node(home).fault({ stuck: true });
    for (let sent = 0; sent < 12; sent++) await stack.command('tenant-01', `lag-${sent}`);
    const plan = await expectBlocked('tenant-01', { max_consumer_lag: 5 }, 'lag.projection');
    expect(blocks(plan, 'lag.projection')!.measured).toBeGreaterThan(5);
    expect(blocks(plan, 'lag.projection')!.limit).toBe(5);
  });

  it('SCL-09 a target that is not ready, and one that is not there', async () => {
    const { input } = await move('tenant-01');
    const target = stack.node(input.body.to);
    await target.fault({ lie_ready: 'not-ready' });
    await expectBlocked('tenant-01', {}, 'target.ready');
    await target.kill();
    const began = stopwatch();
    await expectBlocked('tenant-01', {}, 'target.reachable');
    expect(began()).toBeLessThan(10_000);
    await target.start();
  });

  it('SCL-09 a source or target whose admin endpoints hang: a blocked check in bounded time', async () => {
    const { from } = await move('tenant-01');
    await stack.node(from).fault({ hang: true });
    const began = stopwatch();
    await expectBlocked('tenant-01', {}, 'source.reachable');
    expect(began()).toBeLessThan(15_000);
  });
});

describe('what goes wrong on the way', () => {
  it('SCL-11 OBS-77 a drain that does not converge is taken back: the source serves again and a metric says so', async () => {
    const { from, input } = await move('tenant-02', { drain_timeout_s: 1 });
    const before = await metric(stack, 'cp_drain_overruns_total');
    await stack.node(from).fault({ stuck: true });
    const parked = stack.command('tenant-02', randomUUID());
    await eventually('a command is in flight', async () => (await stack.node(from).tenant('tenant-02'))!.in_flight > 0);
    const job = await carryOut(operator, 'scale.migrate', input);
    expect(job).toMatchObject({ state: 'compensated', problem: { code: 'drain.not_converging', step: 'converge' } });
    expect(await metric(stack, 'cp_drain_overruns_total')).toBe(before + 1);
    await stack.node(from).fault({ stuck: false });
    expect((await parked).status).toBe(200);
    expect(await placementOf(operator, 'tenant-02', 'aggregate')).toMatchObject({ shard_id: from });
    await expectServing('tenant-02', from);
    const codes = (await auditOf(operator, job.job_id)).map((record) => record.code).sort();
    expect(codes).toEqual(['job.compensated', 'job.submitted']);
  });

  it('API-03 a cancel half-way undoes what was done, and the source serves', async () => {
    const { from, input } = await move('tenant-02', { drain_timeout_s: 30 });
    await stack.node(from).fault({ stuck: true });
    const parked = stack.command('tenant-02', randomUUID());
    await eventually('a command is in flight', async () => (await stack.node(from).tenant('tenant-02'))!.in_flight > 0);
    const jobId = await submit(operator, 'scale.migrate', input);
    const params = { job_id: jobId };
    await eventually(
      'it converges',
      async () => (await operator.read('jobs.get', { params })).steps[1]!.state === 'running',
    );
    await carryOutCancel(params);
    const job = await operator.follow(jobId, () => undefined);
    expect(job.state).toBe('compensated');
    expect(job.steps.map((step) => step.state)).toEqual([
      'compensated',
      'interrupted',
      'pending',
      'pending',
      'pending',
    ]);
    await stack.node(from).fault({ stuck: false });
    expect((await parked).status).toBe(200);
    await expectServing('tenant-02', from);
    const records = await auditOf(operator, jobId);
    expect(records.map((record) => record.code).sort()).toEqual([
      'job.cancel_requested',
      'job.compensated',
      'job.submitted',
    ]);
    // Asked again it is the same answer; a job that went well cannot be cancelled any more.
    expect((await carryOut(operator, 'jobs.cancel', { params, body: { reason: 'once more' } })).job_id).toBe(jobId);
    const done = await carryOut(operator, 'scale.migrate', (await move('tenant-04')).input);
    const late = carryOut(operator, 'jobs.cancel', { params: { job_id: done.job_id }, body: { reason: 'too late' } });
    expect(await refusal(late)).toMatchObject({ code: 'job.state', status: 409 });
  });

  async function carryOutCancel(params: { job_id: string }): Promise<void> {
    const body = { reason: 'changed my mind' };
    const plan = await operator.preflight('jobs.cancel', { params, body });
    expect(plan.steps.map((step) => step.name)).toEqual(['converge', 'drain']);
    await operator.submit('jobs.cancel', { params, body, idempotencyKey: randomUUID() });
  }

  it('NFR-07 a node that refuses to drain makes a named problem, and a retry moves the tenant once it obeys', async () => {
    const { from, input } = await move('tenant-02');
    await stack.node(from).fault({ refuse_drain: true });
    const job = await carryOut(operator, 'scale.migrate', input);
    // The step that refused did nothing, and the one before it was undone.
    expect(job.state).toBe('compensated');
    expect(job.problem).toMatchObject({ code: 'drain.refused', step: 'drain' });
    await expectServing('tenant-02', from);
    await stack.node(from).fault({ refuse_drain: false });
    const again = await carryOut(operator, 'jobs.retry', {
      params: { job_id: job.job_id },
      body: { reason: 'it obeys' },
    });
    expect(again).toMatchObject({ state: 'succeeded', retry_of: job.job_id });
    expect(again.job_id).not.toBe(job.job_id);
  });

  it('SCL-06 the target dies after the source has drained: the tenant is served by the source again', async () => {
    const { from, input } = await move('tenant-02', { drain_timeout_s: 5 });
    const target = stack.node(input.body.to);
    await stack.node(from).fault({ stuck: true });
    const parked = stack.command('tenant-02', randomUUID());
    await eventually('a command is in flight', async () => (await stack.node(from).tenant('tenant-02'))!.in_flight > 0);
    const jobId = await submit(operator, 'scale.migrate', input);
    await target.kill();
    await stack.node(from).fault({ stuck: false });
    const job = await operator.follow(jobId, () => undefined);
    expect(job.state).toBe('compensated');
    expect([200, 503]).toContain((await parked).status);
    await expectServing('tenant-02', from);
    await target.start();
    expect(await logProof(stack, 'tenant-02')).toMatchObject({ duplicated: 0, gaps: 0 });
  });
});

describe('more than one tenant', () => {
  it('SCL-05 SCL-06 evacuates a shard: one child per tenant, all proven, the shard empty', async () => {
    const loading = stack.load({ rate: 60, seconds: 4, seed: 9 });
    const { items } = await operator.read('scale.placements.list', { query: { kind: 'aggregate', shard_id: 'a1' } });
    expect(items.length).toBeGreaterThan(0);
    const body = { shard_id: 'a1', reason: 'the host is replaced' };
    const job = await carryOut(operator, 'scale.evacuate', { body });
    expect(job).toMatchObject({
      state: 'succeeded',
      proof: { facts: { moved: items.length, lost: 0, duplicated: 0 } },
    });
    const children = await operator.read('jobs.list', { query: { parent_job_id: job.job_id } });
    expect(children.items.map((child) => child.tenant_id).sort()).toEqual(items.map((item) => item.tenant_id).sort());
    for (const child of children.items) expect(child).toMatchObject({ kind: 'scale.migrate', state: 'succeeded' });
    const left = await operator.read('scale.placements.list', { query: { kind: 'aggregate', shard_id: 'a1' } });
    expect(left.items).toEqual([]);
    expect(await loading).toMatchObject({ failed: 0, lost: 0, duplicated: 0, gaps: 0 });
  });

  it('SCL-04 drift made by hand in KV is shown, and repaired by a job', async () => {
    const home = await placementOf(operator, 'tenant-03', 'runner');
    const wrong = { shard: otherShard(home.shard_id), revision: home.revision + 1, job_id: null };
    await putEntry(stack, 'placement', 'runner.tenant-03', wrong);
    const drift = await operator.read('scale.drift.get');
    expect(drift.items).toMatchObject([
      { tenant_id: 'tenant-03', kind: 'runner', recorded: home.shard_id, published: wrong.shard, repairable: true },
    ]);
    await expectBlocked('tenant-03', { kind: 'runner' }, 'drift.none');
    const job = await carryOut(operator, 'scale.drift.repair', { body: { reason: 'somebody wrote to KV' } });
    expect(job).toMatchObject({ state: 'succeeded', proof: { facts: { repaired: 1 } } });
    expect((await operator.read('scale.drift.get')).items).toEqual([]);
    expect((await published(stack, 'runner', 'tenant-03'))!.shard).toBe(home.shard_id);
  });
});
