// What a plan decided is what its job does: hashed, kept, read back whole, and never taken out of what people are shown.
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { eventually } from '../../../testing/eventually.ts';
import { operator } from '../../audit/audit.fixture.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { defineJob } from '../define/define-job.ts';
import type { JobContext, JobDefinition, EffectStep } from '../define/definition.ts';
import { type JobEngine } from '../index.ts';
import { jobToWire, type JobDocument } from '../record/job-document.ts';
import { subjectIn, subjectOf } from '../plan/plan-seal.ts';
import { makePlan } from '../plan/planning.ts';
import { startedOn } from './engine.fixture.ts';

interface Input {
  readonly tenant: string;
}
interface Moves {
  readonly to: readonly string[];
}
interface Wrote {
  readonly told: readonly string[];
}

let mongo: Mongo;
let engine: JobEngine;
/** What a plan decides now. */
let wanted: readonly string[];
/** What the jobs were given, in order. */
let given: unknown[];
let undone: string[];
let hold: PromiseWithResolvers<void>;
let tenant: string;
let count = 0;

const writing: EffectStep<Input, Moves, { readonly of: string }, Wrote> = {
  name: 'write',
  title: 'Write what was decided',
  intent: async ({ input }) => ({ of: input.tenant }),
  run: async ({ decision, intent }) => {
    given.push(decision);
    return { told: [...decision.to, intent.of] };
  },
  compensate: async ({ intent }) => void undone.push(`write ${String(intent?.of)}`),
};

const first: EffectStep<Input, Moves> = {
  name: 'first',
  title: 'First',
  attempts: 1,
  // Does not ask what was decided.
  run: () => (count < 0 ? Promise.reject(new Error('never')) : Promise.resolve(null)),
  compensate: async () => void undone.push('first'),
};

const deciding = (kind: 'tenants.update' | 'scale.migrate'): JobDefinition<Input, Moves> => ({
  ...defineJob<Input, Moves>(kind, {
    lane: (input) => `tenant:${input.tenant}`,
    tenantId: (input) => input.tenant,
    resource: (input) => `tenant:${input.tenant}`,
    plan: async () => ({
      checks: [],
      diff: [{ op: 'replace', path: 'count', before: null, after: wanted.length }],
      blastRadius: [], // prettier-ignore
      rollback: 'undone',
      decision: { to: wanted },
    }),
    steps: [first, writing],
    verify: async ({ decision, outcomeOf }) => ({
      checks: [],
      facts: { told: outcomeOf(writing)?.told.length ?? null, decided: decision.to.length },
    }),
    commit: async ({ decision }) => void given.push(['commit', decision.to.length]),
    undo: (input, { decision, intentOf }) => ({
      operation: 'tenants.update',
      params: { of: intentOf(writing)?.of ?? '' },
      body: { tenant: input.tenant, decided: decision.to.length },
    }),
  }),
});

const holding: JobDefinition<Input> = {
  kind: 'tenants.pause', risk: 'low', permission: 'tenants.pause',
  lane: ({ tenant: id }) => `tenant:${id}`, tenantId: ({ tenant: id }) => id, resource: ({ tenant: id }) => `tenant:${id}`,
  plan: async () => ({ checks: [], diff: [], blastRadius: [], rollback: '' }),
  steps: [{ name: 'hold', title: 'Hold', run: async () => hold.promise }],
  verify: async () => ({ checks: [], facts: {} }),
}; // prettier-ignore

const start = (): Promise<JobEngine> =>
  startedOn(mongo, 'r1', {
    'tenants.update': deciding('tenants.update'),
    'scale.migrate': deciding('scale.migrate'),
    'tenants.pause': holding,
  });

beforeAll(async () => {
  const { uri, db } = freshDatabase();
  mongo = await connectMongo(uri, db);
  engine = await start();
});
beforeEach(() => {
  tenant = `t${++count}`;
  wanted = ['a', 'b'];
  given = [];
  undone = [];
  hold = Promise.withResolvers();
});
afterEach(() => hold.resolve());
afterAll(async () => {
  await engine?.stop(500);
  await mongo?.close();
});

