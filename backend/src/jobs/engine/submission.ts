/** From a request to a job: idempotency, plan, and the one transaction that writes job and audit record together. */
import { Problem, type Check, type MutationId, type Plan } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import type { Principal, Provenance } from '../../call/principal.ts';
import { NO_SECRETS, type Secrets } from '../../secrets/secret.ts';
import type { JobDefinition, PlanCaller } from '../define/definition.ts';
import type { JobDocument } from '../record/job-document.ts';
import { FenceLost } from '../record/job-writes.ts';
import type { JobStore } from '../store/jobs.store.ts';
import { sha256 } from '../record/digest.ts';
import { givenSecrets } from '../define/given-secrets.ts';
import { callKey, childKey, type IdempotencyKey } from '../record/idempotency.ts';
import { sideOf } from '../record/plan-diff.ts';
import { versionOf } from '../store/known-job.ts';
import { planIdIn, subjectIn, type Bound, type PlanSeal } from '../plan/plan-seal.ts';
import { assertUnblocked, makePlan, withChecks, type Planned } from '../plan/planning.ts';
import { sealedDefinition } from '../define/sealed-definition.ts';
import type { SealedInputs } from '../store/sealed-inputs.ts';
import { SHAPE } from '../record/stored-job.ts';
import { isIdle, isWait } from '../run/wait-look.ts';

export interface Submission {
  readonly kind: MutationId;
  readonly input: unknown;
  /** What stands as `‹secret›` in the input. */
  readonly secrets?: Secrets;
  readonly reason: string | null;
  /** A principal, or the parent job's actor when a job starts a job. */
  readonly actor: Principal | string;
  /** Who asked for the parent. */
  readonly requester?: Principal | null;
  readonly idempotencyKey: string;
  readonly planHash: string | null;
  readonly provenance: Provenance;
  readonly parentJobId: string | null;
  /** Of the parent's claim: a child is started by nobody else. */
  readonly parentFence?: number;
  readonly retryOf: string | null;
  /** In place of `input`, which then only says what was asked: asked for once it is known that this key made no job yet. */
  readonly remainder?: () => Promise<Retried>;
}

/** What a job that is tried again still has to do, and what is said about the rest. */
export interface Retried {
  readonly input: unknown;
  readonly checks: readonly Check[];
}

export interface SubmissionDeps {
  readonly mongo: Mongo;
  readonly store: JobStore;
  readonly audit: AuditLog;
  readonly ambient: Ambient;
  readonly seal: PlanSeal;
  readonly sealed: SealedInputs;
  definitionOf(kind: string): JobDefinition<unknown>;
}

const nameOf = (actor: Principal | string): string => (typeof actor === 'string' ? actor : actor.id);

/**
 * Accepts a job, or finds the one that this key made before. `claimant` becomes its owner at once if its lane is free;
 * null queues it.
 * @throws Problem `idempotency.key_reused` | `plan.required` | `plan.stale` | `preflight.blocked` | `audit.unavailable` | `secret.needed`;
 * FenceLost when the job that starts it is somebody else's by now
 */
export async function submit(
  deps: SubmissionDeps,
  asked: Submission,
  jobId: string,
  claimant: string | null,
): Promise<{ job: JobDocument; isNew: boolean }> {
  const definition = deps.definitionOf(asked.kind);
  const key = keyOf(asked);
  const requestHash = hashOf(deps, definition, asked, key);
  const earlier = await deps.store.byIdempotency(key);
  if (earlier) return { job: sameRequest(deps, earlier, requestHash), isNew: false };

  let planned: Planned;
  let wanted = asked;
  try {
    const retried = await asked.remainder?.();
    if (retried) wanted = { ...asked, input: retried.input };
    planned = await checkedPlan(deps, definition, wanted, retried?.checks);
  } catch (refusal) {
    // A store that is away is told of once its deadline is over, not after a second one.
    if (refusal instanceof Problem && refusal.status === 503) throw refusal;
    // Accepted meanwhile under the same key, this very change is what stands in its own way: it is the answer.
    const winner = await deps.store.byIdempotency(key);
    if (winner) return { job: sameRequest(deps, winner, requestHash), isNew: false };
    throw refusal;
  }
  for (let owner = claimant; ; owner = null) {
    const order = deps.store.nextOrder();
    const secrets = givenSecrets(definition, wanted.input, wanted.secrets ?? NO_SECRETS, false);
    const job = newJob(deps, definition, wanted, planned, { jobId, order, key: key.key, requestHash, owner, secrets });
    const result = await writeJob(deps, job, secrets, wanted.parentFence);
    if (result === 'inserted') {
      deps.audit.wake();
      return { job, isNew: true };
    }
    if (result !== 'lane-busy') {
      const winner = await deps.store.byIdempotency(key);
      if (winner) return { job: sameRequest(deps, winner, requestHash), isNew: false };
      if (result === 'plan-used') throw new Problem('plan.used');
    }
    // The lane is held: once more, queued behind its holder.
  }
}

