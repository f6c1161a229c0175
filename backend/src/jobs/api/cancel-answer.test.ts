// A cancel that is committed is told as accepted, whatever becomes of its answer: real HTTP, and a store of its own to freeze.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startMongo, type TestMongo } from '../../../../testing/mongo.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { createAudit } from '../../audit/index.ts';
import { constantMutations } from '../../http/answers.fixture.ts';
import { startTestApi, type TestApi } from '../../http/test-api.fixture.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { jobMutations, type JobEngine } from '../index.ts';
import { startedOn } from '../engine/engine.fixture.ts';

const ambient = systemAmbient();
let store: TestMongo;
let mongo: Mongo;
let engine: JobEngine;
let api: TestApi;
/** Done once the next cancel has committed, and before anything else is done about it. */
let afterCommit: (() => void) | null = null;

beforeAll(async () => {
  store = await startMongo({ durable: false });
  mongo = await connectMongo(store.uri, 'cancels');
  const audit = createAudit({ mongo, ambient, replicaId: 'a', environment: 'dev' });
  await audit.prepare();
  const log = { append: audit.log.append, wake: () => afterCommit?.() };
  // Without a slot: its jobs stay queued, and nothing else is on its way when the store goes.
  const definitions = {
    'tenants.update': {
      kind: 'tenants.update', risk: 'low', permission: 'tenants.update',
      lane: () => 'tenant:acme', tenantId: () => 'acme', resource: () => 'tenant:acme',
      plan: async () => ({ checks: [], diff: [], blastRadius: [], rollback: 'undone' }),
      steps: [{ name: 'one', title: 'One', timeoutMs: 1_000, run: async () => null }],
      verify: async () => ({ checks: [], facts: {} }),
    },
  } as const; // prettier-ignore
  engine = await startedOn(mongo, 'a', definitions, { audit: log, ambient, slots: 0 });
  const handlers = jobMutations({ engine, ambient, may: () => ({ allowed: true, reason: null }) }, []);
  api = await startTestApi({ mutations: { ...constantMutations(), ...handlers } });
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await engine?.stop(500);
  await mongo?.close();
  await store?.stop();
});

const jobs = () => mongo.db.collection<{ _id: string; state: string; cancel: unknown }>('jobs');

async function queued(): Promise<string> {
  const job = await engine.submit({
    kind: 'tenants.update', input: {}, reason: 'to be cancelled', actor: 'user:a@b.test', idempotencyKey: ambient.uuid(), planHash: null,
    provenance: { requestId: 'r', traceId: null, ip: null, agent: null }, parentJobId: null, retryOf: null,
  }); // prettier-ignore
  expect(job.state).toBe('queued');
  return job._id;
}

async function cancelled(jobId: string, headers: Record<string, string> = {}): Promise<[number, unknown]> {
  const token = await api.token('owner');
  const response = await api.fetch(`/admin/v1/jobs/${jobId}/cancel`, {
    method: 'POST', token, body: JSON.stringify({ reason: 'changed my mind' }),
    headers: { 'content-type': 'application/json', 'idempotency-key': jobId, ...headers },
  }); // prettier-ignore
  return [response.status, await response.json()];
}

it.each([
  ['at once', {}],
  ['after a wait', { prefer: 'wait=2' }],
] as const)(
  'API-03 a store that is gone after the commit: accepted all the same, asked for %s',
  async (_, headers) => {
    const jobId = await queued();
    afterCommit = () => {
      afterCommit = null;
      process.kill(store.pid, 'SIGSTOP');
    };
    try {
      expect(await cancelled(jobId, headers)).toMatchObject([
        expect.any(Number),
        { job_id: jobId, state: 'cancelled' },
      ]);
    } finally {
      process.kill(store.pid, 'SIGCONT');
    }
    expect(await jobs().findOne({ _id: jobId })).toMatchObject({ state: 'cancelled', cancel: { reason: 'changed my mind' } }); // prettier-ignore
    const [status, again] = await cancelled(jobId);
    expect([status < 300, again]).toMatchObject([true, { job_id: jobId, state: 'cancelled' }]);
  },
  30_000,
);

it.each([
  ['it has no proof of the contract', { proof: { checks: 7 } }],
  ['its plan is half there', { plan: { steps: [], diff: [] } }],
  ['its way back is none', { undo: 'none' }],
  ['a diff that nobody can walk', { 'plan.diff': [null], 'plan.diff_total': null }],
])('API-03 a job that cannot be shown, because %s: its cancel is done and told', async (_, damage) => {
  const jobId = await queued();
  await jobs().updateOne({ _id: jobId }, { $set: damage as never });
  expect(await cancelled(jobId)).toEqual([202, { job_id: jobId, state: 'cancelled' }]);
  expect(await jobs().findOne({ _id: jobId })).toMatchObject({ state: 'cancelled' });
  expect(await mongo.db.collection('audit_inbox').countDocuments({ job_id: jobId, code: 'job.cancel_requested' })).toBe(1); // prettier-ignore
});
