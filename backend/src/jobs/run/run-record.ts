/**
 * What of a run is durable, and how: the job with what goes out with its next write, under the fence of this claim. A write
 * waits for a store that is away, for as long as the lease is held.
 */
import { Problem } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import { isWait, type Children } from './wait-look.ts';
import type { Intending, JobContext, JobDefinition, Step, StepContext } from '../define/definition.ts';
import type { JobDocument, StepDocument, Wait } from '../record/job-document.ts';
import { FenceLost, type JobPatch } from '../record/job-writes.ts';
import type { JobStore } from '../store/jobs.store.ts';
import { definitionFor } from '../store/known-job.ts';
import type { May } from '../record/rights.ts';
import { noSecret, sealedDefinition, secretIn } from '../define/sealed-definition.ts';
import type { SealedInputs } from '../store/sealed-inputs.ts';
import type { SignalStore } from '../store/signal-store.ts';
import { toDocument, withDeadline } from './step-attempt.ts';

export const DEFAULT_TIMEOUT_MS = 30_000;
const STORE_RETRY_MS = 200;
const AWAY: readonly string[] = ['store.unavailable', 'audit.unavailable'];

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

export abstract class RunRecord {
  readonly job: JobDocument;
  protected readonly deps: RunnerDeps;
  protected secret: JobContext<unknown>['secret'] = noSecret;
  protected definition: JobDefinition<unknown>;
  protected readonly signal: AbortSignal;
  /** Changes that go out with the next write. */
  protected pending: JobPatch = {};

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

  /** False where something woke it since the last look: there is more to see. */
  protected async suspend(wait: Wait): Promise<boolean> {
    const patch = { ...this.pending, queue: wait.for, wait };
    const now = await this.whenStored(() => this.deps.store.suspend(this.job, patch, wait.until));
    if (now !== 'written') {
      this.job.woken = now.woken;
      return false;
    }
    this.pending = {};
    Object.assign(this.job, { queue: wait.for, wait, owner: null });
    this.deps.changed(this.job._id);
    return true;
  }

  protected contextAt(index: number, signal: AbortSignal): StepContext<unknown> {
    const { job } = this;
    const byName = (name: string): StepDocument | undefined => job.steps.find((step) => step.name === name);
    return {
      jobId: job._id,
      input: job.input,
      actor: job.actor,
      reason: job.reason,
      get decision() {
        if (job.decision !== undefined) return job.decision;
        throw new Problem(
          'plan.stale',
          `${job._id} was planned by an earlier version, which did not keep what it decided: submit it again`,
        );
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

  protected timeoutOf({ timeoutMs = DEFAULT_TIMEOUT_MS }: Step<unknown>): number {
    return typeof timeoutMs === 'function' ? timeoutMs(this.job.input) : timeoutMs;
  }

  protected stepAt(index: number): StepDocument {
    return this.job.steps[index]!;
  }

  protected setStep(index: number, change: Partial<StepDocument>): void {
    const next = { ...this.job.steps[index]!, ...change };
    this.job.steps[index] = next;
    this.pending[`steps.${index}`] = next;
  }

  protected set(patch: JobPatch): void {
    Object.assign(this.job, patch);
    Object.assign(this.pending, patch);
  }

  protected async flush(): Promise<void> {
    const patch = this.pending;
    this.pending = {};
    await this.whenStored(() => this.deps.store.write(this.job._id, this.job.fence, patch));
    this.deps.changed(this.job._id);
  }

  /** The database may be away for a while; what was done is kept here until it is recorded or the lease is lost. */
  protected async whenStored<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      this.signal.throwIfAborted();
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof Problem) || !AWAY.includes(error.code)) throw error;
        await this.deps.ambient.sleep(STORE_RETRY_MS, this.signal);
      }
    }
  }

  protected async point(step: string, direction: CrashPoint['direction'], at: CrashPoint['at']): Promise<void> {
    await this.deps.crashPoint({ kind: this.job.kind, step, direction, at });
  }

  /** An aborted run and a lost fence are not failures of the step: whoever holds the job now goes on. */
  protected rethrowIfOver(error: unknown): void {
    if (this.signal.aborted || error instanceof FenceLost) throw error;
  }

  /** Records that a step starts, with its intent: asked once, then kept, because after the effect the world answers otherwise. */
  protected async begin(index: number, timeout: number): Promise<void> {
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

  protected turnBackward(problem: Problem, step: string): void {
    this.set({ direction: 'backward', problem: toDocument(problem, step) });
  }
}
