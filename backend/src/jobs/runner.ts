/**
 * Runs one claimed job: forward through its steps to the proof, or backward through its compensations.
 *
 * The runner may die between any two lines. What is durable is: the intent of a step before its effect, its outcome
 * together with the next step's intent (one write), and the end in one transaction with the audit record. A claimant
 * that finds a step `running` asks the step to run again; steps ask the world first.
 */
import type { ClientSession } from 'mongodb';
import { Problem, type JobState, type Proof } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Ambient } from '../ambient.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import type { ChildJob, ChildResult, Intending, JobDefinition, Returning, Step, StepContext } from './definition.ts';
import { endRecord } from './end-record.ts';
import type { JobDocument, StepDocument } from './job-document.ts';
import { definitionFor } from './known-job.ts';
import { boundedProof } from './large-values.ts';
import { FenceLost, type JobPatch, type JobStore } from './jobs.store.ts';
import { assertAlive } from './plan-expiry.ts';
import { noSecret, sealedDefinition } from './sealed-definition.ts';
import type { SealedInputs } from './sealed-inputs.ts';
import { subjectIn, subjectOf } from './plan-seal.ts';
import { assertUnblocked, makePlan, told } from './planning.ts';
import { backoffMs, isWorthRepeating, problemOf, toDocument, withDeadline } from './step-attempt.ts';

/** A place between two lines where a crash matters; tests stop the process there. */
export interface CrashPoint {
  readonly kind: string;
  /** Step name, or `end`. */
  readonly step: string;
  readonly direction: 'forward' | 'backward';
  /** Relative to the effect. */
  readonly at: 'before' | 'after';
}

export interface RunnerDeps {
  readonly mongo: Mongo;
  readonly store: JobStore;
  readonly sealed: SealedInputs;
  readonly audit: AuditLog;
  readonly ambient: Ambient;
  readonly logger: Logger;
  definitionOf(kind: string): JobDefinition<unknown>;
  /** Called after every durable change. */
  changed(jobId: string): void;
  runChildren(
    parent: JobDocument,
    jobs: readonly ChildJob[],
    concurrency: number,
    signal: AbortSignal,
  ): Promise<ChildResult[]>;
  /** Cancels the children that are still under way and waits for their end. */
  cancelChildren(parent: JobDocument, signal: AbortSignal): Promise<void>;
  crashPoint(point: CrashPoint): void | Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_ATTEMPTS = 3;
/** Undoing is tried for longer than doing: giving up leaves work for a person. */
const COMPENSATION_ATTEMPTS = 8;
const STORE_RETRY_MS = 200;

/** @throws FenceLost when another claimant or a cancel took the job away; the signal's reason when it was aborted. */
export async function runJob(
  deps: RunnerDeps,
  claimed: JobDocument,
  waited: boolean,
  signal: AbortSignal,
): Promise<JobState> {
  const run = new Run(deps, await deps.store.whole(structuredClone(claimed)), signal);
  await run.unseal();
  // Who was to plan it again may have died before that was written down, with the first step.
  const waitedOrTaken = waited || claimed.fence > 1;
  if (waitedOrTaken && run.job.direction === 'forward' && !run.hasBegun()) await run.planAgain();
  if (run.job.direction === 'forward') await run.forward();
  if (run.job.direction === 'backward') await run.backward();
  return run.job.state;
}

class Run {
  readonly job: JobDocument;
  private readonly deps: RunnerDeps;
  private definition: JobDefinition<unknown>;
  private readonly signal: AbortSignal;
  /** Changes that go out with the next write. */
  private pending: JobPatch = {};

  constructor(deps: RunnerDeps, job: JobDocument, signal: AbortSignal) {
    this.deps = deps;
    this.job = job;
    this.signal = signal;
    // Its own steps, whatever the definition has now: an index means the same step in both.
    this.definition = definitionFor(job, deps.definitionOf(job.kind));
  }