type Kind = 'tenants.update' | 'scale.migrate' | 'tenants.pause';
async function submit(kind: Kind, key: string = kind): Promise<JobDocument> {
  const asked = { kind, input: { tenant }, actor: operator, retryOf: null };
  const planHash = kind === 'scale.migrate' ? (await engine.preflight(asked)).hash : null;
  return engine.submit({
    ...asked, reason: 'because', idempotencyKey: `${tenant} ${key}`, planHash,
    provenance: { requestId: 'r', traceId: null, ip: null, agent: null }, parentJobId: null,
  }); // prettier-ignore
}
const stored = () => mongo.db.collection<JobDocument>('jobs');
const ended = async ({ _id }: JobDocument): Promise<JobDocument> => engine.settled(_id, 60_000);

/** Accepted while another job holds the lane. */
async function queued(kind: Kind): Promise<JobDocument> {
  await submit('tenants.pause');
  const job = await submit(kind);
  await eventually('it waits', async () => (await stored().findOne({ _id: job._id }))?.queue === 'lane');
  return job;
}

it('API-05 NFR-07 steps, verify, commit and undo are given what the plan decided, and it is no part of what goes out', async () => {
  const job = await ended(await submit('tenants.update'));
  expect(job).toMatchObject({ state: 'succeeded', proof: { facts: { told: 3, decided: 2 } } });
  expect(job.undo).toMatchObject({ params: { of: tenant }, body: { decided: 2 } });
  expect(given).toEqual([{ to: ['a', 'b'] }, ['commit', 2]]);
  expect(jobToWire(job, true)).not.toHaveProperty('decision');
});

it('NFR-07 a decision of 10 000 is a mark in its job and whole for its steps, also after a wait', async () => {
  wanted = Array.from({ length: 10_000 }, (_, at) => `tenant-${at}-${'x'.repeat(40)}`);
  const job = await queued('tenants.update');
  const kept = await stored().findOne({ _id: job._id });
  expect(kept?.decision).toMatchObject({ truncated: true, bytes: expect.any(Number) });
  hold.resolve();
  expect((await ended(job)).proof?.facts).toEqual({ told: 10_001, decided: 10_000 });
  expect(given[0]).toEqual({ to: wanted });
});

describe('API-05 GEN-32 a job that waited for its lane', () => {
  it.each(['tenants.update', 'scale.migrate'] as const)('of the same decision does it: %s', async (kind) => {
    const job = await queued(kind);
    hold.resolve();
    expect((await ended(job)).state).toBe('succeeded');
    expect(given[0]).toEqual({ to: ['a', 'b'] });
  });

  // As many lines in the diff, and the same ones: the decision alone is another.
  it('at high risk does nothing once its plan would decide otherwise', async () => {
    const job = await queued('scale.migrate');
    wanted = ['a', 'c'];
    hold.resolve();
    expect(await ended(job)).toMatchObject({ state: 'failed', problem: { code: 'plan.stale' } });
    expect(given).toEqual([]);
  });

  it('at low risk does what its plan decides now, and that is what is kept and shown', async () => {
    const job = await queued('tenants.update');
    wanted = ['c', 'd', 'e'];
    hold.resolve();
    const end = await ended(job);
    expect(end).toMatchObject({ state: 'succeeded', decision: { to: ['c', 'd', 'e'] } });
    expect(end.plan.diff).toMatchObject([{ after: 3 }]);
    expect(given[0]).toEqual({ to: ['c', 'd', 'e'] });
  });

  it('is planned again also by whoever takes it from one that died before it began', async () => {
    const job = await queued('tenants.update');
    wanted = ['z'];
    // Claimed by a replica that is gone, which wrote nothing down.
    const claim = { queue: 'running', state: 'running', fence: 1, active: true, owner: 'gone#1' } as const;
    await stored().updateOne({ lane: `tenant:${tenant}`, kind: 'tenants.pause' }, { $set: { active: false } });
    await stored().updateOne({ _id: job._id }, { $set: claim });
    expect(await ended(job)).toMatchObject({ state: 'succeeded', decision: { to: ['z'] } });
    expect(given[0]).toEqual({ to: ['z'] });
  });
});

/** As the version before kept it, in the midst of its steps, and left by a replica that is gone. */
async function ofShape2(done: 'first' | 'write'): Promise<JobDocument> {
  const job = await queued('tenants.update');
  const end = { state: 'succeeded', attempts: 1, started_at: new Date(), ended_at: new Date() } as const;
  const steps = job.steps.map((step) => (done === 'write' || step.name === done ? { ...step, ...end } : step));
  await stored().updateOne({ lane: `tenant:${tenant}`, kind: 'tenants.pause' }, { $set: { active: false } });
  await stored().updateOne(
    { _id: job._id },
    { $set: { shape: 2, queue: null, state: 'running', fence: 1, active: true, owner: 'gone#1', steps }, $unset: { decision: 1 } },
  ); // prettier-ignore
  // As whenever a replica has gone: the version before put no claimed job where this one looks.
  await engine.store.adopt();
  return job;
}

