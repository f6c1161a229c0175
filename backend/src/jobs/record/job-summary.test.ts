// Lists of jobs read and answer a few words each, however much the jobs themselves hold.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EXAMPLES, JobSummary, type Plan } from '@cloudlysis/contract';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import type { JobDocument } from './job-document.ts';
import { summaryToWire } from './job-summary.ts';
import { createJobStore, type JobStore } from '../store/jobs.store.ts';

let mongo: Mongo;
let store: JobStore;
beforeAll(async () => {
  const { uri, db } = freshDatabase();
  mongo = await connectMongo(uri, db);
  store = createJobStore(mongo, () => new Date());
  await store.ensureIndexes();
});
afterAll(() => mongo.close());

const AT = new Date('2026-11-21T09:26:00.000Z');

/** A job as an earlier version could keep it: 1 000 flags in input, diff and intent. */
function heavy(n: number): JobDocument {
  const flags = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`flag-${at}-${'x'.repeat(40)}`, true]));
  const id = `job_01935c5e-6f00-7a3b-9c1d-${String(n).padStart(12, '0')}`;
  const step = {
    name: 'drain', title: 'Drain', attempts: 1, started_at: AT, ended_at: null, outcome: flags, problem: null, intent: { flags },
  }; // prettier-ignore
  return {
    _id: id, order: AT.getTime() * 4096 + n, shape: 1, version: 1, parked: null, kind: 'scale.migrate', risk: 'low', permission: 'tenants.update', state: 'failed',
    lane: 'tenant:acme', active: false, queue: null, wait: null, woken: null, plan_again: false, requester: null, owner: null, fence: 1, direction: 'forward', idempotency: id,
    request_hash: '', input: { tenant_id: 'acme', kind: 'runner', to: 'r2', metadata: { feature_flags: flags } },
    plan: EXAMPLES['scale.migrate.preflight']!.answers![200] as Plan,
    steps: [{ ...step, state: 'succeeded' }, { ...step, state: 'failed' }], actor: 'user:a@b.test', reason: 'why', tenant_id: 'acme',
    resource: 'tenant:acme', cancel: null, proof: null, undo: null, parent_job_id: null, retry_of: null,
    problem: { type: '/problems/step.failed', title: 'A step failed', status: 500, code: 'step.failed', detail: 'it broke', flags },
    provenance: { requestId: 'r', traceId: null, ip: null, agent: null }, audit_record_id: '', created_at: AT, started_at: AT,
    ended_at: AT,
  }; // prettier-ignore
}

it.each([
  [undefined, { tenant_id: 'acme', tenant_count: null }],
  [['b'], { tenant_id: 'b', tenant_count: null }],
  [['b', 'c'], { tenant_id: null, tenant_count: 2 }],
])('UI-15 a title is told whom a job of the tenants %j is about, and takes no resource apart', (tenants, about) => {
  const { tenants: _none, ...job } = heavy(0);
  expect(summaryToWire({ ...job, ...(tenants ? { tenant_id: null, tenants } : {}) }).about).toMatchObject(about);
});

it('NFR-09 a list of the heaviest jobs is as light as any other', async () => {
  const jobs = Array.from({ length: 20 }, (_, n) => heavy(n));
  await mongo.db
    .collection<JobDocument>('jobs')
    .insertMany([...jobs.slice(1), { ...jobs[0]!, problem: null, steps: [], input: {} }]);
  const { rows: page } = await store.page({ filter: {}, visible: 'all', sort: -1 }, 200);
  expect(page).toHaveLength(20);
  expect(JSON.stringify(page).length).toBeLessThan(20 * 1_024);
  const items = page.map(summaryToWire);
  for (const item of items) JobSummary.parse(item);
  expect(items[0]).toMatchObject({
    kind: 'scale.migrate',
    tenant_id: 'acme',
    resource: 'tenant:acme',
    about: { tenant_id: 'acme', tenant_count: null, kind: 'runner', to: 'r2', shard_id: null, action: null },
    steps: { total: 2, done: 1 },
    problem: { code: 'step.failed', title: 'A step failed', detail: 'it broke' },
  });
  expect(items.at(-1)).toMatchObject({ problem: null, steps: { total: 0, done: 0 }, about: { kind: null } });
  const { rows: ofTenant } = await store.page(
    { filter: { tenant_id: 'acme' }, visible: new Set(['acme']), sort: 1 },
    1,
  );
  expect(JSON.stringify(ofTenant).length).toBeLessThan(1_024);
});
