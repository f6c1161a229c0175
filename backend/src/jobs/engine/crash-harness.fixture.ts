/**
 * For tests: jobs on the engine as it is. A script says where a job turns back and where the process that runs it dies;
 * the engine of a process that died makes no call to the store any more, and the next boot of its replica takes over.
 */
import type { Job, MutationId, Plan, Proof } from '@cloudlysis/contract';
import { Problem } from '@cloudlysis/contract';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { systemAmbient, type Ambient } from '../../kernel/ambient.ts';
import { operator } from '../../audit/audit.fixture.ts';
import { createAudit } from '../../audit/index.ts';
import { passingControlKey } from '../../secrets/control-key.ts';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import type { Principal } from '../../call/principal.ts';
import type { EffectStep, JobDefinition, Step, StepContext } from '../define/definition.ts';
import { Fuse, mortalMongo } from './dying-port.fixture.ts';
import { createJobEngine, type JobEngine } from '../index.ts';
import { isFinal, type JobDocument } from '../record/job-document.ts';
import type { ActiveJob, JobReader } from '../record/job-reader.ts';
import { createJobStore, type JobStore } from '../store/jobs.store.ts';
import { everybodyMay } from './may-all.fixture.ts';

export interface Script {
  /** The process dies after every effect and before its record, of the way back, too: each happens twice. */
  readonly twice?: boolean;
  /** Every undoing breaks once it is done, and is tried again. */
  readonly undoneTwice?: boolean;
  /** The process dies after so many calls to its ports from the job's first step on; the next one after the next number. */
  readonly deaths?: readonly number[];
  /** Somebody cancels the job once its process died. */
  readonly cancelled?: boolean;
  /** The step breaks at every attempt, before its effect, or after it and before its record: the job turns back. */
  readonly failAt?: { readonly step: string; readonly when: 'before' | 'after' };
  /** Called once the plan is accepted, before the first step does or reads anything. */
  readonly begins?: () => Promise<void>;
  /** Called before the step's effect. */
  readonly before?: (step: string) => Promise<void>;
  /** Called before the step is undone, each time that it is tried. */
  readonly undoes?: (step: string) => Promise<void>;
  /** What was shown and is quoted; made just before unless given, where one must be. */
  readonly plan?: Plan;
}

export interface Ended {
  readonly jobId: string;
  readonly state: JobDocument['state'];
  readonly proof: Proof | null;
  readonly problem: JobDocument['problem'];
  readonly undo: Job['undo'];
  /** Processes that died of it. */
  readonly died: number;
}

/** A job that stands before its first step until it is let go, and then turns back. */
export interface UnderWay extends AsyncDisposable {
  readonly jobId: string;
}

type Definition = JobDefinition<any>;
type Definitions = Readonly<Record<string, Definition>>;

/** One process. */
interface Life {
  readonly engine: JobEngine;
  readonly fuse: Fuse;
}

/** How far a job has got with its script. */
interface Play {
  readonly script: Script;
  readonly deaths: number[];
  readonly seen: Set<string>;
  hasBegun: boolean;
  isCancelled: boolean;
  died: number;
}

export const TESTER: Principal = { ...operator, id: 'user:test', email: 'test@acme.test' };
const provenance = { requestId: 'req-test', traceId: null, ip: null, agent: null };
/** What the engine waits for between attempts and sweeps takes a quarter: nothing here says anything about its length. */
const HASTE = 4;
/** A job is looked at when the process that runs it says that it changed, and this often. */
const LOOK_MS = 300;
const PATIENCE_MS = 120_000;
const logger = pino({ level: 'silent' });

export class EngineHarness implements JobReader {
  /** What a process runs, whose calls to ports pass its fuse. Set before `start`. */
  definitionsOf!: (fuse: Fuse) => Definitions;
  private readonly mongo: Mongo;
  private readonly controlKey = passingControlKey();
  private readonly plays = new Map<string, Play>();
  private readonly machine: Ambient = systemAmbient();
  private readonly store: JobStore;
  private life!: Life;
  /** Ends when the last death has been survived. */
  private succession: Promise<void> = Promise.resolve();
  /** The next job's, so that its script is known before it runs. */
  private nextJobId: string | null = null;

