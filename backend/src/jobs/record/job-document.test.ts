// What a job of a tenant tells its readers: everything but where nodes and replicas are, in every part of it.
import { expect, it } from '@jest/globals';
import type { Check } from '@cloudlysis/contract';
import { endAuditRecord } from './end-audit-record.ts';
import { jobToWire, type JobDocument } from './job-document.ts';
import type { JobDefinition } from '../define/definition.ts';
import { makePlan } from '../plan/planning.ts';

const AT = 'http://10.0.0.7:8101/admin cannot be reached';
const AT_ALL = /10\.0\.0\.7|8101|http:/;
const check = (status: Check['status']): Check => ({ id: 'c', title: 'c', status, measured: AT, limit: null, unit: null, detail: AT }); // prettier-ignore
const draft = (diff: readonly string[]) => ({
  checks: [check('block'), check('warn')],
  diff: diff.map((path) => ({ op: 'replace' as const, path, before: 1, after: 2 })),
  blastRadius: [{ kind: 'tenant', ids: ['acme'], count: 1, figures: [] }],
  rollback: 'none',
}); // prettier-ignore
const definition = (diff: readonly string[]): JobDefinition<{ tenant: string | null }> => ({
  kind: 'tenants.update',
  risk: 'low',
  permission: 'tenants.update',
  lane: () => 'l',
  tenantId: ({ tenant }) => tenant,
  resource: () => 'r',
  plan: async () => draft(diff),
  steps: [],
  verify: async () => ({ checks: [], facts: {} }),
});
const planned = (tenant: string | null, diff: readonly string[] = ['a'], seal = (_: unknown): string => 'h') =>
  makePlan(definition(diff), { tenant }, { principal: null, jobId: null }, new Date(0), seal).then(({ plan }) => plan);

async function job(tenant: string | null): Promise<JobDocument> {
  const problem = { type: 'p', title: 't', status: 504, code: 'node.timeout', detail: AT, failed: [{ why: AT }] };
  const step = { name: 's', title: 's', state: 'failed', attempts: 1, started_at: new Date(0), ended_at: new Date(9), intent: { trouble: AT }, outcome: { source_problem: AT }, problem };
  return {
    _id: 'job_1', order: 1, kind: 'scale.migrate', state: 'failed', tenant_id: tenant, lane: 'l', resource: 'r', actor: 'user:a', owner: '10.0.0.7:8101#b',
    input: {}, plan: { ...(await planned(null)) }, steps: [step], proof: { checks: [check('block')], facts: { told: [AT] } }, problem, undo: null, reason: null, cancel: null,
    provenance: { requestId: 'q', traceId: null, ip: null, agent: null }, created_at: new Date(0), started_at: null, ended_at: null, fence: 1, parent_job_id: null, retry_of: null, audit_record_id: 'x',
  } as unknown as JobDocument;
} // prettier-ignore

it('NFR-01 a job of a tenant says in none of its parts where a node is, nor does the record of its end', async () => {
  const ours = await job('acme');
  expect(JSON.stringify(jobToWire(ours, false))).not.toMatch(AT_ALL);
  expect(JSON.stringify(endAuditRecord(ours).after)).not.toMatch(AT_ALL);
  expect(jobToWire(ours, false)).toMatchObject({ owner: null, steps: [{ duration_ms: 9, problem: { code: 'node.timeout' } }] });
  // What was given for a tenant is told as it was given.
  const given = { ...ours, kind: 'tenants.update' as const, steps: [{ ...ours.steps[0]!, intent: { after: 'host:8080' } }] };
  expect(jobToWire(given, false).steps[0]!.intent).toEqual({ after: 'host:8080' });
  // Who may see the whole platform is told which replica runs it, and of a job of the platform everything.
  expect(jobToWire(ours, true).owner).toBe('10.0.0.7:8101#b');
  expect(jobToWire(await job(null), true).steps[0]!.outcome).toEqual({ source_problem: AT });
}); // prettier-ignore

it('NFR-01 a plan about a tenant names no address, in what blocks it neither', async () => {
  const plan = await planned('acme');
  expect(plan.blockers).toHaveLength(1);
  expect(JSON.stringify(plan)).not.toMatch(AT_ALL);
  expect((await planned(null)).blockers[0]!.detail).toBe(AT);
});

it('API-05 the order in which fields were named makes no other plan', async () => {
  const seal = (plan: unknown): string => JSON.stringify(plan);
  const hashes = await Promise.all(
    [
      ['a', 'b', 'c'],
      ['c', 'a', 'b'],
    ].map((diff) => planned('acme', diff, seal)),
  );
  expect(hashes[0]!.hash).toBe(hashes[1]!.hash);
  expect((await planned('acme', ['a', 'b', 'd'], seal)).hash).not.toBe(hashes[0]!.hash);
});