async function checkedPlan(
  deps: SubmissionDeps,
  definition: JobDefinition<unknown>,
  wanted: Submission,
  more: readonly Check[] = [],
): Promise<Planned> {
  const now = deps.ambient.now();
  // A child was shown inside its parent's plan; it is planned afresh and quotes nothing.
  const mustQuote = definition.risk === 'high' && wanted.parentJobId === null;
  if (mustQuote && wanted.planHash === null) throw new Problem('plan.required');
  const bound = boundOf(deps, wanted);
  const quoted = wanted.planHash === null ? null : deps.seal.open(wanted.planHash, bound, now);
  const made = await sealedPlan(deps, bound, wanted, typeof wanted.actor === 'string' ? null : wanted.actor);
  const plan = withChecks(made.plan, more);
  assertUnblocked(plan);
  if (wanted.planHash === null || quoted === null) return { ...made, plan };
  if (subjectIn(plan.hash) !== quoted.subject) throw new Problem('plan.stale', undefined, { plan });
  return { ...made, plan: { ...plan, hash: wanted.planHash } };
}

type Wanted = Pick<Submission, 'actor' | 'kind' | 'input' | 'secrets' | 'retryOf'>;

const boundOf = (
  { sealed }: Pick<SubmissionDeps, 'sealed'>,
  { actor, kind, input, secrets, retryOf }: Wanted,
): Bound => ({
  principal: nameOf(actor),
  kind,
  input,
  secrets: sealed.digests(secrets ?? NO_SECRETS, 'plan'),
  retryOf,
});

/** Another secret is another request; its digest is of this key alone, so that equal ones of two jobs do not show. */
function hashOf(
  deps: SubmissionDeps,
  definition: JobDefinition<unknown>,
  asked: Submission,
  { key }: IdempotencyKey,
): string {
  const { kind, input, retryOf } = asked;
  const secrets = deps.sealed.digests(givenSecrets(definition, input, asked.secrets ?? NO_SECRETS), key);
  return sha256({ kind, input, retry_of: retryOf, ...(secrets ? { secrets } : {}) });
}

const keyOf = ({ actor, parentJobId, idempotencyKey }: Submission): IdempotencyKey =>
  parentJobId === null ? callKey(nameOf(actor), idempotencyKey) : childKey(nameOf(actor), parentJobId, idempotencyKey);

type PlanningDeps = Pick<SubmissionDeps, 'seal' | 'sealed' | 'ambient' | 'definitionOf'>;

async function sealedPlan(
  { seal, ambient, definitionOf }: PlanningDeps,
  bound: Bound,
  { secrets = NO_SECRETS }: Pick<Submission, 'secrets'>,
  principal: Principal | null,
  seesAll = false,
): Promise<Planned> {
  // What is kept in a job, or in the record of a refusal, is read by all who may see its tenant.
  const caller: PlanCaller = { principal, jobId: null, seesAll };
  const plain = definitionOf(bound.kind);
  const definition = sealedDefinition(plain, givenSecrets(plain, bound.input, secrets, false), bound.input);
  return makePlan(definition, bound.input, caller, ambient.now(), (plan, expires) => seal.seal(bound, plan, expires));
}

/** The plan as it is shown, for whoever asks to apply. */
export const preflight = async (
  deps: PlanningDeps,
  wanted: Omit<Wanted, 'actor'> & { readonly actor: Principal; readonly seesAll?: boolean },
): Promise<Plan> => (await sealedPlan(deps, boundOf(deps, wanted), wanted, wanted.actor, wanted.seesAll)).plan;

function sameRequest({ sealed }: SubmissionDeps, job: JobDocument, requestHash: string): JobDocument {
  if (job.request_hash === requestHash) return job;
  if (job.secrets && !sealed.isOurs(job.secrets))
    throw new Problem(
      'idempotency.key_reused',
      `This key made ${job._id} under another CONTROL_KEY, so whether its secrets are the same cannot be told`,
      { job_id: job._id },
    );
  throw new Problem('idempotency.key_reused', `This key made ${job._id} (${job.kind}) from another body`, {
    job_id: job._id,
  });
}

