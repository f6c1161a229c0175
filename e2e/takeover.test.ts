// Two replicas: one dies or stalls in a job, the other takes over, dies as well, and still the job ends once.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { FINAL_STATES, type Client, type Job } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { NO_FAULTS } from '../backend/testing/platform-node.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { auditOf, logProof, metric, otherShard, placementOf, submit } from './journey.ts';
import { stopwatch } from '../testing/stopwatch.ts';

let stack: Stack;
let clients: readonly [Client, Client];
beforeAll(async () => {
  stack = await startStack({ tenants: 2, replicas: 2 });
  clients = [stack.as('operator', 0), stack.as('operator', 1)];
});
afterEach(() => Promise.all([...stack.nodes.values()].map((node) => node.fault(NO_FAULTS))));
afterAll(() => stack?.stop());

async function move(client: Client) {
  const { shard_id } = await placementOf(client, 'tenant-01', 'aggregate');
  const to = otherShard(shard_id);
  return { from: shard_id, to, body: { tenant_id: 'tenant-01', kind: 'aggregate' as const, to, reason: 'takeover' } };
}

const ended = (client: Client, jobId: string): Promise<Job> =>
  eventually(
    `${jobId} ends`,
    async () => {
      const job = await client.read('jobs.get', { params: { job_id: jobId } });
      return (FINAL_STATES as readonly string[]).includes(job.state) && job;
    },
    30_000,
  );

async function expectOnce(client: Client, job: Job, to: string): Promise<void> {
  expect([job.state, job.problem]).toEqual(['succeeded', null]);
  expect(job.proof!.facts).toMatchObject({ lost: 0, duplicated: 0 });
  const codes = (await auditOf(client, job.job_id)).map((record) => record.code).sort();
  expect(codes).toEqual(['job.submitted', 'job.succeeded']);
  expect(await placementOf(client, 'tenant-01', 'aggregate')).toMatchObject({ shard_id: to });
  expect((await stack.command('tenant-01', randomUUID())).status).toBe(200);
  expect(await logProof(stack, 'tenant-01')).toMatchObject({ duplicated: 0, gaps: 0 });
  expect(await client.read('audit.verify')).toMatchObject({ ok: true });
}

describe('replicas that share the work', () => {
  it('NFR-07 the replica that took over dies as well, and the first one ends the job', async () => {
    const [one, two] = stack.backends as [(typeof stack.backends)[0], (typeof stack.backends)[0]];
    await two.kill();
    await two.start({ CRASH_AT: 'scale.migrate/place/forward/after' });
    await one.kill();
    await one.start({ CRASH_AT: 'scale.migrate/converge/forward/after' });
    const { to, body } = await move(clients[0]);
    const plan = await clients[0].preflight('scale.migrate', { body });
    const wanted = { body, idempotencyKey: randomUUID(), planHash: plan.hash };
    const accepted = await clients[0].submit('scale.migrate', wanted);
    expect((await one.exited(15_000)).signal).toBe('SIGKILL');
    const died = stopwatch();
    // Five seconds of silence, then the next sweep.
    expect((await two.exited(15_000)).signal).toBe('SIGKILL');
    expect(died()).toBeLessThan(9_000);
    await one.start();
    await two.start();
    const job = await ended(clients[0], accepted.job.job_id);
    expect(job.fence).toBe(3);
    await expectOnce(clients[0], job, to);
  });

  it('NFR-07 a replica that stalls loses its job to the other, wakes up and cannot write', async () => {
    const { from, to, body } = await move(clients[0]);
    await stack.node(from).fault({ stuck: true });
    const parked = stack.command('tenant-01', randomUUID());
    const jobId = await submit(clients[0], 'scale.migrate', { body });
    const at = async () => (await clients[1].read('jobs.get', { params: { job_id: jobId } })).owner;
    await eventually('it runs on the first', async () => (await at())?.startsWith('replica-1#'));
    await stack.backend.pause();
    await eventually('the second took it', async () => (await at())?.startsWith('replica-2#'));
    await stack.node(from).fault({ stuck: false });
    stack.backend.resume();
    const job = await ended(clients[1], jobId);
    // It waited longer than the gateway parks: answered or not, the log says whether it happened once.
    expect([200, 503]).toContain((await parked).status);
    expect(job.fence).toBe(2);
    await expectOnce(clients[1], job, to);
    expect(await metric(stack, 'cp_job_takeovers_total', 1)).toBeGreaterThan(0);
  });

  it('NFR-07 API-03 a cancel reaches a job that runs on another replica, also through the one that does not run it', async () => {
    const { from, body } = await move(clients[0]);
    await stack.node(from).fault({ stuck: true });
    const parked = stack.command('tenant-01', randomUUID());
    const jobId = await submit(clients[0], 'scale.migrate', { body });
    const params = { job_id: jobId };
    await eventually('it converges', async () => {
      const job = await clients[1].read('jobs.get', { params });
      return job.steps[1]?.state === 'running';
    });
    await clients[1].submit('jobs.cancel', { params, body: { reason: 'not now' }, idempotencyKey: randomUUID() });
    await stack.node(from).fault({ stuck: false });
    const job = await ended(clients[1], jobId);
    expect(job.state).toBe('compensated');
    expect((await parked).status).toBe(200);
    expect(await placementOf(clients[1], 'tenant-01', 'aggregate')).toMatchObject({ shard_id: from });
    expect((await stack.command('tenant-01', randomUUID())).status).toBe(200);
  });

  it('NFR-07 SIGTERM hands a running job back within 10 s and another replica goes on with it', async () => {
    const { from, to, body } = await move(clients[0]);
    await stack.node(from).fault({ stuck: true });
    const parked = stack.command('tenant-01', randomUUID());
    const jobId = await submit(clients[0], 'scale.migrate', { body: { ...body, drain_timeout_s: 60 } });
    const stopped = await stack.backend.stop();
    expect(stopped).toMatchObject({ code: 0, signal: null });
    expect(stopped.ms).toBeLessThan(10_000);
    const handedOn = async () => {
      const job = await clients[1].read('jobs.get', { params: { job_id: jobId } });
      return job.owner?.startsWith('replica-2#') && job.fence === 2;
    };
    // Handed back, not timed out: well before the lease of 5 s.
    const took = stopwatch();
    await eventually('the other one has it', handedOn);
    expect(took()).toBeLessThan(2_500);
    await stack.node(from).fault({ stuck: false });
    await expectOnce(clients[1], await ended(clients[1], jobId), to);
    expect([200, 503]).toContain((await parked).status);
    await stack.backend.start();
  });

  it('NFR-07 a replica that cannot listen says why and ends, and what it had begun is ended with it', async () => {
    const third = stack.replicaInTheWay();
    third.spawn();
    expect(await third.exited(20_000)).toEqual({ code: 1, signal: null });
    const log = third.log();
    expect(log).toMatch(/is in use by another process/);
    expect(log).not.toMatch(/could not be stopped/);
    const names = (await stack.db.collection('replicas').find().toArray()).map(({ _id }) => String(_id));
    expect(names.filter((name) => name.startsWith('replica-3'))).toEqual([]);
    const { body } = await move(clients[1]);
    const job = await ended(clients[1], await submit(clients[1], 'scale.migrate', { body }));
    expect(job.state).toBe('succeeded');
  });
});
