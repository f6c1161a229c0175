// The main job over the API of a running platform: move a live tenant under load, with the proof, and back again.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { FINAL_STATES, type Client, type Job, type MutationInput } from '@cloudlysis/contract';
import { eventsOf } from '../contract/src/client/event-stream.ts';
import { eventually } from '../backend/testing/eventually.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { felt } from '../testing/felt.ts';
import { auditOf, carryOut, logProof, otherShard, placementOf, published, refusal, submit } from './journey.ts';

let stack: Stack;
let operator: Client;
beforeAll(async () => {
  stack = await startStack({ tenants: 3 });
  operator = stack.as('operator');
});
afterAll(() => stack?.stop());

type Move = MutationInput<'scale.migrate'>;
async function move(tenantId: string, kind: 'aggregate' | 'projection' | 'runner' = 'aggregate'): Promise<Move> {
  const to = otherShard((await placementOf(operator, tenantId, kind)).shard_id);
  return { body: { tenant_id: tenantId, kind, to, reason: 'shard is crowded' } };
}

describe('moving a live tenant', () => {
  let job: Job;
  let before: { shard_id: string; revision: number };

  it('SCL-05 GEN-32 GEN-33 GEN-35 API-05 the preflight shows assignment, target, steps, blast radius and way back, and changes nothing', async () => {
    before = await placementOf(operator, 'tenant-01', 'aggregate');
    const loading = stack.load({ rate: 60, seconds: 2, seed: 7 });
    await sleep(700);
    const plan = await operator.preflight('scale.migrate', await move('tenant-01'));
    expect(plan).toMatchObject({ kind: 'scale.migrate', risk: 'high', blockers: [] });
    expect(plan.steps.map((step) => step.name)).toEqual(['drain', 'converge', 'place', 'reload', 'ready']);
    expect(plan.diff).toContainEqual({
      op: 'replace',
      path: 'placement.aggregate.tenant-01.shard_id',
      before: before.shard_id,
      after: otherShard(before.shard_id),
    });
    expect(plan.blast_radius.map(({ kind }) => kind)).toEqual(['tenant']);
    expect(felt(plan)).toMatchObject({ ids: ['tenant-01'], count: 1 });
    expect(felt(plan)?.['traffic']).toBeGreaterThan(0);
    expect(plan.rollback).toContain(before.shard_id);
    for (const check of plan.checks) expect(check.detail).not.toBe('');
    expect(await placementOf(operator, 'tenant-01', 'aggregate')).toMatchObject(before);
    expect(await stack.node(before.shard_id).tenant('tenant-01')).toMatchObject({ state: 'serving' });
    expect((await loading).lost).toBe(0);
  });

  it('GEN-33 API-05 the plans of a drain and an evacuation say whose traffic, lag and work in flight they touch', async () => {
    const enough = new AbortController();
    const loading = stack.load({ rate: 60, seconds: 60, seed: 5 }, enough.signal);
    const { shard_id } = before;
    const drain = { body: { shard_id, action: 'drain' as const, reason: 'shard is crowded' } };
    const evacuation = { body: { shard_id, reason: 'shard is crowded' } };
    const measured = { lag: expect.any(Number), 'in flight': expect.any(Number) };
    for (const planned of [
      () => operator.preflight('scale.drain', drain),
      () => operator.preflight('scale.evacuate', evacuation),
    ]) {
      const touched = async () => felt(await planned());
      await eventually('its traffic is known', async () => Number((await touched())?.['traffic']) > 0);
      expect(await touched()).toMatchObject(measured);
    }
    enough.abort();
    expect((await loading).lost).toBe(0);
  }, 70_000);

  it('GEN-03 GEN-16 GEN-37 SCL-06 SCL-07 API-01 API-02 GEN-31 NFR-07 moves it under load: nothing lost, nothing doubled, proven and followed', async () => {
    const loading = stack.load({ rate: 50, seconds: 4, seed: 1, noisy: 'tenant-01' });
    await sleep(800);
    const wanted = await move('tenant-01');
    const plan = await operator.preflight('scale.migrate', wanted);
    const answer = await operator.submit('scale.migrate', {
      ...wanted,
      idempotencyKey: randomUUID(),
      planHash: plan.hash,
    });
    expect(answer).toMatchObject({ status: 202, job: { state: 'running' } });
    const events = await operator.stream('jobs.events', { params: { job_id: answer.job.job_id } });
    expect(events.headers.get('content-type')).toContain('text/event-stream');
    const told: Job[] = [];
    for await (const event of eventsOf(events)) told.push(JSON.parse(event.data) as Job);
    expect(told.length).toBeGreaterThan(2);
    job = told.at(-1)!;
    expect(FINAL_STATES).toContain(job.state);
    expect(job).toMatchObject({ state: 'succeeded', problem: null, reason: 'shard is crowded', fence: 1 });
    expect(job.steps.map((step) => [step.state, step.attempts])).toEqual(job.steps.map(() => ['succeeded', 1]));
    expect(job.proof!.facts).toMatchObject({ lost: 0, duplicated: 0 });
    expect(job.proof!.facts['write_pause_ms']).toBeGreaterThan(0);
    expect(job.proof!.facts['write_pause_ms']).toBeLessThan(3_000);
    expect(job.proof!.checks.filter((check) => check.status !== 'pass')).toEqual([]);
    expect(await loading).toMatchObject({ failed: 0, lost: 0, duplicated: 0, gaps: 0 });
  });

  it('SCL-02 SCL-04 record, publication and nodes agree on where it is', async () => {
    const to = otherShard(before.shard_id);
    const now = { shard_id: to, revision: before.revision + 1 };
    expect(await placementOf(operator, 'tenant-01', 'aggregate')).toMatchObject(now);
    const entry = { shard: to, revision: now.revision, job_id: job.job_id };
    expect(await published(stack, 'aggregate', 'tenant-01')).toEqual(entry);
    const there = { state: 'serving', placement_revision: now.revision };
    expect(await stack.node(to).tenant('tenant-01')).toMatchObject(there);
    expect(await stack.node(before.shard_id).tenant('tenant-01')).toBeUndefined();
    expect((await operator.read('scale.drift.get')).items).toEqual([]);
  });

  it('GEN-09 AUD-05 AUD-09 AUD-11 API-04 its audit records are found by job, carry the trace, and the chain holds', async () => {
    const auditor = stack.as('security-admin');
    const records = await auditOf(auditor, job.job_id);
    expect(records.map((record) => record.code).sort()).toEqual(['job.submitted', 'job.succeeded']);
    for (const record of records)
      expect(record).toMatchObject({
        actor: 'user:operator@b.test',
        tenant_id: 'tenant-01',
        reason: 'shard is crowded',
        request_id: job.request_id,
      });
    const end = records.find((record) => record.code === 'job.succeeded')!;
    const { steps, proof } = end.after as { steps: { name: string; state: string }[]; proof: { facts: object } };
    expect(steps.map((step) => `${step.name} ${step.state}`)).toEqual(
      job.steps.map((step) => `${step.name} succeeded`),
    );
    expect(proof.facts).toMatchObject({ lost: 0, duplicated: 0 });
    expect(await auditor.read('audit.verify')).toMatchObject({ ok: true });
  });

  it('GEN-31 the call that the job names as its undo moves the tenant back', async () => {
    expect(job.undo).toMatchObject({ operation: 'scale.migrate', body: { to: before.shard_id } });
    const undone = await carryOut(operator, 'scale.migrate', { body: job.undo!.body as Move['body'] });
    expect(undone).toMatchObject({ state: 'succeeded', proof: { facts: { lost: 0, duplicated: 0 } } });
    const back = { shard_id: before.shard_id, revision: before.revision + 2 };
    expect(await placementOf(operator, 'tenant-01', 'aggregate')).toMatchObject(back);
    expect((await stack.command('tenant-01', `back-${randomUUID()}`)).status).toBe(200);
    expect(await logProof(stack, 'tenant-01')).toMatchObject({ duplicated: 0, gaps: 0 });
  });

  it.each(['projection', 'runner'] as const)('SCL-02 SCL-06 moves a %s under load', async (kind) => {
    const loading = stack.load({ rate: 60, seconds: 2, seed: 3 });
    await sleep(400);
    const wanted = await move('tenant-02', kind);
    const moved = await carryOut(operator, 'scale.migrate', wanted);
    expect(moved).toMatchObject({ state: 'succeeded', proof: { facts: { lost: 0, duplicated: 0 } } });
    expect(await placementOf(operator, 'tenant-02', kind)).toMatchObject({ shard_id: wanted.body.to });
    expect(await loading).toMatchObject({ failed: 0, lost: 0, duplicated: 0, gaps: 0 });
  });
});

