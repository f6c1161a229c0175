// The engine against a real database: one job per key, one at a time per lane, resumed at any crash, undone in reverse.
import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Check, MutationId } from '@cloudlysis/contract';
import { Problem } from '@cloudlysis/contract';
import fc from 'fast-check';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { eventually } from '../../../testing/eventually.ts';
import { systemAmbient, type Ambient } from '../../kernel/ambient.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import type { ChildJob, JobDefinition, Step, StepContext } from '../define/definition.ts';
import { type CrashPoint, type JobEngine } from '../index.ts';
import type { JobDocument } from '../record/job-document.ts';
import type { Submission } from './submission.ts';
import { operator } from '../../audit/audit.fixture.ts';
import { startedOn } from './engine.fixture.ts';

interface Input {
  tenant: string;
  children?: string[];
}

/** The world the steps act on: a real collection, so that effects and their undoing survive the engine. */
interface World {
  set(key: string, value: string): Promise<void>;
  unset(key: string): Promise<void>;
  all(): Promise<Record<string, string>>;
}

const worldOf = (mongo: Mongo): World => {
  const cells = mongo.db.collection<{ _id: string; value: string }>('world');
  return {
    set: async (key, value) => void (await cells.updateOne({ _id: key }, { $set: { value } }, { upsert: true })),
    unset: async (key) => void (await cells.deleteOne({ _id: key })),
    all: async () => Object.fromEntries((await cells.find().toArray()).map(({ _id, value }) => [_id, value])),
  };
};

const check = (id: string, status: Check['status']): Check => ({
  id,
  title: id,
  status,
  measured: 1,
  limit: 0,
  unit: null,
  detail: `${id} is ${status}`,
});

interface Script {
  fail?: Partial<Record<string, () => Problem | null>>;
  hold?: Promise<void>;
  verify?: () => Check[];
  plan?: () => Promise<{ checks?: Check[]; world?: unknown }>;
  risk?: 'low' | 'high';
  children?: (input: Input) => ChildJob[];
  slots?: number;
  /** In place of undoing at once. */
  undo?: (step: string, signal: AbortSignal) => Promise<void>;
}

/** Three steps that each write one cell; `b` records what it found before it writes. */
function definition(kind: MutationId, world: World, script: Script = {}): JobDefinition<Input> {
  const step = (name: string): Step<Input> => ({
    name,
    title: `Write ${name}`,
    timeoutMs: script.children ? 30_000 : 5_000,
    ...(name === 'b' ? { intent: async () => ({ found: await world.all() }) } : {}),
    run: async (context: StepContext<Input>) => {
      const problem = script.fail?.[name]?.();
      if (problem) throw problem;
      await world.set(`${context.input.tenant}.${name}`, context.jobId);
      if (name === 'b') await script.hold;
      return { wrote: name };
    },
    compensate: async (context) => {
      await script.undo?.(name, context.signal);
      await world.unset(`${context.input.tenant}.${name}`);
    },
  });
  return {
    kind, risk: script.risk ?? 'low', permission: 'tenants.update',
    lane: (input) => `tenant:${input.tenant}`, tenantId: (input) => input.tenant, resource: (input) => `tenant:${input.tenant}`,
    plan: async () => ({ checks: [], diff: [], blastRadius: [], rollback: 'undone', ...(await script.plan?.()) }),
    steps: [...['a', 'b', 'c'].map(step), ...(script.children ? [started(script.children)] : [])],
    verify: async () => ({ checks: script.verify?.() ?? [check('holds', 'pass')], facts: {} }),
  }; // prettier-ignore
}

const started = (children: (input: Input) => ChildJob[]): Step<Input> => ({
  name: 'children',
  title: 'Start jobs',
  children: ({ input }) => ({ jobs: children(input), atOnce: 2 }),
  joined: async (_context, results) => results.map(({ key, state }) => ({ key, state })),
});

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

interface Bench {
  mongo: Mongo;
  world: World;
  replica(
    id: string,
    script?: Script,
    crash?: (point: CrashPoint) => void | Promise<void>,
    ambient?: Ambient,
  ): Promise<JobEngine>;
}