  /** Opens its secrets under this claim, if it has any; nothing its definition says or throws brings one out from here on. */
  async unseal(): Promise<void> {
    const { job } = this;
    if (!job.secrets) return;
    const secrets = await this.whenStored(() => this.deps.sealed.open(job));
    this.definition = sealedDefinition(this.definition, secrets, job.input, job.plan);
    if (secrets instanceof Problem && job.direction === 'forward') this.turnBackward(secrets, 'secrets');
  }

  hasBegun(): boolean {
    return this.job.steps.some(({ state }) => state !== 'pending');
  }

  /**
   * A job that waited for its lane may have been overtaken by what ran before it. At high risk it does what was approved
   * or nothing; at low risk what the plan decides now is what it does, and both are kept before its first step begins.
   */
  async planAgain(): Promise<void> {
    const { ambient } = this.deps;
    try {
      const { _id: jobId, kind, input, plan: shown, risk } = this.job;
      if (risk === 'high') assertAlive(new Date(shown.expires_at), ambient.now());
      const caller = { principal: null, jobId };
      const { plan, decision } = await makePlan(this.definition, input, caller, ambient.now(), (now) =>
        subjectOf(kind, input, now),
      );
      assertUnblocked(plan);
      if (risk === 'high' && plan.hash !== subjectIn(shown.hash))
        throw new Problem('plan.stale', 'What ran before this job changed its plan');
      if (plan.hash !== subjectIn(shown.hash)) this.set({ plan, decision });
    } catch (error) {
      this.turnBackward(problemOf(error, 'plan'), 'plan');
    }
  }

  async forward(): Promise<void> {
    for (const index of this.job.steps.keys()) {
      if (this.job.steps[index]!.state === 'succeeded') continue;
      const failure = await this.runStep(index);
      if (failure) return this.turnBackward(failure, this.job.steps[index]!.name);
    }
    try {
      const proof = boundedProof(await this.verify());
      await this.finish('succeeded', { proof, undo: this.undo() });
    } catch (error) {
      this.rethrowIfOver(error);
      // Verification failed, or the resource's own state refused to change with the job's end.
      this.turnBackward(problemOf(error, 'verify'), 'verify');
    }
  }

  async backward(): Promise<void> {
    await this.deps.cancelChildren(this.job, this.signal);
    for (const index of [...this.job.steps.keys()].reverse()) {
      const failure = await this.compensateStep(index);
      if (failure) {
        const detail = `${failure.message}. The steps before it were left as they are.`;
        const problem = new Problem('compensation.failed', `${this.job.steps[index]!.name}: ${detail}`, {
          after: this.job.problem,
        });
        return this.finish('failed', { problem: toDocument(problem, this.job.steps[index]!.name) });
      }
    }
    const undone = this.job.steps.some((step) => step.state === 'compensated');
    await this.finish(undone ? 'compensated' : this.job.cancel ? 'cancelled' : 'failed', {
      undo: await this.undoLeft(),
    });
  }

  private async runStep(index: number): Promise<Problem | null> {
    const step = this.definition.steps[index]!;
    const attempts = step.attempts ?? DEFAULT_ATTEMPTS;
    const timeout = this.timeoutOf(step);
    for (let tried = 1; ; tried += 1) {
      try {
        // Claiming at submission recorded the first step as running; every other start is recorded here, with its intent.
        const isRecorded =
          this.job.fence === 1 && index === 0 && tried === 1 && !step.intent && this.stepAt(index).state === 'running';
        if (!isRecorded) await this.begin(index, timeout);
        await this.point(step.name, 'forward', 'before');
        const outcome = await withDeadline(this.deps.ambient, timeout, this.signal, (signal) =>
          step.run(this.contextAt(index, signal)),
        );
        await this.point(step.name, 'forward', 'after');
        this.setStep(index, {
          state: 'succeeded',
          outcome: outcome ?? null,
          ended_at: this.deps.ambient.now(),
          problem: null,
        });
        return null;
      } catch (error) {
        this.rethrowIfOver(error);
        const problem = problemOf(error, step.name);
        this.deps.logger.warn({ err: error, step: step.name, tried }, 'step failed');
        const last = tried >= attempts || !isWorthRepeating(problem);
        this.setStep(index, {
          state: last ? 'failed' : 'running',
          problem: toDocument(problem, step.name),
          ended_at: this.deps.ambient.now(),
        });
        if (last) return problem;
        await this.flush();
        await this.deps.ambient.sleep(backoffMs(tried), this.signal);
      }
    }
  }

