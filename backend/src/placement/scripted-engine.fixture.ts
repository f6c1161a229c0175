// Runs jobs as the engine's contract says, without its records, and dies or turns back where a test tells it to.
import { Problem, type Job, type MutationId, type Plan, type Proof } from '@cloudlysis/contract';
import type { ChildJob, ChildResult, Intending, JobDefinition, Step, StepContext } from '../jobs/definition.ts';
import type { ActiveJob, JobReader } from '../jobs/job-reader.ts';
import { subjectOf } from '../jobs/plan-seal.ts';
import { noSecret } from '../jobs/sealed-definition.ts';
import { makePlan } from '../jobs/planning.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';

/** Where the worker dies, or the step breaks. */
export interface Script {
  /** Every effect happens twice: the worker died after it and before its record, and another one came. */
  readonly twice?: boolean;
  /** The job turns back at this step: before its effect, or after it and before its record. */
  readonly failAt?: { readonly step: string; readonly when: 'before' | 'after' };
  /** Called before the step's effect. */
  readonly before?: (step: string) => Promise<void>;
  readonly keepPlan?: Plan;
}

export interface Ended {
  readonly jobId: string;
  readonly state: 'succeeded' | 'compensated' | 'failed';
  readonly proof: Proof | null;
  readonly problem: Problem | null;
  readonly plan: Plan;
  readonly outcomes: Map<string, unknown>;
  readonly undo: Job['undo'];
}

type Definition = JobDefinition<any>;

/** Plans, runs and undoes as the engine does, without its records: what it must not do is decide anything of its own. */
export class ScriptedEngine implements JobReader {
  definitions!: Record<string, Definition>;
  readonly running = new Map<string, ActiveJob>();
  private readonly mongo: Mongo;
  private count = 0;
  /** What the plans that were shown decided, as it is read back. */
  private readonly decisions = new WeakMap<Plan, unknown>();

  constructor(mongo: Mongo) {
    this.mongo = mongo;
  }

  async active(): Promise<ActiveJob[]> {
    return [...this.running.values()];
  }

  async holderOf(lane: string, except: string | null): Promise<ActiveJob | null> {
    return [...this.running.values()].find((job) => job.lane === lane && job.jobId !== except) ?? null;
  }

  async plan(kind: MutationId, input: unknown): Promise<Plan> {
    const seal = (substance: unknown): string => subjectOf(kind, input, substance);
    const caller = { principal: null, jobId: null };
    const { plan, decision } = await makePlan(this.definitions[kind]!, input, caller, new Date(), seal);
    this.decisions.set(plan, JSON.parse(JSON.stringify(decision)));
    return plan;
  }

  async run(kind: MutationId, input: unknown, script: Script = {}): Promise<Ended> {
    const definition = this.definitions[kind]!;
    const plan = script.keepPlan ?? (await this.plan(kind, input));
    if (plan.blockers.length) throw new Problem('preflight.blocked', JSON.stringify(plan.blockers));
    const jobId = `job_${String(++this.count).padStart(4, '0')}`;
    const { tenantId, lane } = { tenantId: definition.tenantId(input), lane: definition.lane(input) };
    this.running.set(jobId, { jobId, kind, tenantId, lane, actor: 'user:test', since: new Date(), input });
    try {
      return await this.carryOut(definition, jobId, input, plan, script);
    } finally {
      this.running.delete(jobId);
    }
  }

  private async carryOut(
    definition: Definition,
    jobId: string,
    input: unknown,
    plan: Plan,
    script: Script,
  ): Promise<Ended> {
    const intents = new Map<string, unknown>();
    const outcomes = new Map<string, unknown>();
    const contextOf = (step: string | null, ms: number): StepContext<unknown> => ({
      jobId, input, decision: this.decisions.get(plan), actor: 'user:test', reason: 'test', fence: 1, attempt: 1,
      intent: step === null ? null : (intents.get(step) ?? null),
      signal: AbortSignal.timeout(ms),
      secret: noSecret,
      outcomeOf: <O>({ name }: { readonly name: string }) => outcomes.get(name) as O | undefined,
      intentOf: <N>({ name }: Intending<N>) => intents.get(name) as N | undefined,
    }); // prettier-ignore
    const started: string[] = [];
    let problem: Problem | null = null;
    let proof: Proof | null = null;
    try {
      for (const step of definition.steps) {
        const ms = typeof step.timeoutMs === 'function' ? step.timeoutMs(input) : (step.timeoutMs ?? 30_000);
        // What is recorded has been through JSON.
        if (step.intent) intents.set(step.name, JSON.parse(JSON.stringify(await step.intent(contextOf(null, ms)))));
        started.push(step.name);
        await script.before?.(step.name);
        if (script.failAt?.step === step.name && script.failAt.when === 'before')
          throw new Problem('step.failed', 'scripted');
        if (script.twice) await this.effect(step, contextOf(step.name, ms));
        const outcome = await this.effect(step, contextOf(step.name, ms));
        if (script.failAt?.step === step.name && script.failAt.when === 'after')
          throw new Problem('step.failed', 'scripted');
        outcomes.set(step.name, JSON.parse(JSON.stringify(outcome ?? null)));
      }
      proof = await definition.verify(contextOf(null, 30_000));
      const broken = proof.checks.filter(({ status }) => status === 'block');
      if (broken.length) throw new Problem('verify.failed', broken.map(({ detail }) => detail).join('; '));
      await this.mongo.transaction(async (session) => definition.commit?.(contextOf(null, 30_000), session));
    } catch (error) {
      problem = error instanceof Problem ? error : new Problem('step.failed', String(error), {}, error);
    }
    const undo = problem ? null : (definition.undo?.(input, contextOf(null, 30_000)) ?? null);
    if (!problem) return { jobId, state: 'succeeded', proof, problem, plan, outcomes, undo };
    const undone = await this.undo(definition, started, (step) => contextOf(step, 30_000), script);
    return { jobId, state: undone ? 'compensated' : 'failed', proof, problem, plan, outcomes, undo };
  }

  private async undo(
    definition: Definition,
    started: readonly string[],
    contextOf: (step: string) => StepContext<unknown>,
    { twice }: Script,
  ): Promise<boolean> {
    let undone = false;
    for (const step of [...definition.steps].reverse()) {
      if (!('compensate' in step) || !step.compensate || !started.includes(step.name)) continue;
      if (twice) await step.compensate(contextOf(step.name));
      await step.compensate(contextOf(step.name));
      undone = true;
    }
    return undone;
  }

  private async effect(step: Step<unknown>, context: StepContext<unknown>): Promise<unknown> {
    if ('run' in step) return step.run(context);
    if (!('children' in step)) throw new Error(`${step.name} waits, and nothing here ends it`);
    const { jobs, atOnce } = step.children(context);
    return step.joined(context, await this.children(jobs, atOnce));
  }

  private async children(jobs: readonly ChildJob[], concurrency: number): Promise<ChildResult[]> {
    const queue = [...jobs.entries()];
    const results: ChildResult[] = [];
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await this.child(next[1]);
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    return results;
  }

  private async child({ kind, key, input }: ChildJob): Promise<ChildResult> {
    try {
      const { jobId, state, problem, proof } = await this.run(kind, input);
      return { key, jobId, state, detail: problem?.message ?? null, proof };
    } catch (error) {
      return { key, jobId: null, state: 'refused', detail: (error as Error).message, proof: null };
    }
  }
}
