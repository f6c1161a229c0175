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
import type {
  EffectStep,
  Intending,
  JobContext,
  JobDefinition,
  SignalStep,
  Step,
  StepContext,
  WaitStep,
} from './definition.ts';
import type { Children } from './children.ts';
import { endRecord } from './end-record.ts';
import type { JobDocument, StepDocument, Wait } from './job-document.ts';
import { definitionFor } from './known-job.ts';
import { boundedProof } from './large-values.ts';
import { FenceLost, type JobPatch, type JobStore } from './jobs.store.ts';
import { assertAlive } from './plan-expiry.ts';
import { noSecret, sealedDefinition, secretIn } from './sealed-definition.ts';
import type { SealedInputs } from './sealed-inputs.ts';
import { assertStillMay, type May } from './rights.ts';
import type { SignalStore } from './signal-store.ts';
import { subjectIn, subjectOf } from './plan-seal.ts';
import { assertUnblocked, makePlan, told } from './planning.ts';
import { backoffMs, isWorthRepeating, problemOf, toDocument, withDeadline } from './step-attempt.ts';
import { isIdle, isWait, look, mayAnswer, type Look } from './wait-look.ts';

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
  readonly children: Children;
  readonly signals: SignalStore;
  readonly may: May;
  crashPoint(point: CrashPoint): void | Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_ATTEMPTS = 3;
/** Undoing is tried for longer than doing: giving up leaves work for a person. */
const COMPENSATION_ATTEMPTS = 8;
const STORE_RETRY_MS = 200;

/** Undoing is waited for like the rest, and looking at what a job waits for is tried for as long. */
const LOOK_ATTEMPTS = COMPENSATION_ATTEMPTS;

/**
 * The state it ended in, or `waits`: it is a record now, and who ends what it waits for makes it claimable.
 * @throws FenceLost when another claimant or a cancel took the job away; the signal's reason when it was aborted.
 */
export async function runJob(deps: RunnerDeps, claimed: JobDocument, signal: AbortSignal): Promise<JobState | 'waits'> {
  const run = new Run(deps, await deps.store.whole(structuredClone(claimed)), signal);
  await run.unseal();
  if (run.job.plan_again && run.job.active && run.job.direction === 'forward') await run.planAgain();
  if (run.job.direction === 'forward' && (await run.forward()) === 'waits') return 'waits';
  if (run.job.direction === 'backward' && (await run.backward()) === 'waits') return 'waits';
  return run.job.state;
}