  /** Records that a step starts, with its intent: asked once, then kept, because after the effect the world answers otherwise. */
  private async begin(index: number, timeout: number): Promise<void> {
    const step = this.definition.steps[index]!;
    const now = this.stepAt(index);
    let intent = now.intent;
    if (step.intent && intent === null) {
      intent = await withDeadline(this.deps.ambient, timeout, this.signal, (signal) =>
        step.intent!(this.contextAt(index, signal)),
      );
    }
    this.setStep(index, {
      state: 'running',
      attempts: now.attempts + 1,
      intent: intent ?? null,
      started_at: now.started_at ?? this.deps.ambient.now(),
    });
    await this.flush();
  }

  private async compensateStep(index: number): Promise<Problem | null> {
    const step = this.definition.steps[index]!;
    const { state } = this.stepAt(index);
    if (state === 'pending' || state === 'compensated') return null;
    if (!step.compensate) {
      // Stopped half-way, and whoever ran it is gone: it would stay `running` for ever.
      if (state === 'running') this.setStep(index, { state: 'interrupted', ended_at: this.deps.ambient.now() });
      return null;
    }
    const timeout = this.timeoutOf(step);
    this.setStep(index, { state: 'compensating' });
    await this.flush();
    for (let tried = 1; ; tried += 1) {
      try {
        await this.point(step.name, 'backward', 'before');
        await withDeadline(this.deps.ambient, timeout, this.signal, (signal) =>
          step.compensate!(this.contextAt(index, signal)),
        );
        await this.point(step.name, 'backward', 'after');
        this.setStep(index, { state: 'compensated', ended_at: this.deps.ambient.now() });
        return null;
      } catch (error) {
        this.rethrowIfOver(error);
        this.deps.logger.error({ err: error, step: step.name, tried }, 'compensation failed');
        if (tried >= COMPENSATION_ATTEMPTS) {
          const problem = problemOf(error, step.name);
          this.setStep(index, { state: 'failed', problem: toDocument(problem, step.name) });
          return problem;
        }
        await this.deps.ambient.sleep(backoffMs(tried), this.signal);
      }
    }
  }

  private async verify(): Promise<Proof> {
    for (let tried = 1; ; tried += 1) {
      try {
        const found = await withDeadline(this.deps.ambient, DEFAULT_TIMEOUT_MS, this.signal, (signal) =>
          this.definition.verify(this.contextAt(-1, signal)),
        );
        const proof = { ...found, checks: found.checks.map((check) => told(this.definition, this.job.input, check)) };
        const broken = proof.checks.filter((check) => check.status === 'block');
        if (broken.length === 0) return proof;
        throw new Problem('verify.failed', broken.map((check) => check.detail).join('; '), { checks: broken });
      } catch (error) {
        this.rethrowIfOver(error);
        if (tried >= DEFAULT_ATTEMPTS || !isWorthRepeating(problemOf(error, 'verify'))) throw error;
        await this.deps.ambient.sleep(backoffMs(tried), this.signal);
      }
    }
  }

  /** State, resource and audit record change together or not at all. */
  private async finish(
    state: JobState & ('succeeded' | 'failed' | 'cancelled' | 'compensated'),
    patch: JobPatch,
  ): Promise<void> {
    const { mongo, store, audit, ambient } = this.deps;
    const end = { ...patch, state, active: false, ended_at: ambient.now(), owner: null };
    await this.point('end', this.job.direction, 'before');
    await this.whenStored(() =>
      mongo.transaction(async (session: ClientSession) => {
        await store.write(this.job._id, this.job.fence, { ...this.pending, ...end }, session);
        if (state === 'succeeded') await this.definition.commit?.(this.contextAt(-1, this.signal), session);
        await this.deps.sealed.drop(this.job, session);
        await audit.append(endRecord({ ...this.job, ...end } as JobDocument), session);
      }),
    );
    this.pending = {};
    Object.assign(this.job, end);
    audit.wake();
    this.deps.changed(this.job._id);
    await this.point('end', this.job.direction, 'after');
  }

