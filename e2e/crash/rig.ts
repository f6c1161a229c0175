// Kills a backend while jobs stand at named points, starts it again, and holds what came of each against a run without a crash.
import { expect } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import {
  FINAL_STATES,
  Problem,
  type Client,
  type Job,
  type MutationInput,
  type Plan,
  type SubmitInput,
} from '@cloudlysis/contract';
import { callKey } from '../../backend/src/jobs/record/idempotency.ts';
import { passingControlKey } from '../../backend/src/secrets/control-key.ts';
import { systemAmbient } from '../../backend/src/kernel/ambient.ts';
import { createAudit } from '../../backend/src/audit/index.ts';
import { createJobEngine, type JobEngine } from '../../backend/src/jobs/index.ts';
import { connectMongo, type Mongo } from '../../backend/src/ports/mongo/mongo.ts';
import { eventually } from '../../backend/testing/eventually.ts';
import { startStack, type Stack } from '../../backend/testing/stack.ts';
import { CASES, CRASH_SHARDS, CRASH_TENANTS, JOB_KINDS, type CrashCase, type JobKind } from './cases.ts';
import { HeldPoints, nameOf, type Point } from './held-points.ts';
import { auditOf } from '../journey.ts';
import { settledWorld } from '../world.ts';
import { everybodyMay } from '../../backend/src/jobs/engine/may-all.fixture.ts';

interface JobDocument {
  readonly _id: string;
  readonly idempotency: string;
  readonly fence: number;
  readonly state: string;
}

/** A job that stood at a point when its process died. */
export interface Dead {
  readonly point: Point;
  readonly one: CrashCase;
  readonly jobId: string;
  readonly key: string;
  readonly plan: Plan;
  /** Of the claim after which it died. */
  fence: number;
}

const isFinal = (state: string): boolean => (FINAL_STATES as readonly string[]).includes(state);

/** Under which key the rig's operator finds a job again. */
const keyed = (given: string): string => callKey('user:owner@b.test', given).key;

export class CrashRig {
  readonly stack: Stack;
  readonly operator: Client;
  /** What an uninterrupted run of each kind leaves, and its plan. */
  readonly baseline = new Map<JobKind, { world: unknown; plan: Plan; records: string[] }>();
  /** Milliseconds from ready to the next claim, per recovery. */
  readonly recoveries: number[] = [];
  readonly #held: HeldPoints;
  readonly #mongo: Mongo;
  readonly #bystander: JobEngine;
  /** Whoever waits for an answer of the backend as it runs now. */
  #waiting = new AbortController();

