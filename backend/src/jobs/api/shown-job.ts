/** The job that a request is about: as far as its caller may see it, and settled as long as they wait. */
import { Job, mutations, Problem, type JobTicket, type Permission } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { Principal, Visible } from '../../call/principal.ts';
import { unreadableProblem } from '../../kernel/bad-records.ts';
import type { JobEngine } from '../engine/job-engine.ts';
import { mustGet } from '../store/jobs.store.ts';
import { type JobDocument, isFinal, isVisible, jobToWire, tenantsOf } from '../record/job-document.ts';
import type { May } from '../record/rights.ts';
import { jobFault } from '../record/stored-job.ts';
import type { Call, SubmitHeaders } from '../../call/call.ts';

export interface JobHandlerDeps {
  readonly engine: JobEngine;
  readonly ambient: Ambient;
  readonly may: May;
}

/**
 * What cannot be read is nobody's tenant's: it is told of to those alone who see the whole platform.
 * @throws Problem `job.unknown` | `record.unreadable`
 */
export async function shownJob(
  { store }: JobEngine,
  jobId: string,
  visibleAt: (environment: string | null | undefined) => Visible,
): Promise<JobDocument> {
  const job = await mustGet(store, jobId);
  const fault = jobFault(job);
  if (fault === null ? !isVisible(job, visibleAt(job.environment)) : visibleAt(null) !== 'all')
    throw new Problem('job.unknown', `There is no job ${jobId}`);
  if (fault !== null) throw unreadableProblem({ id: job._id, reason: fault });
  return job;
}

/** The job is committed: whatever goes wrong from here on, the answer is the job, and at least its ticket. */
export async function settledJob(
  engine: JobEngine,
  job: JobDocument,
  headers: SubmitHeaders,
  { visible, signal }: { readonly visible: Visible; readonly signal: AbortSignal },
): Promise<Job | JobTicket> {
  const waits = headers.waitMs > 0 && !isFinal(job.state);
  const now = waits ? await engine.settled(job._id, headers.waitMs, signal).catch(() => job) : job;
  try {
    return jobToWire(now, visible === 'all');
  } catch {
    return { job_id: job._id, state: now.state };
  }
}

export type JobCall = Call<(typeof mutations)['jobs.cancel']['submit']>;
export type SignalCall = Call<(typeof mutations)['jobs.signal']['submit']>;
/** @throws Problem `permission.missing` that names the tenant */
export function assertMay(
  deps: JobHandlerDeps,
  principal: Principal,
  permission: Permission,
  about: Parameters<May>[2],
): void {
  const verdict = deps.may(principal, permission, about);
  if (!verdict.allowed) throw new Problem('permission.missing', verdict.reason ?? undefined, { permission });
}

/** The job a call names, if the caller may see it and holds the permission that the job itself asked for. */
export async function governed(deps: JobHandlerDeps, call: JobCall): Promise<JobDocument> {
  const job = await shownJob(deps.engine, call.params.job_id, call.visibleAt);
  for (const tenantId of tenantsOf(job))
    assertMay(deps, call.principal, job.permission, { kind: job.kind, tenantId, environment: job.environment });
  return job;
}