  private turnBackward(problem: Problem, step: string): void {
    this.set({ direction: 'backward', problem: toDocument(problem, step) });
  }

  private undo(): JobDocument['undo'] {
    return this.definition.undo?.(this.job.input, this.contextAt(-1, this.signal)) ?? null;
  }

  /** What a job that did not succeed left done, as the call that reverses it. */
  private async undoLeft(): Promise<JobDocument['undo']> {
    const { undoPart } = this.definition;
    if (!undoPart) return null;
    const done = await this.whenStored(() => this.deps.store.childrenOf(this.job._id));
    const succeeded = done.filter(({ state }) => state === 'succeeded').map(({ input }) => input);
    return succeeded.length > 0 ? undoPart(succeeded, this.job._id) : null;
  }

  private contextAt(index: number, signal: AbortSignal): StepContext<unknown> {
    const { job } = this;
    const byName = (name: string): StepDocument | undefined => job.steps.find((step) => step.name === name);
    return {
      jobId: job._id,
      input: job.input,
      actor: job.actor,
      reason: job.reason,
      get decision() {
        if (job.decision !== undefined) return job.decision;
        throw new Problem('plan.stale', `${job._id} was planned by an earlier version, which did not keep what it decided: submit it again`); // prettier-ignore
      },
      fence: job.fence,
      attempt: job.steps[index]?.attempts ?? 1,
      intent: job.steps[index]?.intent ?? null,
      signal,
      secret: noSecret,
      outcomeOf: <O>({ name }: Returning<O>) => (byName(name)?.outcome ?? undefined) as O | undefined,
      intentOf: <N>({ name }: Intending<N>) => (byName(name)?.intent ?? undefined) as N | undefined,
      children: async (jobs, concurrency) => {
        if (!this.definition.startsJobs) throw new Error(`${job.kind} does not say that it starts jobs`);
        return this.deps.runChildren(job, jobs, concurrency, signal);
      },
    };
  }

  private timeoutOf({ timeoutMs = DEFAULT_TIMEOUT_MS }: Step<unknown>): number {
    return typeof timeoutMs === 'function' ? timeoutMs(this.job.input) : timeoutMs;
  }

  private stepAt(index: number): StepDocument {
    return this.job.steps[index]!;
  }

  private setStep(index: number, change: Partial<StepDocument>): void {
    const next = { ...this.job.steps[index]!, ...change };
    this.job.steps[index] = next;
    this.pending[`steps.${index}`] = next;
  }

  private set(patch: JobPatch): void {
    Object.assign(this.job, patch);
    Object.assign(this.pending, patch);
  }

  private async flush(): Promise<void> {
    const patch = this.pending;
    this.pending = {};
    await this.whenStored(() => this.deps.store.write(this.job._id, this.job.fence, patch));
    this.deps.changed(this.job._id);
  }

  /** The database may be away for a while; what was done is kept here until it is recorded or the lease is lost. */
  private async whenStored<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      this.signal.throwIfAborted();
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 503) throw error;
        await this.deps.ambient.sleep(STORE_RETRY_MS, this.signal);
      }
    }
  }

  private async point(step: string, direction: CrashPoint['direction'], at: CrashPoint['at']): Promise<void> {
    await this.deps.crashPoint({ kind: this.job.kind, step, direction, at });
  }

  /** An aborted run and a lost fence are not failures of the step: whoever holds the job now goes on. */
  private rethrowIfOver(error: unknown): void {
    if (this.signal.aborted || error instanceof FenceLost) throw error;
  }
}