  private constructor(stack: Stack, held: HeldPoints, mongo: Mongo) {
    this.stack = stack;
    this.#held = held;
    this.operator = stack.as('owner');
    this.#mongo = mongo;
    const ambient = systemAmbient();
    const audit = createAudit({ mongo, ambient, replicaId: 'bystander', environment: 'dev' });
    const logger = pino({ level: 'silent' });
    // A replica that runs no jobs: an operator's cancel may reach it while the one that runs the job is dead.
    this.#bystander = createJobEngine({
      may: everybodyMay,
      mongo,
      audit: audit.log,
      ambient,
      logger,
      metrics: new Registry(),
      replicaId: 'bystander',
      controlKey: passingControlKey(),
    });
  }

  static async start(): Promise<CrashRig> {
    const held = new HeldPoints();
    const env = { LOG_LEVEL: 'warn', HOLD_FILE: held.file };
    const stack = await startStack({ tenants: CRASH_TENANTS, shards: CRASH_SHARDS, env });
    return new CrashRig(stack, held, await connectMongo(stack.layout.mongoUri, stack.layout.db));
  }

  async stop(): Promise<void> {
    await this.#mongo.close();
    await this.stack.stop();
  }

  get #jobs() {
    return this.stack.db.collection<JobDocument>('jobs');
  }

  case(kind: JobKind): Promise<CrashCase> {
    return CASES[kind]({ stack: this.stack, operator: this.operator });
  }

  /** One for each point, while every job goes on: what a case needs is brought about by jobs as well. */
  async cases(points: readonly Point[]): Promise<CrashCase[]> {
    this.#held.set([]);
    const cases: CrashCase[] = [];
    for (const { kind } of points) cases.push(await this.case(kind));
    return cases;
  }

  /** Runs every kind once without a crash; its plan then says which points there are. */
  async runUndisturbed(): Promise<Point[]> {
    const points: Point[] = [];
    for (const kind of JOB_KINDS) {
      const one = await this.case(kind);
      const { key, plan } = await this.submitUnheard(kind, one);
      const ended = await this.ended(await this.jobOf(key));
      expect([kind, ended.state, ended.problem]).toEqual([kind, 'succeeded', null]);
      const records = (await auditOf(this.operator, ended.job_id)).map((record) => record.code).sort();
      this.baseline.set(kind, { world: await one.world(), plan, records });
      const steps = [...plan.steps.map((step) => step.name), 'end'];
      for (const step of steps)
        for (const at of ['before', 'after'] as const) points.push({ kind, step, direction: 'forward', at });
      const back = [...plan.steps.filter((step) => step.reversible).map((step) => step.name), 'end'];
      for (const step of back)
        for (const at of ['before', 'after'] as const) points.push({ kind, step, direction: 'backward', at });
    }
    return points;
  }

  /** Submits and does not wait for the answer, which a process that dies never gives; nor is another one asked for it. */
  async submitUnheard(kind: JobKind, { input }: CrashCase): Promise<{ key: string; plan: Plan }> {
    const key = randomUUID();
    const plan = await this.operator.preflight(kind, input as MutationInput<JobKind>);
    const { signal } = this.#waiting;
    const wanted = { ...input, idempotencyKey: key, planHash: plan.hash, signal } as unknown as SubmitInput<JobKind>;
    void this.untilTaken(kind, wanted, signal);
    return { key, plan };
  }

  /** A store that was too slow for a moment refuses a change, and whoever asked for it asks again under the same key. */
  private async untilTaken(kind: JobKind, wanted: SubmitInput<JobKind>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const refused = await this.operator.submit(kind, wanted).then(
        () => null,
        (error: unknown) => error,
      );
      if (!(refused instanceof Problem) || refused.status !== 503) return;
      await sleep(100);
    }
  }

  async jobOf(key: string): Promise<string> {
    const filter = { idempotency: keyed(key) };
    return (await eventually('the job is there', () => this.#jobs.findOne(filter), 10_000))._id;
  }

  /** Brings a job of each point there, one after the other, and then kills the backend that runs them all. */
  async die(points: readonly Point[], cases: readonly CrashCase[]): Promise<Dead[]> {
    const submitted = [];
    const log = (): string => this.stack.backend.log();
    for (const [index, point] of points.entries()) {
      this.#held.set([point]);
      submitted.push(await this.submitUnheard(point.kind, cases[index]!));
      await this.#held.untilReached([point], log);
    }
    await this.stack.backend.kill();
    this.#waiting.abort();
    const dead = submitted.map(async ({ key, plan }, index): Promise<Dead> => {
      const jobId = await this.jobOf(key);
      const { fence } = (await this.#jobs.findOne({ _id: jobId }))!;
      return { point: points[index]!, one: cases[index]!, jobId, key, plan, fence };
    });
    return Promise.all(dead);
  }

  /** Starts the backend again under its name and waits until each job is claimed: the step after a crash begins within 1 s. */
  async restart(dead: readonly Dead[]): Promise<void> {
    await this.stack.backend.kill();
    this.#waiting.abort();
    this.#waiting = new AbortController();
    this.#held.set([]);
    await this.stack.backend.start();
    const ready = performance.now();
    const claimed = dead.map(async ({ jobId, fence }) => {
      const isClaimed = async (): Promise<boolean> => {
        const job = await this.#jobs.findOne({ _id: jobId });
        return job !== null && (job.fence > fence || isFinal(job.state));
      };
      await eventually(`${jobId} is claimed again`, isClaimed, 5_000);
      this.recoveries.push(performance.now() - ready);
    });
    await Promise.all(claimed);
  }

  /** The cancel of an operator that reached another replica, which then runs nothing. */
  async cancel(dead: Dead): Promise<void> {
    const { jobId, point } = dead;
    const by = 'user:owner@b.test';
    const job = await this.#bystander.cancel(jobId, by, 'crash test', {
      code: 'job.cancel_requested', action: 'jobs.cancel', actor: by, resource: point.kind, tenantId: null,
      outcome: 'requested', reason: 'crash test', jobId,
      provenance: { requestId: 'crash', traceId: null, ip: null, agent: null },
    }); // prettier-ignore
    dead.fence = job.fence;
  }

  async ended(jobId: string): Promise<Job> {
    return eventually(
      `${jobId} ends`,
      async () => {
        const job = await this.operator.read('jobs.get', { params: { job_id: jobId } });
        return isFinal(job.state) && job;
      },
      40_000,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.stack.backend.log()}`);
    });
  }

  /** Resumes nothing but the jobs that died, and dies in them again, at other points. */
  async dieAgain(points: readonly Point[]): Promise<void> {
    this.#held.set(points);
    this.stack.backend.spawn();
    await this.#held.untilReached(points, () => this.stack.backend.log());
    await this.stack.backend.kill();
  }

  /** Same end state as without a crash, one job, one submission and one end in the audit log. */
  async expectDone(dead: Dead): Promise<void> {
    const { point, one } = dead;
    const { world, records } = this.baseline.get(point.kind)!;
    const job = await this.ended(dead.jobId);
    expect([nameOf(point), job.state, job.problem]).toEqual([nameOf(point), 'succeeded', null]);
    expect([nameOf(point), await settledWorld(() => one.world(), world)]).toEqual([nameOf(point), world]);
    expect((await auditOf(this.operator, dead.jobId)).map((record) => record.code).sort()).toEqual(records);
    await this.expectOneJob(dead);
  }

  /** As if it had never been asked for, apart from the records that say so. */
  async expectUndone(dead: Dead, before: unknown): Promise<void> {
    const { point, one } = dead;
    const job = await this.ended(dead.jobId);
    expect(['compensated', 'cancelled']).toContain(job.state);
    const look = () => (one.undoneWorld ? one.undoneWorld() : one.world());
    expect([nameOf(point), await settledWorld(look, before)]).toEqual([nameOf(point), before]);
    const codes = (await auditOf(this.operator, dead.jobId)).map((record) => record.code).sort();
    expect(codes).toEqual(['job.cancel_requested', `job.${job.state}`, 'job.submitted'].sort());
    await this.expectOneJob(dead);
  }

  /** The client that heard nothing asks again under its key, and is told of the same job. */
  private async expectOneJob({ point: { kind }, one, jobId, key, plan }: Dead): Promise<void> {
    const again = { ...one.input, idempotencyKey: key, planHash: plan.hash } as unknown as SubmitInput<JobKind>;
    expect((await this.operator.submit(kind, again)).job.job_id).toBe(jobId);
    expect(await this.#jobs.countDocuments({ idempotency: keyed(key) })).toBe(1);
  }
}
