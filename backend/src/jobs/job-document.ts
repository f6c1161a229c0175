/** A job as MongoDB keeps it, and as it goes out on the wire. */
import type { Job, JobState, MutationId, Permission, Plan, ProblemDocument, Proof, Risk } from '@cloudlysis/contract';
import type { Provenance } from '../principal.ts';
import { withoutAddressesIn } from '../ports/nodes/index.ts';
import type { Undo } from './definition.ts';
import { planOf } from './plan-diff.ts';

export interface StepDocument {
  name: string;
  title: string;
  state: Job['steps'][number]['state'];
  attempts: number;
  started_at: Date | null;
  ended_at: Date | null;
  intent: unknown;
  outcome: unknown;
  problem: ProblemDocument | null;
}

export interface JobDocument {
  _id: string;
  /** Sorts jobs by the time they were submitted: milliseconds × 4096 + tie-breaker. */
  order: number;
  /** Of this document (stored-job.ts). */
  shape: number;
  kind: MutationId;
  /** Of the definition it was planned with. */
  version: number;
  risk: Risk;
  permission: Permission;
  state: JobState;
  lane: string;
  /** Holds its lane. A unique partial index over it is what makes a lane run one job at a time. */
  active: boolean;
  /** While queued: may be claimed, or waits for its lane. */
  queue: 'ready' | 'lane' | null;
  /** What of it no replica that met it knew, since when; null again once one takes it. */
  parked: { what: string; at: Date } | null;
  /** `<replica>#<boot>` that runs it; null when it was handed back. */
  owner: string | null;
  fence: number;
  direction: 'forward' | 'backward';
  /** Digest of who asked and under which key (idempotency.ts). */
  idempotency: string;
  request_hash: string;
  /** With `‹secret›` in place of each secret. */
  input: unknown;
  /** Which fields those are, and the mark of the CONTROL_KEY they are sealed under (sealed-inputs.ts); absent without any. */
  secrets?: { readonly fields: readonly string[]; readonly key: string };
  plan: Plan;
  /** What the plan decided, or where that is long its mark; absent in jobs of shape 2 and before. */
  decision?: unknown;
  /** The plan that this job used up: no other job may quote it. Absent in jobs of version 0.1. */
  plan_id?: string;
  steps: StepDocument[];
  actor: string;
  reason: string | null;
  tenant_id: string | null;
  /** Tenants of a job that is about several; absent otherwise, so that the index over it stays small. */
  tenants?: string[];
  resource: string;
  cancel: { by: string; reason: string; at: Date } | null;
  /** Why the job turned backward; kept while it compensates. */
  problem: ProblemDocument | null;
  proof: Proof | null;
  undo: Undo | null;
  parent_job_id: string | null;
  retry_of: string | null;
  provenance: Provenance;
  audit_record_id: string;
  created_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
}

export const isoOf = (at: Date | null): string | null => at?.toISOString() ?? null;

/** What keeps a job from going on, other than its own work. */
export function waitingOf(
  job: Pick<JobDocument, 'state' | 'queue' | 'lane' | 'created_at'> & Partial<Pick<JobDocument, 'parked'>>,
): Job['waiting'] {
  if (isFinal(job.state)) return null;
  if (job.parked) return { for: 'replica', what: job.parked.what, since: job.parked.at.toISOString() };
  return job.queue === 'lane' ? { for: 'lane', what: job.lane, since: job.created_at.toISOString() } : null;
}

const stepToWire = (step: StepDocument): Job['steps'][number] => ({
  name: step.name,
  title: step.title,
  state: step.state,
  attempts: step.attempts,
  started_at: isoOf(step.started_at),
  ended_at: isoOf(step.ended_at),
  duration_ms: step.started_at && step.ended_at ? step.ended_at.getTime() - step.started_at.getTime() : null,
  intent: step.intent ?? null,
  outcome: step.outcome ?? null,
  problem: step.problem,
});

/** Whether it is about tenants alone, so that who may see one of them sees the job. */
export const isOfTenants = (job: Pick<JobDocument, 'tenant_id' | 'tenants'>): boolean =>
  tenantsOf(job).every((tenantId) => tenantId !== null);

/**
 * What its steps found and left behind, as those may read it who may see the job: names of shards, and no addresses.
 * What somebody gave (the diff, and what a change of a tenant's own record intends) is told as it was given.
 */
export function traceOf(job: JobDocument): Pick<JobDocument, 'plan' | 'steps' | 'proof' | 'problem'> {
  const { kind, plan, steps, proof, problem } = job;
  if (!isOfTenants(job)) return { plan, steps, proof, problem };
  const isGiven = kind.startsWith('tenants.');
  return {
    plan: { ...plan, ...withoutAddressesIn({ checks: plan.checks, blockers: plan.blockers }) },
    steps: steps.map((step) => ({
      ...step,
      ...withoutAddressesIn({ outcome: step.outcome, problem: step.problem }),
      intent: isGiven ? step.intent : withoutAddressesIn(step.intent),
    })),
    ...withoutAddressesIn({ proof, problem }),
  };
}

/** `seesAll`: for somebody who may see the whole platform; where the replica that runs it listens is for them alone. */
export const jobToWire = (whole: JobDocument, seesAll: boolean): Job => {
  const job = { ...whole, ...traceOf(whole) };
  return {
    job_id: job._id,
    kind: job.kind,
    state: job.state,
    actor: job.actor,
    reason: job.reason,
    tenant_id: job.tenant_id,
    lane: job.lane,
    input: job.input,
    secrets: [...(job.secrets?.fields ?? [])],
    plan: planOf(job.plan),
    steps: job.steps.map(stepToWire),
    proof: job.proof,
    problem: job.problem,
    undo: job.undo && { operation: job.undo.operation, params: job.undo.params, body: job.undo.body ?? null },
    fence: job.fence,
    version: job.version,
    waiting: waitingOf(job),
    owner: seesAll ? job.owner : null,
    parent_job_id: job.parent_job_id,
    retry_of: job.retry_of,
    request_id: job.provenance.requestId,
    trace_id: job.provenance.traceId,
    audit_record_id: job.audit_record_id,
    created_at: job.created_at.toISOString(),
    started_at: isoOf(job.started_at),
    ended_at: isoOf(job.ended_at),
  };
};

/** Tenants whose permissions decide about a job; null stands for the platform. */
export const tenantsOf = (job: Pick<JobDocument, 'tenant_id' | 'tenants'>): readonly (string | null)[] =>
  job.tenants ?? [job.tenant_id];

export const isFinal = (state: JobState): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled' || state === 'compensated';