async function bench(): Promise<Bench> {
  const { uri, db } = freshDatabase();
  const mongo = await connectMongo(uri, db);
  running.push(() => mongo.close());
  const world = worldOf(mongo);
  return {
    mongo,
    world,
    async replica(id, script = {}, crashPoint, ambient = systemAmbient()) {
      const definitions = {
        'tenants.update': definition('tenants.update', world, script),
        'tenants.pause': definition('tenants.pause', world, { ...script, risk: 'high' }),
        'tenants.resume': definition('tenants.resume', world),
      };
      const own = { ...(crashPoint ? { crashPoint } : {}), ...(script.slots ? { slots: script.slots } : {}) };
      const engine = await startedOn(mongo, id, definitions, { ambient, leaseMs: 2_000, ...own });
      running.push(() => engine.stop(500));
      return engine;
    },
  };
}

const submission = (tenant: string, key: string, more: Partial<Submission> = {}): Submission => ({
  kind: 'tenants.update', input: { tenant }, reason: 'because', actor: 'user:a@b.test', idempotencyKey: key, planHash: null,
  provenance: { requestId: `req-${key}`, traceId: null, ip: null, agent: null }, parentJobId: null, retryOf: null, ...more,
}); // prettier-ignore

const settle = (engine: JobEngine, job: JobDocument): Promise<JobDocument> => engine.settled(job._id, 60_000);

