/**
 * Runs one claimed job: forward through its steps to the proof, or backward through its compensations.
 *
 * The runner may die between any two lines. What is durable is: the intent of a step before its effect, its outcome
 * together with the next step's intent (one write), and the end in one transaction with the audit record. A claimant
 * that finds a step `running` asks the step to run again; steps ask the world first.
 */
import { type JobState, Problem, type Proof } from '@cloudlysis/contract';
import type { ClientSession } from 'mongodb';
import type { EffectStep } from '../define/definition.ts';
import { endAuditRecord } from '../record/end-audit-record.ts';
import type { JobDocument } from '../record/job-document.ts';
import type { JobPatch } from '../record/job-writes.ts';
import { boundedProof } from '../record/large-values.ts';
import { told } from '../plan/planning.ts';
import { DEFAULT_TIMEOUT_MS, type RunnerDeps } from './run-record.ts';
import { backoffMs, isWorthRepeating, problemOf, toDocument, withDeadline } from './step-attempt.ts';
import { isIdle, isWait } from './wait-look.ts';
import { WaitingRun } from './waiting-run.ts';

const DEFAULT_ATTEMPTS = 3;
/** Undoing is tried for longer than doing: giving up leaves work for a person. */
const COMPENSATION_ATTEMPTS = 8;
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

class Run extends WaitingRun {
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
    // What its end changes is an effect, also where every step of it only waited.
    if (!this.job.active) return this.queueForLane();
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

  /** State, resource and audit record change together or not at all, and once: an answer that was lost is asked for again. */
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
        if (!(await store.end(this.job._id, this.job.fence, { ...this.pending, ...end }, session))) return;
        if (state === 'succeeded') await this.definition.commit?.(this.contextAt(-1, this.signal), session);
        await this.deps.sealed.drop(this.job, session);
        await audit.append(endAuditRecord({ ...this.job, ...end } as JobDocument), session);
        if (parent !== null) await store.wake(parent, session);
      }),
    );
    this.pending = {};
    Object.assign(this.job, end);
    audit.wake();
    this.deps.changed(this.job._id);
    await this.point('end', this.job.direction, 'after');
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
}
