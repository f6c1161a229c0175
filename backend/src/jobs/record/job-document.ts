/** A job as MongoDB keeps it, and as it goes out on the wire. */
import type { Job, JobState, MutationId, Permission, Plan, ProblemDocument, Proof, Risk } from '@cloudlysis/contract';
import type { Principal, Provenance, Visible } from '../../call/principal.ts';
import { withoutAddressesIn } from '../../ports/nodes/index.ts';
import type { Undo } from '../define/definition.ts';
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
  /** Of a step that waits, from its beginning on. */
  wait?: StepWait;
}

/** What of a wait is kept: asked once, so that no restart and no clock moves its end. */
export interface StepWait {
  readonly since: Date;
  readonly until: Date | null;
  /** How far down the list of its children a step is. */
  readonly children?: {
    /** Index of the first that was not started yet. */
    readonly next: number;
    /** Started, and not seen to have ended. */
    readonly open: readonly string[];
    readonly refused: readonly { readonly key: string; readonly detail: string }[];
  };
}

/** What a job waits for, as lists and pages tell it. */
export interface Wait {
  readonly for: 'time' | 'signal' | 'children';
  readonly what: string;
  readonly since: Date;
  readonly until: Date | null;
  readonly signal: {
    readonly permission: Permission;
    readonly except: string | null;
    readonly needed: number;
    readonly given: readonly { readonly by: string; readonly at: Date }[];
  } | null;
}

/** In which of the engine's lists a job is; each is read by an equality on it. */
export type Queue =
  /** May be claimed. */
  | 'ready'
  /** Waits until another job lets go of its lane. */
  | 'lane'
  /** Claimed, or left by who claimed it. */
  | 'running'
  | Wait['for'];

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
  /** Null once it has ended. */
  queue: Queue | null;
  /** From when it first waits until what it waits for is there, also while somebody looks. */
  wait: Wait | null;
  /** When it is woken though nothing else came; absent where nothing is to happen by time, so that the index stays small. */
  wake_at?: Date;
  /** Of the last time it was woken, or would have been had it waited: who goes to wait says which was the last it has seen. */
  woken: string | null;
  /** Of the last child that was started for it. */
  last_child?: string;
  /** It waited before its first effect, for its lane or otherwise: once it has its lane, its plan is made again. */
  plan_again: boolean;
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
  /** Who asked, of a job that a job starts for the first of them: whether they still may, and what they may not answer themselves. */
  requester: Principal | null;
  reason: string | null;
  /** It is about; null of what is global, absent in a job of a store that knew of one environment only. */
  environment?: string | null;
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
  job: Pick<JobDocument, 'state' | 'queue' | 'lane' | 'created_at'> & Partial<Pick<JobDocument, 'parked' | 'wait'>>,
): Job['waiting'] {
  if (isFinal(job.state)) return null;
  const by = { until: null, signal: null };
  const isAsleep = job.wait && job.queue === job.wait.for;
  if (job.parked && !isAsleep)
    return { for: 'replica', what: job.parked.what, since: job.parked.at.toISOString(), ...by };
  if (job.wait) return waitToWire(job.wait);
  return job.queue === 'lane' ? { for: 'lane', what: job.lane, since: job.created_at.toISOString(), ...by } : null;
}

const waitToWire = ({ signal, since, until, ...wait }: Wait): Job['waiting'] => ({
  for: wait.for,
  what: wait.what,
  since: since.toISOString(),
  until: isoOf(until),
  signal: signal && { ...signal, given: signal.given.slice(0, 20).map(({ by, at }) => ({ by, at: at.toISOString() })) },
});

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
    environment: job.environment ?? null,
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

export const isVisible = (job: Pick<JobDocument, 'tenant_id' | 'tenants'>, visible: Visible): boolean =>
  visible === 'all' || tenantsOf(job).every((tenantId) => tenantId !== null && visible.has(tenantId));

export const NON_FINAL: readonly JobState[] = ['queued', 'running', 'cancelling'];

export const isFinal = (state: JobState): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled' || state === 'compensated';