  constructor(mongo: Mongo) {
    this.mongo = mongo;
    this.store = createJobStore(mongo, () => new Date());
  }

  get definitions(): Definitions {
    return this.definitionsOf(new Fuse());
  }

  async start(): Promise<void> {
    this.live(false);
    await this.life.engine.prepare();
    await this.life.engine.start();
  }

  async stop(): Promise<void> {
    await this.succession;
    await this.life.engine.stop(500);
  }

  active(): Promise<ActiveJob[]> {
    return this.life.engine.active();
  }

  holderOf(lane: string, except: string | null): Promise<ActiveJob | null> {
    return this.life.engine.holderOf(lane, except);
  }

  plan(kind: MutationId, input: unknown): Promise<Plan> {
    return this.life.engine.preflight({ kind, input, actor: TESTER, retryOf: null });
  }

  /** From the plan to the end. @throws Problem of a plan or a submission that is refused */
  async run(kind: MutationId, input: unknown, script: Script = {}): Promise<Ended> {
    return this.ended(await this.submit(kind, input, script));
  }

  async underWay(kind: MutationId, input: unknown): Promise<UnderWay> {
    const [reached, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const begins = async (): Promise<void> => {
      reached.resolve();
      await letGo.promise;
      // A refusal, which is not tried again.
      throw new Problem('version.stale', 'scripted');
    };
    const jobId = await this.submit(kind, input, { begins });
    await reached.promise;
    return {
      jobId,
      [Symbol.asyncDispose]: async () => {
        letGo.resolve();
        await this.ended(jobId);
      },
    };
  }

  private async submit(kind: MutationId, input: unknown, script: Script): Promise<string> {
    const mustQuote = this.life.engine.definitionOf(kind).risk === 'high';
    const quoted = script.plan ?? (mustQuote ? await this.plan(kind, input) : null);
    const jobId = this.machine.id('job');
    const deaths = [...(script.deaths ?? [])];
    this.plays.set(jobId, { script, deaths, seen: new Set(), hasBegun: false, isCancelled: false, died: 0 });
    this.nextJobId = jobId;
    const submitted = this.life.engine.submit({
      kind, input, actor: TESTER, reason: (input as { reason?: string }).reason ?? null, idempotencyKey: jobId,
      planHash: quoted?.hash ?? null, provenance, parentJobId: null, retryOf: null,
    }); // prettier-ignore
    await submitted;
    return jobId;
  }

  private async ended(jobId: string): Promise<Ended> {
    for (const since = this.machine.monotonic(); this.machine.monotonic() - since < PATIENCE_MS;) {
      const { engine, fuse } = this.life;
      const changed = Promise.withResolvers<void>();
      const leave = engine.notices.on(jobId, changed.resolve);
      const job = (await this.store.get(jobId))!;
      const isOver = isFinal(job.state);
      if (!isOver) await Promise.race([changed.promise, fuse.blown, this.machine.sleep(LOOK_MS)]);
      leave();
      if (isOver) return this.tell(job);
    }
    throw new Error(`${jobId} has not ended within ${PATIENCE_MS} ms`);
  }

  private async tell({ _id: jobId, state, proof, problem, undo }: JobDocument): Promise<Ended> {
    await this.succession;
    this.life.fuse.arm(Infinity);
    const { died } = this.plays.get(jobId)!;
    this.plays.delete(jobId);
    return { jobId, state, proof, problem, undo, died };
  }

  private live(isSuccessor: boolean): void {
    const fuse = new Fuse();
    const mongo = mortalMongo(this.mongo, fuse, isSuccessor);
    const { machine } = this;
    const ambient: Ambient = {
      ...machine,
      sleep: (ms, signal) => machine.sleep(ms / HASTE, signal),
      id: (prefix) => {
        const given = prefix === 'job' ? this.nextJobId : null;
        if (given !== null) this.nextJobId = null;
        return given ?? machine.id(prefix);
      },
    };
    const audit = createAudit({ mongo, ambient, replicaId: 'harness', environment: 'dev' }).log;
    const engine = createJobEngine({
      mongo, audit, ambient, logger, metrics: new Registry(), replicaId: 'harness', controlKey: this.controlKey, may: everybodyMay,
    }); // prettier-ignore
    const scripted = Object.entries(this.definitionsOf(fuse)).map(
      ([kind, { steps, ...rest }]) => [kind, { ...rest, steps: steps.map((step) => this.scripted(step, fuse)) }] as const,
    ); // prettier-ignore
    engine.define(Object.fromEntries(scripted));
    this.life = { engine, fuse };
    void fuse.blown.then(() => (this.succession = this.succeed(this.life)));
  }

  /** The next boot of the replica, which takes over what the dead one held. */
  private async succeed(dead: Life): Promise<void> {
    this.live(true);
    // A process that is gone waits for nothing any more.
    await dead.engine.stop(0);
    const { engine, fuse } = this.life;
    for (const [jobId, play] of this.plays) {
      const job = play.hasBegun ? await this.store.get(jobId) : null;
      if (!job || isFinal(job.state)) continue;
      play.died += 1;
      if (play.script.cancelled && !play.isCancelled) await this.cancel(job, play);
      fuse.arm(play.deaths.shift() ?? Infinity);
    }
    await engine.prepare();
    await engine.start();
  }

  private async cancel({ _id, kind, resource, tenant_id }: JobDocument, play: Play): Promise<void> {
    play.isCancelled = true;
    const record = {
      code: 'job.cancel_requested', action: kind, actor: TESTER, resource, tenantId: tenant_id, outcome: 'requested',
      reason: 'scripted', jobId: _id, provenance,
    } as const; // prettier-ignore
    await this.life.engine.cancel(_id, TESTER.id, 'scripted', record);
  }

  private scripted(step: Step<unknown>, fuse: Fuse): Step<unknown> {
    const { intent } = step;
    const begun = async (context: Pick<StepContext<unknown>, 'jobId'>): Promise<Play | undefined> => {
      const play = this.plays.get(context.jobId);
      if (!play || play.hasBegun) return play;
      play.hasBegun = true;
      await play.script.begins?.();
      const limit = play.deaths.shift();
      if (limit !== undefined) fuse.arm(limit);
      return play;
    };
    const intends = async (context: StepContext<unknown>): Promise<unknown> => {
      await begun(context);
      return intent ? intent.call(step, context) : null;
    };
    if (!('run' in step)) return { ...step, intent: intends };
    const { compensate } = step;
    return {
      ...step,
      ...(intent ? { intent: intends } : {}),
      run: async (context) => playStep(step, context, fuse, await begun(context)),
      ...(compensate ? { compensate: (context) => this.playBack(step, context, fuse) } : {}),
    };
  }

  private async playBack(step: EffectStep<unknown>, context: StepContext<unknown>, fuse: Fuse): Promise<void> {
    const play = this.plays.get(context.jobId);
    await play?.script.undoes?.(step.name);
    await step.compensate!(context);
    if (!play || !isFirst(play, `undo ${step.name}`)) return;
    if (play.script.twice) fuse.blow();
    if (play.script.undoneTwice) throw new Problem('step.failed', 'scripted');
  }
}

async function playStep(
  step: EffectStep<unknown>,
  context: StepContext<unknown>,
  fuse: Fuse,
  play: Play | undefined,
): Promise<unknown> {
  if (!play) return step.run(context);
  const { failAt, before, twice } = play.script;
  const fails = (when: 'before' | 'after'): boolean => failAt?.step === step.name && failAt.when === when;
  await before?.(step.name);
  if (fails('before')) throw new Problem('step.failed', 'scripted');
  const outcome = await step.run(context);
  if (twice && isFirst(play, step.name)) fuse.blow();
  if (fails('after')) throw new Problem('step.failed', 'scripted');
  return outcome;
}

function isFirst({ seen }: Play, what: string): boolean {
  if (seen.has(what)) return false;
  seen.add(what);
  return true;
}