describe('submission', () => {
  it('API-17 GEN-34 makes one job of one key, also when ten ask at once, and refuses the key for another body', async () => {
    const { replica } = await bench();
    const engine = await replica('r1');
    const jobs = await Promise.all(Array.from({ length: 10 }, () => engine.submit(submission('acme', 'k1'))));
    expect(new Set(jobs.map((job) => job._id)).size).toBe(1);
    await expect(engine.submit(submission('other', 'k1'))).rejects.toMatchObject({
      code: 'idempotency.key_reused',
      status: 422,
    });
    expect((await settle(engine, jobs[0]!)).state).toBe('succeeded');
    expect((await engine.submit(submission('acme', 'k1')))._id).toBe(jobs[0]!._id);
  });

  it('API-05 GEN-32 refuses a high-risk job without its plan, with a stale plan, and one that a check blocks', async () => {
    let world = 1;
    let blocked = false;
    const { replica } = await bench();
    const engine = await replica('r1', {
      plan: async () => ({ world, checks: [check('gate', blocked ? 'block' : 'pass')] }),
    });
    const wanted = submission('acme', 'k1', { kind: 'tenants.pause' });
    await expect(engine.submit(wanted)).rejects.toMatchObject({ code: 'plan.required' });
    const plan = await engine.preflight({ ...wanted, actor: { ...operator, id: 'user:a@b.test' } });
    world = 2;
    await expect(engine.submit({ ...wanted, planHash: plan.hash })).rejects.toMatchObject({
      code: 'plan.stale',
      status: 409,
    });
    world = 1;
    blocked = true;
    await expect(engine.submit({ ...wanted, planHash: plan.hash })).rejects.toMatchObject({
      code: 'preflight.blocked',
    });
    blocked = false;
    expect((await settle(engine, await engine.submit({ ...wanted, planHash: plan.hash }))).state).toBe('succeeded');
  });

  it('GEN-31 leaves neither job nor audit record when the transaction is refused, and queues behind a held lane', async () => {
    const { replica, mongo } = await bench();
    let release = (): void => undefined;
    const engine = await replica('r1', { hold: new Promise((resolve) => (release = resolve)) });
    const jobs = await Promise.all([1, 2, 3].map((n) => engine.submit(submission('acme', `k${n}`))));
    release();
    const done = await Promise.all(jobs.map((job) => settle(engine, job)));
    expect(done.map((job) => job.state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    const spans = done
      .map((job) => [job.started_at!.getTime(), job.ended_at!.getTime()] as const)
      .sort((a, b) => a[0] - b[0]);
    for (const [index, span] of spans.entries())
      if (index > 0) expect(span[0]).toBeGreaterThanOrEqual(spans[index - 1]![1]);
    const records = [...(await mongo.db.collection('audit_inbox').find().toArray())];
    const sequenced = await mongo.db.collection('audit_records').find().toArray();
    expect([...records, ...sequenced].filter((record) => record['code'] === 'job.submitted')).toHaveLength(3);
  });
});

describe('running', () => {
  it('NFR-07 more garbage than there are slots, in the queue and in a lane, stands in no job’s way', async () => {
    const { replica, mongo } = await bench();
    let release = (): void => undefined;
    const engine = await replica('r1', { hold: new Promise((resolve) => (release = resolve)) });
    const good = await Promise.all([1, 2, 3].map((n) => engine.submit(submission('acme', `k${n}`))));
    const { plan_id: _, ...pattern } = (await mongo.db.collection<JobDocument>('jobs').findOne({ state: 'queued' }))!;
    const wrong = [
      { steps: 'none' }, { fence: 'x' }, { state: 'dreaming' }, { kind: 7 }, { order: null }, { order: 'first' },
      { created_at: 'now' }, { plan: null }, { provenance: [] }, { kind: 'nothing.ours' }, { lane: 5 }, { tenant_id: {} },
    ]; // prettier-ignore
    const garbage = Array.from({ length: 180 }, (_, n) => {
      const foreign = n % 13 === 12 ? { words: 'no job' } : { ...pattern, order: n, ...wrong[n % 13] };
      const lane = n % 13 === 10 ? 5 : pattern.lane;
      return {
        ...foreign,
        _id: `g${n}` as never,
        idempotency: `g${n}`,
        lane,
        queue: n % 3 === 0 && n % 13 !== 9 ? 'lane' : 'ready',
        active: false,
      };
    });
    for (let n = 0; n < garbage.length; n += 20) await mongo.db.collection('jobs').insertMany(garbage.slice(n, n + 20));
    release();
    const done = await Promise.all(good.map((job) => settle(engine, job)));
    expect(done.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(await mongo.db.collection('jobs').countDocuments({ idempotency: /^g/, fence: 1 })).toBe(0);
  });

  it('NFR-07 two replicas under one name do nothing twice and say it of each other; a restart says nothing', async () => {
    const { replica, world } = await bench();
    const [one, two] = [await replica('r1'), await replica('r1')];
    const said = (): (string | null)[] => [one.namesake(), two.namesake()];
    await eventually('both say it', async () => said().join() === 'r1,r1');
    const jobs = await Promise.all([one, two].map((engine, n) => engine.submit(submission(`t${n}`, `k${n}`))));
    const ended = await Promise.all(jobs.map((job) => settle(one, job)));
    expect(ended.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
    expect(Object.keys(await world.all())).toHaveLength(6);
    await two.stop(500);
    await eventually('it is over', async () => one.namesake() === null);
    await one.stop(500);
    const again = await replica('r1');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(again.namesake()).toBeNull();
  });

  it('GEN-35 NFR-07 undoes finished steps in reverse when a later one fails, and says why', async () => {
    const { replica, world } = await bench();
    const engine = await replica('r1', { fail: { c: () => new Problem('drain.refused', 'no') } });
    const job = await settle(engine, await engine.submit(submission('acme', 'k')));
    expect(job.state).toBe('compensated');
    expect(job.problem).toMatchObject({ code: 'drain.refused', step: 'c' });
    expect(await world.all()).toEqual({});
  });

  it('NFR-07 repeats a step that failed in passing and does not repeat a refusal', async () => {
    let failures = 2;
    const { replica } = await bench();
    const engine = await replica('r1', { fail: { b: () => (failures-- > 0 ? new Problem('node.timeout') : null) } });
    const job = await settle(engine, await engine.submit(submission('acme', 'k')));
    expect(job.state).toBe('succeeded');
    expect(job.steps.map((step) => step.attempts)).toEqual([1, 3, 1]);
  });

  it('NFR-12 fails and compensates when a post-condition does not hold', async () => {
    const { replica, world } = await bench();
    const engine = await replica('r1', { verify: () => [check('holds', 'block')] });
    const job = await settle(engine, await engine.submit(submission('acme', 'k')));
    expect([job.state, job.problem?.code]).toEqual(['compensated', 'verify.failed']);
    expect(await world.all()).toEqual({});
  });

  it('API-03 a cancelled job is undone, and a job that waits is cancelled without effect', async () => {
    const { replica, world } = await bench();
    let release = (): void => undefined;
    const engine = await replica('r1', { hold: new Promise((resolve) => (release = resolve)) });
    const first = await engine.submit(submission('acme', 'k1'));
    const second = await engine.submit(submission('acme', 'k2'));
    const record = {
      code: 'job.cancel_requested',
      action: 'jobs.cancel',
      actor: 'user:x',
      resource: 'tenant:acme',
      outcome: 'requested',
    } as const;
    while (!(await world.all())['acme.b']) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await engine.cancel(second._id, 'user:x', 'changed my mind', record)).state).toBe('cancelled');
    await engine.cancel(first._id, 'user:x', 'changed my mind', record);
    setTimeout(release, 100);
    const job = await settle(engine, first);
    expect([job.state, job.cancel?.by]).toEqual(['compensated', 'user:x']);
    expect(await world.all()).toEqual({});
    await expect(engine.cancel(first._id, 'user:x', 'again', record)).rejects.toMatchObject({ code: 'job.state' });
  });

  it('NFR-07 replicas whose registrations a restored backup took back are known again, and keep their jobs', async () => {
    const { replica, mongo } = await bench();
    const held = Promise.withResolvers<void>();
    const engines = [await replica('r1', { hold: held.promise }), await replica('r2', { hold: held.promise })];
    const registered = mongo.db.collection<{ _id: string; boot: string }>('replicas');
    const boots = async () => Object.fromEntries((await registered.find({}).toArray()).map(({ _id, boot }) => [_id, boot])); // prettier-ignore
    const before = await boots();
    await registered.updateMany({}, { $set: { boot: 'of an older life', beat: 7 } });
    await eventually('both are registered again', async () => isDeepStrictEqual(await boots(), before));
    const jobs = [await engines[0]!.submit(submission('acme', 'k1')), await engines[1]!.submit(submission('globex', 'k2'))]; // prettier-ignore
    // Three times as long as it takes a replica to see that another is gone.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    held.resolve();
    for (const [n, job] of jobs.entries()) {
      const ended = await settle(engines[n]!, job);
      expect([ended.state, ended.fence]).toEqual(['succeeded', job.fence]);
    }
  }, 40_000);

  it('API-03 NFR-07 a way back that takes longer than a sweep is gone once, and not begun again at each', async () => {
    const { replica, world } = await bench();
    const began: string[] = [];
    let release = (): void => undefined;
    const undo = async (step: string, signal: AbortSignal): Promise<void> => {
      began.push(step);
      await systemAmbient().sleep(2_500, signal);
    };
    const engine = await replica('r1', { hold: new Promise((resolve) => (release = resolve)), undo });
    const job = await engine.submit(submission('acme', 'k'));
    await eventually('it is in b', async () => Object.keys(await world.all()).length === 2);
    const record = {
      code: 'job.cancel_requested',
      action: 'jobs.cancel',
      actor: 'user:x',
      resource: 'tenant:acme',
      outcome: 'requested',
    } as const;
    const cancelled = await engine.cancel(job._id, 'user:x', 'changed my mind', record);
    release();
    const ended = await settle(engine, cancelled);
    expect([ended.state, began]).toEqual(['compensated', ['b', 'a']]);
    expect(ended.fence).toBe(cancelled.fence + 1);
    expect(await world.all()).toEqual({});
  });

  it('SCL-05 runs children once each and ends when they have', async () => {
    const { replica, world } = await bench();
    const children = (input: Input): ChildJob[] =>
      ['x', 'y', 'z'].map((tenant) => ({
        kind: 'tenants.resume',
        input: { tenant: `${input.tenant}-${tenant}` },
        key: tenant,
      }));
    const engine = await replica('r1', { children });
    const job = await settle(engine, await engine.submit(submission('acme', 'k')));
    expect(job.state).toBe('succeeded');
    const born = await engine.store.childrenOf(job._id);
    expect(born.map((child) => child.state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(Object.keys(await world.all())).toHaveLength(12);
  });

  it('SCL-05 NFR-07 more jobs that wait for jobs of theirs than there are slots all end, and stand in nobody’s way', async () => {
    const { replica } = await bench();
    const children = ({ tenant }: Input): ChildJob[] =>
      ['x'].map((key) => ({ kind: 'tenants.resume', input: { tenant: `${tenant}-${key}` }, key }));
    const engine = await replica('r1', { children, slots: 2 });
    const jobs = await Promise.all(
      Array.from({ length: 6 }, (_, n) => engine.submit(submission(`t${n}`, `k${n}`))).concat(
        engine.submit(submission('other', 'k', { kind: 'tenants.resume' })),
      ),
    );
    const ended = await Promise.all(jobs.map((job) => settle(engine, job)));
    expect(ended.map(({ state }) => state)).toEqual(jobs.map(() => 'succeeded'));
  });
});

describe('the end of a job', () => {
  type Recipe = { readonly compensates: boolean; readonly fails: boolean };
  const CANCEL = {
    code: 'job.cancel_requested',
    action: 'jobs.cancel',
    actor: 'user:x',
    resource: 'tenant:acme',
    outcome: 'requested',
  } as const;

  /** Steps of which some can be undone and some fail; `at` is where the run is held until it is cancelled or taken over. */
  function scripted(
    recipe: readonly Recipe[],
    held: (step: string) => Promise<void> | undefined,
  ): JobDefinition<Input> {
    const steps = recipe.map(({ compensates, fails }, index): Step<Input> => {
      const name = `s${index}`;
      const run = async ({ signal }: StepContext<Input>): Promise<null> => {
        const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        await Promise.race([held(name), aborted]);
        if (fails) throw new Problem('tenant.state', 'scripted');
        return null;
      };
      return { name, title: name, attempts: 1, run, ...(compensates ? { compensate: async () => undefined } : {}) };
    });
    return {
      kind: 'tenants.archive', risk: 'low', permission: 'tenants.archive', steps,
      lane: (input) => `tenant:${input.tenant}`, tenantId: (input) => input.tenant, resource: (input) => `tenant:${input.tenant}`,
      plan: async () => ({ checks: [], diff: [], blastRadius: [], rollback: 'undone' }),
      verify: async () => ({ checks: [check('holds', 'pass')], facts: {} }),
    }; // prettier-ignore
  }

  it('API-03 NFR-07 leaves no step under way, wherever it was cancelled, failed or lost its replica', async () => {
    const { replica } = await bench();
    let recipe: readonly Recipe[] = [];
    let stopAt: number | null = null;
    const reached = { step: Promise.withResolvers<void>() };
    const held = (step: string): Promise<void> | undefined => {
      if (step !== `s${stopAt}`) return undefined;
      reached.step.resolve();
      return new Promise(() => undefined);
    };
    const define = (engine: JobEngine): JobEngine => {
      engine.define({ 'tenants.archive': scripted(recipe, held) });
      return engine;
    };
    let engine = await replica('r1');
    const recipes = fc.array(fc.record({ compensates: fc.boolean(), fails: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    });
    let runs = 0;
    // Rare, because a boot takes a second, and drawn, so that a counterexample can be run again.
    const crashes = fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
    const property = fc.asyncProperty(recipes, fc.option(fc.nat(4)), crashes, async (wanted, at, crash) => {
      [recipe, stopAt, reached.step] = [wanted, at !== null && at < wanted.length ? at : null, Promise.withResolvers()];
      const willStop = stopAt !== null && !wanted.slice(0, stopAt).some(({ fails }) => fails);
      const job = await define(engine).submit(submission(`t${runs}`, `k${runs++}`, { kind: 'tenants.archive' }));
      if (willStop) {
        await reached.step.promise;
        if (crash) {
          // The next boot finds the step running and is cancelled there.
          await engine.stop(50);
          reached.step = Promise.withResolvers();
          engine = define(await replica('r1'));
          await reached.step.promise;
        }
        await engine.cancel(job._id, 'user:x', 'changed my mind', CANCEL);
      }
      const ended = await settle(engine, job);
      const states = ended.steps.map(({ state }) => state);
      expect(states.filter((state) => state === 'running' || state === 'compensating')).toEqual([]);
      const begun = states.findLastIndex((state) => state !== 'pending') + 1;
      expect(states.slice(begun).every((state) => state === 'pending')).toBe(true);
      for (const [index, state] of states.entries()) {
        if (state === 'interrupted') expect([index, wanted[index]?.compensates]).toEqual([stopAt, false]);
        if (state === 'interrupted') expect(ended.steps[index]?.ended_at).not.toBeNull();
      }
      if (willStop) expect(states[stopAt!]).toBe(wanted[stopAt!]!.compensates ? 'compensated' : 'interrupted');
    });
    await fc.assert(property, { numRuns: 30, examples: [[[{ compensates: true, fails: false }], 0, true]] });
  });

  it('MIS-05 API-04 AUD-11 records the whole execution trace in the audit log, in the transaction that ends the job', async () => {
    const { replica, mongo } = await bench();
    let failures = 2;
    const engine = await replica('r1', { fail: { b: () => (failures-- > 0 ? new Problem('node.timeout') : null) } });
    const job = await settle(engine, await engine.submit(submission('acme', 'k')));
    const [inbox, placed] = await Promise.all(
      ['audit_inbox', 'audit_records'].map((name) => mongo.db.collection(name).find({ job_id: job._id }).toArray()),
    );
    const records = [...inbox!, ...placed!];
    expect(records.map((record) => record['code']).sort()).toEqual(['job.submitted', 'job.succeeded']);
    const after = JSON.parse(records.find((record) => record['code'] === 'job.succeeded')!['after'] as string);
    expect(after.steps).toEqual(
      job.steps.map(({ name, state, attempts, started_at, ended_at, intent, outcome }) => ({
        name, state, attempts, intent, outcome, problem: null,
        started_at: started_at?.toISOString(), ended_at: ended_at?.toISOString(),
      })), // prettier-ignore
    );
    expect(after.steps.map((step: { attempts: number }) => step.attempts)).toEqual([1, 3, 1]);
  });

  it('API-04 an outcome too long for a record is named by its digest, and the trace stays whole', async () => {
    const { replica, mongo } = await bench();
    const engine = await replica('r1');
    const steps: Step<Input>[] = [
      { name: 'many', title: 'Many', run: async () => ({ jobs: Array(5_000).fill('job_x') }) },
    ];
    engine.define({ 'tenants.archive': { ...scripted([], () => undefined), steps } });
    const job = await settle(engine, await engine.submit(submission('acme', 'k', { kind: 'tenants.archive' })));
    const [inbox, placed] = await Promise.all(
      ['audit_inbox', 'audit_records'].map((name) => mongo.db.collection(name).findOne({ code: 'job.succeeded' })),
    );
    const after = JSON.parse((inbox ?? placed)!['after'] as string);
    expect(after.steps).toMatchObject([
      { name: 'many', state: 'succeeded', outcome: { truncated: true, bytes: 40_010 } },
    ]);
    expect(job.steps[0]?.outcome).toHaveProperty('jobs.length', 5_000);
  });
});

describe('lists', () => {
  const ids = (jobs: readonly { _id: string }[]): string[] => jobs.map(({ _id }) => _id);

  it('UI-14 in both orders, open or ended, within a time, and by a tenant also those about several', async () => {
    const { replica } = await bench();
    let release = (): void => undefined;
    const engine = await replica('r1', { hold: new Promise((resolve) => (release = resolve)) });
    const several = { ...definition('tenants.resume', worldOf((await bench()).mongo)), tenantId: () => null, tenants: () => ['t1', 't2'] }; // prettier-ignore
    engine.define({ 'tenants.resume': several as never });
    const both = await settle(engine, await engine.submit(submission('both', 'b', { kind: 'tenants.resume' })));
    const all = [both];
    for (const n of [1, 2, 3, 4]) all.push(await engine.submit(submission(`t${n}`, `k${n}`)));
    const page = async (filter: object, more: object = {}, limit = 10): Promise<{ _id: string }[]> =>
      (await engine.store.page({ filter, visible: 'all', sort: -1, ...more }, limit)).rows;
    expect(ids(await page({}))).toEqual(ids(all).toReversed());
    expect(ids(await page({}, { sort: 1 }))).toEqual(ids(all));
    expect(ids(await page({}, { sort: 1, after: all[1]!.order }, 2))).toEqual(ids(all.slice(2, 4)));
    expect(ids(await page({ open: true }))).toEqual(ids(all.slice(1)).toReversed());
    expect(ids(await page({ open: false }))).toEqual([both._id]);
    expect(ids(await page({ open: true, state: 'succeeded' }))).toEqual([]);
    expect(ids(await page({ from: all[2]!.created_at, to: all[3]!.created_at }, { sort: 1 }))).toEqual([all[2]!._id]);
    expect(ids(await page({ to: new Date(0) }))).toEqual([]);
    expect(ids(await page({ tenant_id: 't1' }))).toEqual(ids(all.slice(0, 2)).toReversed());
    expect(ids(await page({ tenant_id: 't1' }, { sort: 1 }, 1))).toEqual([both._id]);
    expect(ids(await page({}, { visible: new Set(['t1']) }))).toEqual([all[1]!._id]);
    expect(ids(await page({}, { visible: new Set(['t1', 't2']) }))).toEqual(ids(all.slice(0, 3)).toReversed());
    expect(ids(await page({ tenant_id: 't2' }, { visible: new Set(['t1']) }))).toEqual([]);
    expect(await engine.store.count(['queued', 'running'], null, 'all', 100)).toBe(4);
    expect(await engine.store.count(['succeeded'], both.created_at, 'all', 100)).toBe(1);
    expect(await engine.store.count(['running'], null, new Set(['t3']), 100)).toBe(1);
    expect(await engine.store.count(['running'], null, 'all', 3)).toBe(3);
    release();
    await Promise.all(all.map((job) => settle(engine, job)));
  });
});

describe('several replicas', () => {
  const points: CrashPoint['at'][] = ['before', 'after'];
  const places = ['a', 'b', 'c', 'end'].flatMap((step) => points.map((at) => [step, at] as const));

  it.each(places)(
    'NFR-07 a replica that dies at %s (%s the effect) is taken over by its next boot',
    async (step, at) => {
      const { replica, world } = await bench();
      const reached = Promise.withResolvers<void>();
      const dies = (point: CrashPoint): Promise<void> | undefined => {
        if (point.step !== step || point.at !== at) return undefined;
        reached.resolve();
        return new Promise<void>(() => undefined);
      };
      const first = await replica('r1', {}, dies);
      const job = await first.submit(submission('acme', 'k'));
      await reached.promise;
      const second = await replica('r1');
      const done = await settle(second, job);
      expect(done.state).toBe('succeeded');
      expect(done.steps.map((each) => each.state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
      expect(await world.all()).toEqual({ 'acme.a': job._id, 'acme.b': job._id, 'acme.c': job._id });
    },
  );

  it('NFR-07 a stalled replica loses its job to another and cannot write when it wakes, also when its clock jumped', async () => {
    const { replica } = await bench();
    let wake = (): void => undefined;
    const stall = new Promise<void>((resolve) => (wake = resolve));
    const frozen = systemAmbient();
    // A stopped process: neither its timers nor its job move until it wakes.
    const ambient: Ambient = {
      ...frozen,
      now: () => new Date(Date.now() + 86_400_000),
      sleep: (ms, signal) => (ms === 1_000 ? stall : frozen.sleep(ms, signal)),
    };
    const first = await replica(
      'r1',
      {},
      (point) => (point.step === 'b' && point.at === 'after' ? stall : undefined),
      ambient,
    );
    const job = await first.submit(submission('acme', 'k'));
    const second = await replica('r2');
    const done = await settle(second, job);
    expect([done.state, done.fence > 1]).toEqual(['succeeded', true]);
    wake();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await second.store.get(job._id)).toEqual(done);
  });

  it('NFR-07 a replica that stops hands its job back, and the other finishes it', async () => {
    const { replica } = await bench();
    const first = await replica('r1', { hold: new Promise(() => undefined) });
    const job = await first.submit(submission('acme', 'k'));
    const second = await replica('r2');
    await first.stop(100);
    const done = await settle(second, job);
    expect(done.state).toBe('succeeded');
  });
});
