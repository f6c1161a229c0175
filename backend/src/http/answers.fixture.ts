// The smallest handler table that fits the contract, for tests of the binder: constants, and a record of what was called.
import { Readable } from 'node:stream';
import type { AuditRecord, Job, JobSummary, MutationId, Plan, Tenant } from '@cloudlysis/contract';
import { EXAMPLES, mutations, reads } from '@cloudlysis/contract';
import type { z } from 'zod';
import { sampleOf } from '../../../contract/src/sample.fixture.ts';
import type { Call, MutationHandlers, ReadHandlers } from '../call/call.ts';
import { identityHandlers } from '../identity/identity.handlers.ts';
import type { Permissions } from '../identity/index.ts';

const AT = '2026-11-21T09:26:00.000Z';
export const JOB_ID = 'job_01935c5e-6f00-7a3b-9c1d-2f4e6a8b0c1d';
export const RECORD_ID = 'aud_01935c5e-6f00-7a3b-9c1d-2f4e6a8b0c1d';
export const PLAN = EXAMPLES['scale.migrate.preflight']!.answers![200] as Plan;

export const JOB: Job = {
  job_id: JOB_ID,
  kind: 'scale.migrate',
  state: 'queued',
  actor: 'user:a@b.test',
  reason: null,
  environment: 'dev',
  tenant_id: 'acme',
  lane: 'tenant:acme',
  input: {},
  secrets: [],
  plan: PLAN,
  steps: [],
  proof: null,
  problem: null,
  undo: null,
  version: 1,
  waiting: null,
  fence: 0,
  owner: null,
  parent_job_id: null,
  retry_of: null,
  request_id: 'req_1',
  trace_id: null,
  audit_record_id: RECORD_ID,
  created_at: AT,
  started_at: null,
  ended_at: null,
};
const SUMMARY: JobSummary = {
  job_id: JOB_ID,
  kind: JOB.kind,
  state: JOB.state,
  actor: JOB.actor,
  reason: null,
  environment: 'dev',
  tenant_id: 'acme',
  lane: 'tenant:acme',
  resource: 'tenant:acme',
  about: { tenant_id: 'acme', tenant_count: null, kind: null, to: null, shard_id: null, action: null },
  waiting: null,
  steps: { total: 0, done: 0 },
  problem: null,
  parent_job_id: null,
  retry_of: null,
  created_at: AT,
  started_at: null,
  ended_at: null,
};
export const TENANT: Tenant = {
  tenant_id: 'acme',
  environment: 'dev',
  status: { state: 'active', reason: 'all placements serve', since: AT },
  metadata: {
    name: 'Acme',
    plan: 'pro',
    quotas: {},
    feature_flags: {},
    contact: { email: null, phone: null },
    billing: {},
    environments: ['dev'],
  },
  placements: [],
  traffic: { requests_per_second: null, error_ratio: null, consumer_lag: null, sampled_at: null },
  purge_after: null,
  version: 1,
  created_at: AT,
  updated_at: AT,
};
const RECORD: AuditRecord = {
  record_id: RECORD_ID,
  seq: 1,
  code: 'job.submitted',
  action: 'scale.migrate',
  actor: 'user:a@b.test',
  on_behalf_of: null,
  resource: 'tenant:acme',
  tenant_id: 'acme',
  environment: 'dev',
  outcome: 'requested',
  reason: null,
  problem: null,
  before: null,
  after: null,
  job_id: null,
  request_id: null,
  trace_id: null,
  ip: null,
  agent: null,
  at: AT,
  hash: '00',
};
const page = <T>(...items: T[]) => ({ items, next_cursor: null });

/** Of a read that is not listed below, whatever fits its schema. */
const sampledReads = (): ReadHandlers =>
  Object.fromEntries(
    Object.values(reads).map(({ id, answers }) => [id, async () => sampleOf(answers[200] as z.ZodType)]),
  ) as unknown as ReadHandlers;

export const constantReads = (permissions: Permissions): ReadHandlers => ({
  ...sampledReads(),
  ...identityHandlers(permissions, {
    environment: 'dev',
    environments: [{ id: 'dev', tier: 'dev' }],
    version: '0',
    git_sha: null,
    mode: 'development',
  }),
  'tenants.list': async () => ({ ...page(TENANT), total: 1 }),
  'tenants.health': async () => ({ nodes: [] }),
  'tenants.get': async () => TENANT,
  'overview.get': async () => ({
    services: [],
    tenants: { total: 0, by_state: {} },
    jobs: { open: 0, failed_24h: 0, succeeded_24h: 0 },
    attention: [],
    unchecked: [],
    sampled_at: AT,
  }),
  'settings.connections': async () => ({ items: [] }),
  'scale.shards.list': async () => page(),
  'scale.placements.list': async () => page(),
  'scale.drift.get': async () => ({ items: [], checked: 0, unreachable: [] }),
  'scale.drains.list': async () => ({ items: [] }),
  'jobs.list': async () => page(SUMMARY),
  'jobs.get': async () => JOB,
  'jobs.events': async () => ({ type: 'text/event-stream', stream: Readable.from([`event: job\ndata: {}\n\n`]) }),
  'audit.records.list': async () => page(RECORD),
  'audit.records.get': async () => RECORD,
  'audit.verify': async () => ({ ok: true, checked: 1, head: { seq: 1, hash: '00' }, pending: 0 }),
  'audit.export': async () => ({
    type: 'application/x-ndjson',
    stream: Readable.from(['{}\n']),
    filename: 'audit.jsonl',
  }),
});

export type AnyMutation = Pick<Call<never>, 'principal' | 'provenance' | 'signal'> & { params: unknown; body: unknown };

/** Every mutation answers with the plan and a queued job; `onSubmit` sees the calls. */
export function constantMutations(onSubmit: (id: MutationId, call: AnyMutation) => Job | Promise<Job> = () => JOB) {
  const entries = (Object.keys(mutations) as MutationId[]).map((id) => [
    id,
    { preflight: async () => PLAN, submit: async (call: AnyMutation) => onSubmit(id, call) },
  ]);
  return Object.fromEntries(entries) as MutationHandlers;
}