it.each(['first', 'write'] as const)(
  'API-05 a job of the version before, stopped after %s, which kept no decision: undone with a clear problem where it needs one',
  async (done) => {
    const job = await ofShape2(done);
    const end = await ended(job);
    expect(end).toMatchObject({ state: 'compensated', problem: { code: 'plan.stale' } });
    expect(end.problem?.detail).toMatch(/earlier version/);
    expect(undone.at(-1)).toBe('first');
    expect(given).toEqual([]);
  },
);

it('GEN-32 the hash covers the decision, whatever it is, and is the same for the same', async () => {
  const input = { tenant: 'acme' };
  const hashOf = async (decision: unknown): Promise<string> => {
    const definition = {
      ...deciding('scale.migrate'),
      plan: async () => ({ ...(await deciding('scale.migrate').plan(input, nobody)), decision }),
    } as JobDefinition<unknown>;
    const { plan } = await makePlan(definition, input, nobody, new Date(0), (of) => subjectOf('k', input, of));
    return plan.hash;
  };
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), async (one, other) => {
      const same = isDeepStrictEqual(asJson(one), asJson(other));
      expect((await hashOf(one)) === (await hashOf(other))).toBe(same);
      expect(await hashOf(structuredClone(one))).toBe(await hashOf(one));
    }),
  );
  wanted = ['a', 'b'];
  const shown = await engine.preflight({ kind: 'scale.migrate', input, actor: operator, retryOf: null });
  wanted = ['b', 'a'];
  const later = await engine.preflight({ kind: 'scale.migrate', input, actor: operator, retryOf: null });
  expect(subjectIn(later.hash)).not.toBe(subjectIn(shown.hash));
});

it('NFR-07 what is no plain value is given to the first run as to one that reads it back, and so is hashed', async () => {
  const planned = (decision: unknown) =>
    makePlan(
      {
        ...deciding('scale.migrate'),
        plan: async () => ({ ...(await deciding('scale.migrate').plan({ tenant }, nobody)), decision }),
      } as JobDefinition<unknown>,
      { tenant },
      nobody,
      new Date(0),
      (of) => subjectOf('k', {}, of),
    );
  const at = new Date(0);
  expect((await planned({ at, none: undefined, of: new Map([['a', 1]]) })).decision).toEqual({
    at: at.toISOString(),
    of: {},
  });
  expect((await planned({ at })).plan.hash).toBe((await planned({ at: at.toISOString() })).plan.hash);
});

const nobody = { principal: null, jobId: null };
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Never run: that it compiles is the test, and that what must not compile does not (tsc refuses an unused expectation). */
export function typed(context: JobContext<Input, Moves>): void {
  const told: readonly string[] | undefined = context.outcomeOf(writing)?.told;
  const of: string | undefined = context.intentOf(writing)?.of;
  const to: readonly string[] = context.decision.to;
  void [told, of, to];
  // @ts-expect-error a step is named by its value
  context.outcomeOf('write');
  // @ts-expect-error and not by a name that looks like one
  context.intentOf({ name: 'write' });
  // @ts-expect-error of a type that nobody may choose
  context.outcomeOf<number>(writing);
  // @ts-expect-error what a step does not return
  void context.outcomeOf(writing)?.wrote;
  // @ts-expect-error this one intends nothing
  context.intentOf(first);
  // @ts-expect-error what people were shown is not parsed back
  void context.plan.diff;
  // @ts-expect-error what was not decided
  void context.decision.from;
  // @ts-expect-error who decides has to say so
  const undecided: () => ReturnType<Parameters<typeof defineJob<Input, Moves>>[1]['plan']> = async () => ({
    checks: [],
    diff: [],
    blastRadius: [] as never,
    rollback: '',
  });
  // @ts-expect-error what relies on an intent has one
  const careless: EffectStep<Input, Moves, { of: string }> = {
    name: 'x',
    title: 'x',
    run: async ({ intent }) => intent.of,
  };
  void [undecided, careless];
}
