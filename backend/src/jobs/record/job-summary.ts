/**
 * A job as lists show it. Only these fields are read from the store: 20 jobs with the biggest plans once made a list of
 * 200 MB, and nobody could list anything.
 */
import type { JobSummary } from '@cloudlysis/contract';
import { isoOf, waitingOf, type JobDocument } from './job-document.ts';

export const SUMMARY_FIELDS = {
  _id: 1, order: 1, kind: 1, state: 1, actor: 1, reason: 1, environment: 1, tenant_id: 1, lane: 1, resource: 1, tenants: 1,
  'input.kind': 1, 'input.to': 1, 'input.shard_id': 1, 'input.action': 1,
  'steps.state': 1, 'problem.code': 1, 'problem.title': 1, 'problem.detail': 1,
  cancel: 1, queue: 1, parked: 1, wait: 1, parent_job_id: 1, retry_of: 1, created_at: 1, started_at: 1, ended_at: 1,
} as const; // prettier-ignore

export type JobSummaryDocument = Pick<
  JobDocument,
  | '_id'
  | 'order'
  | 'kind'
  | 'state'
  | 'actor'
  | 'reason'
  | 'environment'
  | 'tenant_id'
  | 'lane'
  | 'resource'
  | 'tenants'
  | 'cancel'
  | 'queue'
  | 'parked'
  | 'wait'
  | 'parent_job_id'
  | 'retry_of'
  | 'created_at'
  | 'started_at'
  | 'ended_at'
> & {
  readonly input?: unknown;
  /** What is null is left out by the projection of its inside. */
  readonly steps?: readonly Pick<JobDocument['steps'][number], 'state'>[];
  readonly problem?: Pick<NonNullable<JobDocument['problem']>, 'code' | 'title' | 'detail'> | null;
};

const word = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Of a bulk change of one tenant it is that one. */
function aboutTenants({
  tenant_id,
  tenants,
}: JobSummaryDocument): Pick<JobSummary['about'], 'tenant_id' | 'tenant_count'> {
  if (!tenants) return { tenant_id, tenant_count: null };
  return tenants.length === 1
    ? { tenant_id: tenants[0]!, tenant_count: null }
    : { tenant_id: null, tenant_count: tenants.length };
}

export function summaryToWire(job: JobSummaryDocument): JobSummary {
  const { steps = [], problem } = job;
  const input = job.input as Readonly<Record<string, unknown>> | undefined;
  return {
    job_id: job._id,
    kind: job.kind,
    state: job.state,
    actor: job.actor,
    reason: job.reason,
    environment: job.environment ?? null,
    tenant_id: job.tenant_id,
    lane: job.lane,
    resource: job.resource,
    about: {
      ...aboutTenants(job),
      kind: word(input?.['kind']),
      to: word(input?.['to']),
      shard_id: word(input?.['shard_id']),
      action: word(input?.['action']),
    },
    waiting: waitingOf(job),
    steps: { total: steps.length, done: steps.filter(({ state }) => state === 'succeeded').length },
    problem: problem ? { code: problem.code, title: problem.title, detail: problem.detail } : null,
    parent_job_id: job.parent_job_id,
    retry_of: job.retry_of,
    created_at: job.created_at.toISOString(),
    started_at: isoOf(job.started_at),
    ended_at: isoOf(job.ended_at),
  };
}