/** Aborts the transaction: the audit record must not outlive a refused insert. */
class Refused extends Error {
  readonly result: 'lane-busy' | 'key-used' | 'plan-used';
  constructor(result: Refused['result']) {
    super(result);
    this.result = result;
  }
}

async function writeJob(
  deps: SubmissionDeps,
  job: JobDocument,
  secrets: Secrets,
  parentFence: number | undefined,
): Promise<'inserted' | Refused['result']> {
  try {
    await deps.mongo.transaction(async (session) => {
      const { parent_job_id: parent } = job;
      if (parent !== null && parentFence !== undefined && !(await deps.store.startChild(parent, parentFence, session)))
        throw new FenceLost(parent);
      job.audit_record_id = await deps.audit.append(submittedRecord(job), session);
      const result = await deps.store.insert(job, session);
      if (result !== 'inserted') throw new Refused(result);
      await deps.sealed.write(job._id, secrets, session);
    });
    return 'inserted';
  } catch (error) {
    if (error instanceof Refused) return error.result;
    if (error instanceof Problem && error.code === 'store.unavailable')
      throw new Problem('audit.unavailable', undefined, {}, error);
    throw error;
  }
}

interface NewJob {
  readonly jobId: string;
  readonly order: number;
  readonly key: string;
  readonly requestHash: string;
  readonly owner: string | null;
  readonly secrets: Secrets;
}

function newJob(
  { ambient, sealed }: SubmissionDeps,
  definition: JobDefinition<unknown>,
  wanted: Submission,
  { plan, decision }: Planned,
  { jobId, order, key, requestHash, owner, secrets }: NewJob,
): JobDocument {
  const now = ambient.now();
  const [first] = definition.steps;
  // A wait before the first effect holds no lane.
  const isHeld = owner !== null && !(first && isIdle(first));
  // The insert itself records the first step as started, unless that step waits or has an intent to read first.
  const isBegun = isHeld && first !== undefined && !isWait(first) && !first.intent;
  const started = isHeld ? now : null;
  const planId = planIdIn(plan.hash);
  const named = sealed.named(secrets);
  return {
    _id: jobId,
    order,
    shape: SHAPE,
    version: versionOf(definition),
    parked: null,
    kind: wanted.kind,
    risk: definition.risk,
    permission: definition.permission,
    state: isHeld ? 'running' : 'queued',
    lane: definition.lane(wanted.input),
    active: isHeld,
    queue: owner === null ? 'ready' : 'running',
    wait: null,
    woken: null,
    plan_again: !isHeld,
    owner,
    fence: owner === null ? 0 : 1,
    direction: 'forward',
    idempotency: key,
    request_hash: requestHash,
    input: wanted.input,
    ...(named ? { secrets: named } : {}),
    plan,
    decision,
    ...(planId === null ? {} : { plan_id: planId }),
    steps: plan.steps.map((step, index) => ({
      name: step.name,
      title: step.title,
      state: isBegun && index === 0 ? ('running' as const) : ('pending' as const),
      attempts: isBegun && index === 0 ? 1 : 0,
      started_at: index === 0 ? started : null,
      ended_at: null,
      intent: null,
      outcome: null,
      problem: null,
    })),
    actor: nameOf(wanted.actor),
    requester: typeof wanted.actor === 'string' ? (wanted.requester ?? null) : wanted.actor,
    reason: wanted.reason,
    environment: definition.environment?.(wanted.input) ?? null,
    tenant_id: definition.tenantId(wanted.input),
    ...(definition.tenants ? { tenants: [...definition.tenants(wanted.input)] } : {}),
    resource: definition.resource(wanted.input),
    cancel: null,
    problem: null,
    proof: null,
    undo: null,
    parent_job_id: wanted.parentJobId,
    retry_of: wanted.retryOf,
    provenance: wanted.provenance,
    audit_record_id: '',
    created_at: now,
    started_at: started,
    ended_at: null,
  };
}

const submittedRecord = (job: JobDocument): Parameters<AuditLog['append']>[0] => ({
  code: 'job.submitted',
  action: job.kind,
  actor: job.actor,
  resource: job.resource,
  environment: job.environment,
  tenantId: job.tenant_id,
  outcome: 'requested',
  reason: job.reason,
  before: sideOf(job.plan, 'before'),
  after: sideOf(job.plan, 'after'),
  jobId: job._id,
  provenance: job.provenance,
});
