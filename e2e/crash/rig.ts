// Kills a backend at a named point of a job, starts it again, and holds what came of the job against a run without a crash.
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
import { createJobEngine, type CrashPoint, type JobEngine } from '../../backend/src/jobs/index.ts';
import { connectMongo, type Mongo } from '../../backend/src/ports/mongo/mongo.ts';
import type { Child } from '../../backend/testing/child.ts';
import { eventually } from '../../backend/testing/eventually.ts';
import { startStack, type Stack } from '../../backend/testing/stack.ts';
import { CASES, CRASH_SHARDS, CRASH_TENANTS, JOB_KINDS, type CrashCase, type JobKind } from './cases.ts';
import { auditOf } from '../journey.ts';
import { settledWorld } from '../world.ts';
import { everybodyMay } from '../../backend/src/jobs/engine/may-all.fixture.ts';

export type Point = CrashPoint & { readonly kind: JobKind };
export const nameOf = ({ kind, step, direction, at }: Point): string => `${kind}/${step}/${direction}/${at}`;

interface JobDocument {
  readonly _id: string;
  readonly idempotency: string;
  readonly fence: number;
  readonly state: string;
}

export interface Dead {
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
  readonly #mongo: Mongo;
  readonly #bystander: JobEngine;
  /** Whoever waits for an answer of the backend as it runs now. */
  #waiting = new AbortController();

  private constructor(stack: Stack, mongo: Mongo) {
    this.stack = stack;
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
    const stack = await startStack({ tenants: CRASH_TENANTS, shards: CRASH_SHARDS, env: { LOG_LEVEL: 'warn' } });
    return new CrashRig(stack, await connectMongo(stack.layout.mongoUri, stack.layout.db));
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

  /** The running backend, started with the point as CRASH_AT, dies there. */
  async die(point: Point, one: CrashCase): Promise<Dead> {
    const { key, plan } = await this.submitUnheard(point.kind, one);
    const exit = await this.stack.backend.exited(60_000).catch((error: Error) => {
      throw new Error(`${nameOf(point)} was never reached: ${error.message}`);
    });
    this.#waiting.abort();
    expect(exit.signal).toBe('SIGKILL');
    const jobId = await this.jobOf(key);
    return { jobId, key, plan, fence: (await this.#jobs.findOne({ _id: jobId }))!.fence };
  }

  /** Starts the backend again under its name and waits until the job is claimed: the step after a crash begins within 1 s. */
  async restart(dead: Dead | null, env: NodeJS.ProcessEnv = {}, backend: Child = this.stack.backend): Promise<void> {
    await backend.kill();
    this.#waiting.abort();
    this.#waiting = new AbortController();
    await backend.start(env);
    const ready = performance.now();
    if (!dead) return;
    await eventually(
      `${dead.jobId} is claimed again`,
      async () => {
        const job = await this.#jobs.findOne({ _id: dead.jobId });
        return job !== null && (job.fence > dead.fence || isFinal(job.state));
      },
      5_000,
    );
    this.recoveries.push(performance.now() - ready);
  }

  /** The cancel of an operator that reached another replica, which then runs nothing. */
  async cancel({ jobId }: Dead, kind: JobKind): Promise<Dead['fence']> {
    const by = 'user:owner@b.test';
    const job = await this.#bystander.cancel(jobId, by, 'crash test', {
      code: 'job.cancel_requested', action: 'jobs.cancel', actor: by, resource: kind, tenantId: null,
      outcome: 'requested', reason: 'crash test', jobId,
      provenance: { requestId: 'crash', traceId: null, ip: null, agent: null },
    }); // prettier-ignore
    return job.fence;
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

  /** Resumes nothing but the job that died, and dies in it again, at another point. */
  async dieAgain(point: Point): Promise<void> {
    this.stack.backend.spawn({ CRASH_AT: nameOf(point) });
    const exit = await this.stack.backend.exited(60_000).catch((error: Error) => {
      throw new Error(`${nameOf(point)} was never reached: ${error.message}`);
    });
    expect([nameOf(point), exit.signal]).toEqual([nameOf(point), 'SIGKILL']);
  }

  /** Same end state as without a crash, one job, one submission and one end in the audit log. */
  async expectDone(point: Point, dead: Dead, one: CrashCase): Promise<void> {
    const { world, records } = this.baseline.get(point.kind)!;
    const job = await this.ended(dead.jobId);
    expect([nameOf(point), job.state, job.problem]).toEqual([nameOf(point), 'succeeded', null]);
    expect([nameOf(point), await settledWorld(() => one.world(), world)]).toEqual([nameOf(point), world]);
    expect((await auditOf(this.operator, dead.jobId)).map((record) => record.code).sort()).toEqual(records);
    await this.expectOneJob(point.kind, dead, one);
  }

  /** As if it had never been asked for, apart from the records that say so. */
  async expectUndone(point: Point, dead: Dead, one: CrashCase, before: unknown): Promise<void> {
    const job = await this.ended(dead.jobId);
    expect(['compensated', 'cancelled']).toContain(job.state);
    const look = () => (one.undoneWorld ? one.undoneWorld() : one.world());
    expect([nameOf(point), await settledWorld(look, before)]).toEqual([nameOf(point), before]);
    const codes = (await auditOf(this.operator, dead.jobId)).map((record) => record.code).sort();
    expect(codes).toEqual(['job.cancel_requested', `job.${job.state}`, 'job.submitted'].sort());
    await this.expectOneJob(point.kind, dead, one);
  }

  /** The client that heard nothing asks again under its key, and is told of the same job. */
  private async expectOneJob(kind: JobKind, { jobId, key, plan }: Dead, { input }: CrashCase): Promise<void> {
    const again = { ...input, idempotencyKey: key, planHash: plan.hash } as unknown as SubmitInput<JobKind>;
    expect((await this.operator.submit(kind, again)).job.job_id).toBe(jobId);
    expect(await this.#jobs.countDocuments({ idempotency: keyed(key) })).toBe(1);
  }
}