describe('submitting twice, late, or beside somebody else', () => {
  it('GEN-34 API-17 the same key is one job, also when five ask at once; another body under it is refused', async () => {
    const wanted = await move('tenant-03');
    const plan = await operator.preflight('scale.migrate', wanted);
    const key = randomUUID();
    const ask = () => operator.submit('scale.migrate', { ...wanted, idempotencyKey: key, planHash: plan.hash });
    const answers = await Promise.all(Array.from({ length: 5 }, ask));
    const ids = new Set(answers.map((answer) => answer.job.job_id));
    expect(ids.size).toBe(1);
    const [jobId] = [...ids] as [string];
    const ended = await operator.follow(jobId, () => undefined);
    expect(ended.state).toBe('succeeded');
    expect((await ask()).job.job_id).toBe(jobId);
    expect((await auditOf(operator, jobId)).filter((record) => record.code === 'job.submitted')).toHaveLength(1);
    const other = { ...wanted, body: { ...wanted.body, reason: 'another reason' } };
    const refused = await refusal(
      operator.submit('scale.migrate', { ...other, idempotencyKey: key, planHash: plan.hash }),
    );
    expect(refused).toMatchObject({ code: 'idempotency.key_reused', status: 422, extra: { job_id: jobId } });
    const next = (await placementOf(operator, 'tenant-03', 'aggregate')).shard_id;
    expect(next).toBe(wanted.body.to);
  });

  it('GEN-32 GEN-33 a plan whose world has moved is refused with 409, no plan at all with 428, a made-up one with 409', async () => {
    const wanted = await move('tenant-03');
    const plan = await operator.preflight('scale.migrate', wanted);
    await carryOut(operator, 'scale.migrate', wanted);
    await carryOut(operator, 'scale.migrate', await move('tenant-03'));
    const late = { ...wanted, idempotencyKey: randomUUID(), planHash: plan.hash };
    const stale = await refusal(operator.submit('scale.migrate', late));
    expect(stale).toMatchObject({ code: 'plan.stale', status: 409 });
    const none = await refusal(operator.submit('scale.migrate', { ...wanted, idempotencyKey: randomUUID() }));
    expect(none).toMatchObject({ code: 'plan.required', status: 428 });
    const invented = await refusal(
      operator.submit('scale.migrate', { ...wanted, idempotencyKey: randomUUID(), planHash: 'f'.repeat(32) + '.zzz' }),
    );
    expect(invented).toMatchObject({ code: 'plan.stale', status: 409 });
    const { items } = await operator.read('audit.records.list', {
      query: { request_id: String(stale.extra['instance']) },
    });
    expect(items).toMatchObject([{ code: 'request.refused', outcome: 'refused', problem: 'plan.stale' }]);
  });

  it('SCL-05 two operators move one tenant at once: one wins, the other is told why', async () => {
    const wanted = await move('tenant-03');
    const { revision } = await placementOf(operator, 'tenant-03', 'aggregate');
    const other = stack.as('owner');
    const attempt = async (client: Client): Promise<string> => {
      try {
        const ended = await client.follow(await submit(client, 'scale.migrate', wanted), () => undefined);
        return ended.state === 'succeeded' ? 'won' : ended.problem!.code;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const outcomes = (await Promise.all([attempt(operator), attempt(other)])).sort();
    expect(outcomes[1]).toBe('won');
    expect(['preflight.blocked', 'plan.stale', 'placement.unchanged', 'lane.busy']).toContain(outcomes[0]);
    expect(await placementOf(operator, 'tenant-03', 'aggregate')).toMatchObject({
      shard_id: wanted.body.to,
      revision: revision + 1,
    });
  });
});
