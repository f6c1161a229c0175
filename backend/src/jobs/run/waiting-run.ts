/** How a run waits: it looks, goes on or leaves the job as a record; and what is asked again before a job's first effect. */
import { Problem } from '@cloudlysis/contract';
import type { SignalStep, WaitStep } from '../define/definition.ts';
import type { StepDocument } from '../record/job-document.ts';
import { assertAlive } from '../plan/plan-expiry.ts';
import { subjectIn, subjectOf } from '../plan/plan-seal.ts';
import { assertUnblocked, makePlan } from '../plan/planning.ts';
import { assertStillMay } from '../record/rights.ts';
import { RunRecord } from './run-record.ts';
import { backoffMs, isWorthRepeating, problemOf, toDocument, withDeadline } from './step-attempt.ts';
import { givenTo, isIdle, look, type Look } from './wait-look.ts';

/** Looking at what a job waits for is tried for as long as undoing. */
const LOOK_ATTEMPTS = 8;

/** What a look itself says of what it saw, such as that children failed: looked at eight times it was told 13 s later. */
const isVerdict = (error: unknown): boolean => error instanceof Problem && error.code === 'step.failed';

export abstract class WaitingRun extends RunRecord {
  /** A job that waited before its first effect may have been overtaken by what happened meanwhile. */
  async planAgain(): Promise<void> {
    try {
      await this.whenStored(() => this.assertStands());
    } catch (error) {
      this.rethrowIfOver(error);
      this.turnBackward(problemOf(error, 'plan'), 'plan');
    }
  }

  private async assertStands(): Promise<void> {
    const { ambient, may } = this.deps;
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
  }

  /** Between the last word that was needed and the lane's turn hours may lie. */
  private async assertStillGiven(step: SignalStep<unknown>): Promise<void> {
    const { name, needed = 1 } = step.signal;
    const until = this.job.steps.find((one) => one.name === step.name)?.wait?.until ?? null;
    const people = (await givenTo(this.deps, this.job, step, until)).length;
    if (people < needed) throw new Problem('permission.missing', `${people} of ${needed} who said proceed to ${name} still may`);
  } // prettier-ignore

  /** What it waited for before its first effect is there: it is claimed once more, with its lane. */
  protected async queueForLane(): Promise<'waits'> {
    this.set({ queue: 'ready', owner: null });
    await this.flush();
    return 'waits';
  }

  /** Looks at what the step waits for until it is there, or the job can be left alone. */
  protected async waitAt(index: number, step: WaitStep<unknown>): Promise<Problem | 'waits' | null> {
    const timeout = this.timeoutOf(step);
    for (let tried = 1; ;) {
      try {
        if (this.stepAt(index).state !== 'waiting') await this.beginWait(index, step, timeout);
        const { ended, kept, wait } = await this.whenStored(() => this.lookAt(index, step, timeout));
        this.setStep(index, { state: 'waiting', wait: kept });
        if (ended) {
          const outcome = await withDeadline(this.deps.ambient, timeout, this.signal, ended);
          await this.point(step.name, 'forward', 'after');
          const succeeded = { state: 'succeeded', outcome: outcome ?? null, ended_at: this.deps.ambient.now(), problem: null } as const; // prettier-ignore
          if (await this.conclude(index, step, succeeded)) return null;
          continue;
        }
        if (wait === null) await this.flush();
        else if (await this.suspend(wait)) return 'waits';
        tried = 1;
      } catch (error) {
        this.rethrowIfOver(error);
        const problem = problemOf(error, step.name);
        this.deps.logger.warn({ err: error, step: step.name, tried }, 'what a job waits for could not be seen');
        const last = tried >= (step.attempts ?? LOOK_ATTEMPTS) || !isWorthRepeating(problem) || isVerdict(error);
        if (last) {
          this.set({ wait: null });
          this.setStep(index, { state: 'failed', problem: toDocument(problem, step.name), ended_at: this.deps.ambient.now() }); // prettier-ignore
          return problem;
        }
        await this.deps.ambient.sleep(backoffMs(tried++), this.signal);
      }
    }
  }

  /** False where a word came since the last look: it was taken, and may be one against it. */
  private async conclude(index: number, step: WaitStep<unknown>, ended: Partial<StepDocument>): Promise<boolean> {
    if ('signal' in step) {
      const patch = { ...this.pending, wait: null, [`steps.${index}`]: { ...this.stepAt(index), ...ended } };
      const now = await this.whenStored(() => this.deps.store.conclude(this.job, patch));
      if (now !== 'written') {
        this.job.woken = now.woken;
        return false;
      }
      this.pending = {};
    }
    this.set({ wait: null });
    this.setStep(index, ended);
    return true;
  }

  private async beginWait(index: number, step: WaitStep<unknown>, timeout: number): Promise<void> {
    await this.point(step.name, 'forward', 'before');
    if (step.intent) return this.begin(index, timeout);
    this.setStep(index, { state: 'waiting', attempts: 1, started_at: this.deps.ambient.now() });
  }

  private lookAt(index: number, step: WaitStep<unknown>, timeout: number): Promise<Look> {
    const { children, ...deps } = this.deps;
    const kept = this.stepAt(index).wait ?? null;
    return withDeadline(this.deps.ambient, timeout, this.signal, (signal) =>
      look({ ...deps, startChild: children.start }, this.job, step, kept, this.contextAt(index, signal)),
    );
  }
}