class Run {
  readonly job: JobDocument;
  private readonly deps: RunnerDeps;
  private secret: JobContext<unknown>['secret'] = noSecret;
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
    this.secret = secretIn(secrets);
    this.definition = sealedDefinition(this.definition, secrets, job.input, job.plan);
    if (secrets instanceof Problem && job.direction === 'forward') this.turnBackward(secrets, 'secrets');
  }

  /** A job that waited before its first effect may have been overtaken by what happened meanwhile. */
  async planAgain(): Promise<void> {
    const { ambient, may } = this.deps;
    try {
      const { _id: jobId, kind, input, plan: shown, risk, steps } = this.job;
      const waits = this.definition.steps.filter((step, index) => isIdle(step) && steps[index]!.state === 'succeeded');
      // One that its own steps made wait is held to its plan however long that took: this is what was approved.
      const mustMatch = risk === 'high' || waits.length > 0;
      if (risk === 'high' && waits.length === 0) assertAlive(new Date(shown.expires_at), ambient.now());
      assertStillMay(may, this.job);
      for (const step of waits) if ('signal' in step) await this.assertStillGiven(step);
      const caller = { principal: null, jobId };
      const { plan, decision } = await makePlan(this.definition, input, caller, ambient.now(), (now) =>
        subjectOf(kind, input, now),
      );
      assertUnblocked(plan);
      if (mustMatch && plan.hash !== subjectIn(shown.hash))
        throw new Problem('plan.stale', 'What happened while this job waited changed its plan');
      // At low risk what the plan decides now is what it does; both are kept before its first step begins.
      if (plan.hash !== subjectIn(shown.hash)) this.set({ plan, decision });
      this.set({ plan_again: false });
    } catch (error) {
      this.rethrowIfOver(error);
      this.turnBackward(problemOf(error, 'plan'), 'plan');
    }
  }

  /** Between the last word that was needed and the lane's turn hours may lie. */
  private async assertStillGiven(step: SignalStep<unknown>): Promise<void> {
    const { name, needed = 1 } = step.signal;
    const sent = await this.deps.signals.of(this.job._id, name);
    const stand = sent.filter(({ from, verdict }) => verdict === 'proceed' && mayAnswer(this.deps.may, this.job, step, from) === null);
    const people = new Set(stand.map(({ from }) => from.id)).size;
    if (people < needed) throw new Problem('permission.missing', `${people} of ${needed} who said proceed to ${name} still may`);
  } // prettier-ignore

  async forward(): Promise<'waits' | 'done'> {
    for (const index of this.job.steps.keys()) {
      if (this.job.steps[index]!.state === 'succeeded') continue;
      const step = this.definition.steps[index]!;
      if (!isIdle(step) && !this.job.active) return this.queueForLane();
      const failure = isWait(step) ? await this.waitAt(index, step) : await this.runStep(index, step);
      if (failure === 'waits') return 'waits';
      if (failure) {
        this.turnBackward(failure, step.name);
        return 'done';
      }
    }
    try {
      const proof = boundedProof(await this.verify());
      await this.finish('succeeded', { proof, undo: this.undo() });
    } catch (error) {
      this.rethrowIfOver(error);
      // Verification failed, or the resource's own state refused to change with the job's end.
      this.turnBackward(problemOf(error, 'verify'), 'verify');
    }
    return 'done';
  }

  async backward(): Promise<'waits' | 'done'> {
    const { children, ambient } = this.deps;
    for (let since = ambient.now(); ;) {
      const open = await this.whenStored(() => children.cancelOpen(this.job));
      if (open === 0) break;
      const what = `the end of ${open} jobs that it started`;
      if (await this.suspend({ for: 'children', what, since, until: null, signal: null })) return 'waits';
    }
    for (const index of [...this.job.steps.keys()].reverse()) {
      const failure = await this.compensateStep(index);
      if (failure) {
        const detail = `${failure.message}. The steps before it were left as they are.`;
        const problem = new Problem('compensation.failed', `${this.job.steps[index]!.name}: ${detail}`, {
          after: this.job.problem,
        });
        await this.finish('failed', { problem: toDocument(problem, this.job.steps[index]!.name) });
        return 'done';
      }
    }
    const undone = this.job.steps.some((step) => step.state === 'compensated');
    await this.finish(undone ? 'compensated' : this.job.cancel ? 'cancelled' : 'failed', {
      undo: await this.undoLeft(),
    });
    return 'done';
  }

  /** What it waited for before its first effect is there: it is claimed once more, with its lane. */
  private async queueForLane(): Promise<'waits'> {
    this.set({ queue: 'ready', owner: null });
    await this.flush();
    return 'waits';
  }

  /** Looks at what the step waits for until it is there, or the job can be left alone. */
  private async waitAt(index: number, step: WaitStep<unknown>): Promise<Problem | 'waits' | null> {
    const timeout = this.timeoutOf(step);
    if (step.intent && this.stepAt(index).intent === null) await this.begin(index, timeout);
    if (this.stepAt(index).state === 'pending') {
      await this.point(step.name, 'forward', 'before');
      this.setStep(index, { state: 'waiting', attempts: 1, started_at: this.deps.ambient.now() });
    }
    for (let tried = 1; ;) {
      try {
        const { ended, kept, wait } = await this.lookAt(index, step, timeout);
        this.setStep(index, { state: 'waiting', wait: kept });
        if (ended) {
          const outcome = await withDeadline(this.deps.ambient, timeout, this.signal, ended);
          await this.point(step.name, 'forward', 'after');
          this.setStep(index, { state: 'succeeded', outcome: outcome ?? null, ended_at: this.deps.ambient.now(), problem: null }); // prettier-ignore
          return null;
        }
        if (wait === null) await this.flush();
        else if (await this.suspend(wait)) return 'waits';
        tried = 1;
      } catch (error) {
        this.rethrowIfOver(error);
        const problem = problemOf(error, step.name);
        this.deps.logger.warn({ err: error, step: step.name, tried }, 'what a job waits for could not be seen');
        const last = tried >= (step.attempts ?? LOOK_ATTEMPTS) || !isWorthRepeating(problem);
        if (last) {
          this.setStep(index, { state: 'failed', problem: toDocument(problem, step.name), ended_at: this.deps.ambient.now() }); // prettier-ignore
          return problem;
        }
        await this.deps.ambient.sleep(backoffMs(tried++), this.signal);
      }
    }
  }

  private lookAt(index: number, step: WaitStep<unknown>, timeout: number): Promise<Look> {
    const { children, ...deps } = this.deps;
    const kept = this.stepAt(index).wait ?? null;
    return withDeadline(this.deps.ambient, timeout, this.signal, (signal) =>
      look({ ...deps, startChild: children.start }, this.job, step, kept, this.contextAt(index, signal)),
    );
  }

  /** False where something woke it since the last look: there is more to see. */
  private async suspend(wait: Wait): Promise<boolean> {
    const patch = { ...this.pending, queue: wait.for, wait };
    const now = await this.whenStored(() => this.deps.store.suspend(this.job, patch, wait.until));
    if (now !== 'waits') {
      this.job.woken = now.woken;
      return false;
    }
    this.pending = {};
    Object.assign(this.job, { queue: wait.for, wait, owner: null });
    this.deps.changed(this.job._id);
    return true;
  }

  private async runStep(index: number, step: EffectStep<unknown>): Promise<Problem | null> {
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
      state: isWait(step) ? 'waiting' : 'running',
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
    if (isWait(step) || !step.compensate) {
      // Stopped half-way, and whoever ran it is gone: it would stay `running` for ever.
      if (state === 'running' || state === 'waiting')
        this.setStep(index, { state: 'interrupted', ended_at: this.deps.ambient.now() });
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
    const end = { ...patch, state, active: false, queue: null, wait: null, ended_at: ambient.now(), owner: null };
    const { parent_job_id: parent } = this.job;
    await this.point('end', this.job.direction, 'before');
    await this.whenStored(() =>
      mongo.transaction(async (session: ClientSession) => {
        await store.write(this.job._id, this.job.fence, { ...this.pending, ...end }, session);
        if (state === 'succeeded') await this.definition.commit?.(this.contextAt(-1, this.signal), session);
        await this.deps.sealed.drop(this.job, session);
        await audit.append(endRecord({ ...this.job, ...end } as JobDocument), session);
        if (parent !== null) await store.wake(parent, session);
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
      secret: this.secret,
      outcomeOf: <O>({ name }: { readonly name: string }) => (byName(name)?.outcome ?? undefined) as O | undefined,
      intentOf: <N>({ name }: Intending<N>) => (byName(name)?.intent ?? undefined) as N | undefined,
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
