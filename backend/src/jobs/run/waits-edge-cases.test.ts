// What nobody means a job that waits to meet: words too late and twice, times that are none, rows of a foreign hand.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Problem, type MutationId, type Verdict } from '@cloudlysis/contract';
import { eventually } from '../../../testing/eventually.ts';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import type { Principal } from '../../call/principal.ts';
import type { JobDefinition, SignalStep, Step } from '../define/definition.ts';
import { ADA, asked, kindOf, person, site, type Input } from '../engine/engine.fixture.ts';
import type { JobEngine } from '../index.ts';
import type { JobDocument } from '../record/job-document.ts';

const [BOB, CYD] = [person('bob'), person('cyd')];
const ROBOT: Principal = { ...person('robot'), onBehalfOf: BOB.id };
const done: string[] = [];
const effect = (name: string, run?: () => Promise<unknown>): Step<Input> => ({
  name,
  title: name,
  run: async ({ input }) => void (await run?.(), done.push(`${input.tenant} ${name}`)),
  compensate: async ({ input }) => void done.push(`${input.tenant} undo ${name}`),
});
const did = (tenant: string): string[] => done.filter((one) => one.startsWith(`${tenant} `)).map((one) => one.slice(tenant.length + 1)); // prettier-ignore
const approval = (more: Partial<SignalStep<Input>['signal']> = {}): SignalStep<Input> => ({
  name: 'approval',
  title: 'Approval',
  attempts: 1,
  signal: { name: 'approval', permission: 'configs.approve', ...more },
});
const ended = (engine: JobEngine, job: Pick<JobDocument, '_id'>): Promise<JobDocument> =>
  engine.settled(job._id, 60_000);
const waiting = (engine: JobEngine, jobId: string): Promise<JobDocument> =>
  eventually(`${jobId} waits`, async () => {
    const job = await engine.store.get(jobId);
    return job?.wait && job.queue === job.wait.for ? job : false;
  });
const send = (engine: JobEngine, jobId: string, from: Principal, verdict: Verdict = 'proceed') =>
  engine.signal(jobId, {
    name: 'approval',
    verdict,
    from,
    reason: 'seen',
    evidence: null,
    provenance: asked('tenants.update', 'x').provenance,
  });
const stored = (mongo: Mongo) => mongo.db.collection<JobDocument>('jobs');
const change = (mongo: Mongo, _id: string, $set: Record<string, unknown>) => stored(mongo).updateOne({ _id }, { $set });

describe('words', () => {
  it('GEN-31 of one person under two names, their own and that of who speaks for them, are one', async () => {
    await using here = await site();
    const engine = await here.replica('r1', [kindOf('tenants.update', [approval({ needed: 2 }), effect('a')])]);
    const { _id } = await engine.submit(asked('tenants.update', 'one'));
    await waiting(engine, _id);
    await send(engine, _id, BOB);
    await send(engine, _id, ROBOT);
    await eventually('it is told of', async () => (await engine.store.get(_id))?.wait?.signal?.given.length === 1);
    await sleep(300);
    expect((await waiting(engine, _id)).wait!.signal!.given.map(({ by }) => by)).toEqual([BOB.id]);
    await send(engine, _id, CYD);
    expect((await ended(engine, { _id })).state).toBe('succeeded');
  });

  it('GEN-31 to a job that a job started are not for who asked for that one through somebody else', async () => {
    await using here = await site();
    const family = kindOf('tenants.bulk_pause', [
      {
        name: 'all',
        title: 'All',
        children: ({ input }) => ({
          jobs: [{ kind: 'tenants.pause', key: '0', input: { tenant: `${input.tenant}-0` } }],
          atOnce: 1,
        }),
        joined: async () => null,
      },
    ]);
    const engine = await here.replica('r1', [family, kindOf('tenants.pause', [approval({ notByRequester: true })])]);
    const parent = await engine.submit(asked('tenants.bulk_pause', 'four', { actor: { ...CYD, onBehalfOf: ADA.id } }));
    await waiting(engine, parent._id);
    const [child] = await engine.store.childrenOf(parent._id);
    await waiting(engine, child!._id);
    for (const one of [ADA, CYD])
      await expect(send(engine, child!._id, one)).rejects.toMatchObject({ code: 'permission.missing' });
    await send(engine, child!._id, BOB);
    expect((await ended(engine, parent)).state).toBe('succeeded');
  });

  it('GEN-31 sent once more by somebody who may again wake the job, and count by who they are now', async () => {
    await using here = await site();
    const allowed = new Set([ADA.id, BOB.id, CYD.id]);
    const may = ({ id, granted }: Principal) => ({ allowed: allowed.has(id) || granted.length > 0, reason: 'no' });
    const engine = await here.replica('r1', [kindOf('tenants.update', [approval({ needed: 2 }), effect('a')])], { may });
    const { _id } = await engine.submit(asked('tenants.update', 'again'));
    await waiting(engine, _id);
    await send(engine, _id, BOB);
    await eventually('it is told of', async () => (await engine.store.get(_id))?.wait?.signal?.given.length === 1);
    allowed.delete(BOB.id);
    await send(engine, _id, CYD);
    await eventually('it counts no more', async () => (await engine.store.get(_id))?.wait?.signal?.given[0]?.by === CYD.id); // prettier-ignore
    await send(engine, _id, { ...BOB, granted: [{ principal: BOB.id, role: 'operator', scope: { kind: 'global' } }] });
    expect((await ended(engine, { _id })).state).toBe('succeeded');
    const records = await here.mongo.db.collection('audit_inbox').countDocuments({ code: 'job.signalled' });
    expect(records).toBe(2);
  }); // prettier-ignore

  it('IAM-32 who asked and who answered are held to the environment of their token later, too; 0.1 stored none, and its issuers were global', async () => {
    await using here = await site();
    const may = ({ environment }: Principal) => ({ allowed: environment === null, reason: `of ${environment}` });
    const engine = await here.replica('r1', [kindOf('tenants.update', [approval({ needed: 2 }), effect('a')])], { may });
    const { _id } = await engine.submit(asked('tenants.update', 'upgraded'));
    await waiting(engine, _id);
    await expect(send(engine, _id, { ...BOB, environment: 'dev' })).rejects.toMatchObject({ message: 'of dev' });
    await send(engine, _id, BOB);
    const { db } = here.mongo;
    await db.collection('job_signals').updateOne({ job_id: _id }, { $unset: { 'from.environment': 1 } });
    await db.collection<JobDocument>('jobs').updateOne({ _id }, { $unset: { 'requester.environment': 1 } });
    await send(engine, _id, CYD);
    expect((await ended(engine, { _id })).state).toBe('succeeded');

    const bound = await engine.submit({ ...asked('tenants.update', 'bound'), actor: { ...ADA, environment: 'dev' } });
    await waiting(engine, bound._id);
    for (const one of [BOB, CYD]) await send(engine, bound._id, one);
    expect(await ended(engine, bound)).toMatchObject({ state: 'failed', problem: { code: 'permission.missing' } });
  }); // prettier-ignore

  it('GEN-31 that come once the time is over count no more, whoever was there to see it', async () => {
    await using here = await site();
    const kinds = [kindOf('tenants.update', [approval({ withinMs: 1_500 }), effect('a')])];
    const first = await here.replica('r1', kinds);
    const desk = await here.replica('r2', kinds, { slots: 0 });
    const { _id } = await first.submit(asked('tenants.update', 'late'));
    const { until } = (await waiting(first, _id)).wait!;
    await first.stop(500);
    await sleep(Math.max(0, until!.getTime() - Date.now()) + 100);
    await expect(send(desk, _id, BOB)).rejects.toMatchObject({ code: 'job.state' });
    // As a replica of before would have taken it.
    await change(here.mongo, _id, { 'steps.0.wait.until': null });
    await send(desk, _id, BOB);
    await change(here.mongo, _id, { 'steps.0.wait.until': (await here.job(_id)).wait!.until });
    const end = await ended(await here.replica('r3', kinds), { _id });
    expect([end.state, end.problem?.code, did('late')]).toEqual(['failed', 'wait.expired', []]);
  });

  it.each([
    ['before the first effect', [approval(), effect('b')], 'failed', []],
    ['after an effect', [effect('a'), approval(), effect('b')], 'compensated', ['a', 'undo a']],
  ] as const)('GEN-31 against it that are taken while it goes on are heeded: %s', async (title, steps, state, expected) => {
    await using here = await site();
    let jobId = '';
    const engine: JobEngine = await here.replica('r1', [kindOf('tenants.update', steps)], {
      crashPoint: async ({ step, at, direction }) => {
        if (step !== 'approval' || at !== 'after' || direction !== 'forward') return;
        await send(engine, jobId, CYD, 'refuse');
      },
    });
    ({ _id: jobId } = await engine.submit(asked('tenants.update', title)));
    await waiting(engine, jobId);
    await send(engine, jobId, BOB);
    const end = await ended(engine, { _id: jobId });
    expect([end.state, end.problem?.code, did(title)]).toEqual([state, 'signal.refused', expected]);
  }); // prettier-ignore

  it('NFR-07 to a job that this replica does not know are refused as worth asking again, and so is its retry', async () => {
    await using here = await site();
    const engine = await here.replica('r1', [kindOf('tenants.update', [approval()])]);
    const other = await here.replica('r2', []);
    const { _id } = await engine.submit(asked('tenants.update', 'other'));
    await waiting(engine, _id);
    await expect(send(other, _id, BOB)).rejects.toMatchObject({ code: 'job.unfamiliar', status: 503 });
    expect(() => other.definitionOf('tenants.update')).toThrow(/does not know the kind/);
  });
});

describe('steps', () => {
  it('GEN-33 NFR-07 a job of waits alone has its lane and is asked again before what its end changes', async () => {
    await using here = await site();
    const worlds = new Map<string, number>();
    const held: boolean[] = [];
    const kind = kindOf('tenants.update', [approval()], {
      plan: async ({ tenant }) => ({ checks: [], diff: [], blastRadius: [], rollback: '', world: worlds.get(tenant) ?? 0 }), // prettier-ignore
      commit: async ({ jobId }) => void held.push((await here.job(jobId)).active),
    });
    const engine = await here.replica('r1', [kind]);
    for (const [tenant, state] of [['moved', 'failed'], ['still', 'succeeded']] as const) {
      const job = await engine.submit(asked('tenants.update', tenant));
      await waiting(engine, job._id);
      if (tenant === 'moved') worlds.set(tenant, 1);
      await send(engine, job._id, BOB);
      expect((await ended(engine, job)).state).toBe(state);
    } // prettier-ignore
    expect(held).toEqual([true]);
  });

  const nothing = { name: 'w', title: 'w', attempts: 1 };
  const none = async (): Promise<never> => Promise.reject(new Error('nothing intended'));
  const jobs = (keys: readonly string[]) =>
    keys.map((key, at) => ({ kind: 'tenants.pause' as MutationId, key, input: { tenant: `${key}${at}` } }));
  const joined = async (): Promise<null> => null;
  const odd: [string, Step<Input>, JobDocument['state']][] = [
    ['a signal whose intent throws', { ...approval(), intent: none }, 'failed'],
    ['a time whose intent throws', { ...nothing, until: () => new Date(), intent: none }, 'failed'],
    ['children whose intent throws', { ...nothing, children: () => ({ jobs: [], atOnce: 1 }), joined, intent: none }, 'failed'],
    ['a time that is none', { ...nothing, until: () => new Date(NaN) }, 'failed'],
    ['a time that no page can tell', { ...nothing, until: () => new Date(8.64e15) }, 'failed'],
    ['a time before all', { ...nothing, until: () => new Date(-8.64e15) }, 'succeeded'],
    ['a deadline that is none', approval({ withinMs: () => NaN }), 'failed'],
    ['a deadline that no page can tell', approval({ withinMs: 1e18 }), 'failed'],
    ['a deadline before it begins', approval({ withinMs: () => -1 }), 'failed'],
    ['no children', { ...nothing, children: () => ({ jobs: [], atOnce: 0 }), joined }, 'succeeded'],
    ['two children under one key', { ...nothing, children: () => ({ jobs: jobs(['x', 'x']), atOnce: 2 }), joined }, 'failed'],
    ['any number of children at once', { ...nothing, children: () => ({ jobs: jobs(['a', '__proto__']), atOnce: NaN }), joined }, 'succeeded'],
  ]; // prettier-ignore
  it.each(odd)('NFR-07 %s has an end', async (title, step, state) => {
    await using here = await site();
    const engine = await here.replica('r1', [kindOf('tenants.update', [step, effect('a')]), kindOf('tenants.pause', [effect('c')])]); // prettier-ignore
    expect((await ended(engine, await engine.submit(asked('tenants.update', title)))).state).toBe(state);
  });

  it.each([
    ['its verdict on its children is told at once', new Problem('step.failed', 'one failed'), 1],
    ['a surprise is looked at again', new Error('a surprise'), 2],
  ])('UI-15 NFR-07 where a parent ends in a failure: %s', async (tenant, failure, looks) => {
    await using here = await site();
    let looked = 0;
    const joined = async (): Promise<never> => {
      looked += 1;
      throw failure;
    };
    const step = { name: 'w', title: 'w', attempts: 2, children: () => ({ jobs: [], atOnce: 1 }), joined };
    const engine = await here.replica('r1', [kindOf('tenants.update', [step])]);
    const end = await ended(engine, await engine.submit(asked('tenants.update', tenant)));
    expect([end.state, end.problem?.code, looked]).toEqual(['failed', 'step.failed', looks]);
  });

  it('GEN-31 a deadline that never comes is none: the first of two words ends nothing', async () => {
    await using here = await site();
    const engine = await here.replica('r1', [kindOf('tenants.update', [approval({ withinMs: Infinity, needed: 2 })])]);
    const { _id } = await engine.submit(asked('tenants.update', 'ever'));
    expect((await waiting(engine, _id)).wait!.until).toBeNull();
    await send(engine, _id, BOB);
    await eventually('it is told of', async () => (await engine.store.get(_id))?.wait?.signal?.given.length === 1);
    await send(engine, _id, CYD);
    expect((await ended(engine, { _id })).state).toBe('succeeded');
  });

  it('NFR-07 a child that is another than the one asked for now, such as after a release, fails its parent', async () => {
    await using here = await site();
    let reason = 'before';
    const children = ({ input }: { input: Input }) => ({
      jobs: [{ kind: 'tenants.pause' as MutationId, key: '0', input: { tenant: `${input.tenant}-0`, reason } }],
      atOnce: 1,
    });
    const kinds: JobDefinition<Input>[] = [
      kindOf('tenants.bulk_pause', [{ name: 'all', title: 'All', attempts: 1, children, joined }]),
      kindOf('tenants.pause', [approval()]),
    ];
    const engine = await here.replica('r1', kinds);
    const parent = await engine.submit(asked('tenants.bulk_pause', 'shift'));
    await waiting(engine, parent._id);
    reason = 'after';
    // As one that died before it wrote down what it had started.
    await change(here.mongo, parent._id, { 'steps.0.wait.children': { next: 0, open: [], refused: [] } });
    await engine.store.wake(parent._id);
    expect((await ended(engine, parent)).problem?.code).toBe('step.failed');
    expect((await engine.store.childrenOf(parent._id)).map(({ state }) => state)).toEqual(['cancelled']);
  });

  it('API-03 the way back of a job that waited for its children takes no slot of others', async () => {
    await using here = await site();
    const held = Promise.withResolvers<void>();
    const child = { kind: 'tenants.pause' as MutationId, key: '0' };
    const children = ({ input }: { input: Input }) => ({ jobs: [{ ...child, input: { tenant: `${input.tenant}-0` } }], atOnce: 1 }); // prettier-ignore
    const kinds: JobDefinition<Input>[] = [
      kindOf('tenants.bulk_pause', [{ ...nothing, children, joined }]),
      kindOf('tenants.pause', [effect('a'), approval()]),
      kindOf('tenants.update', [effect('long', () => held.promise)]),
    ];
    const engine = await here.replica('r1', kinds, { slots: 1 });
    const parent = await engine.submit(asked('tenants.bulk_pause', 'back'));
    await eventually('its child waits', async () => (await engine.store.childrenOf(parent._id))[0]?.queue === 'signal'); // prettier-ignore
    const { provenance } = await waiting(engine, parent._id);
    await engine.submit(asked('tenants.update', 'slot'));
    await engine.cancel(parent._id, ADA.id, 'enough', {
      code: 'job.cancel_requested', action: 'jobs.cancel', actor: ADA, resource: parent.resource, tenantId: null,
      outcome: 'requested', reason: 'enough', jobId: parent._id, provenance,
    }); // prettier-ignore
    expect((await ended(engine, parent)).state).toBe('cancelled');
    held.resolve();
  });
});

describe('rows of a foreign hand', () => {
  it('NFR-07 keep no time from being met, however many have one and wait for nothing', async () => {
    await using here = await site();
    const hour = 3_600_000;
    const kinds = [kindOf('tenants.update', [{ name: 'w', title: 'w', until: () => new Date(Date.now() + hour) }])];
    const engine = await here.replica('r1', kinds);
    const { _id } = await engine.submit(asked('tenants.update', 'met'));
    const { _id: _, plan_id: _plan, ...row } = await waiting(engine, _id);
    await engine.stop(500);
    for (let at = 0; at < 300; at += 50) {
      const rows = Array.from({ length: 50 }, (_one, n) => ({
        ...row,
        _id: `odd-${at + n}`,
        idempotency: `odd-${at + n}`,
        queue: 'bogus',
        wake_at: new Date(1),
      }));
      await stored(here.mongo).insertMany(rows as unknown as JobDocument[]);
    }
    // What a store under load does not answer in time is the next sweep's.
    const away = (error: unknown): boolean => {
      if ((error as Problem).code !== 'store.unavailable') throw error;
      return true;
    };
    while (await engine.store.wakeDue(new Date(Date.now() + 2 * hour)).catch(away)) continue;
    expect((await here.job(_id)).queue).toBe('ready');
    expect(await stored(here.mongo).countDocuments({ wake_at: { $gt: new Date(0) } })).toBe(0);
  });

  it('NFR-07 a token that is a question or a pattern is compared as it is, so that no job goes to wait past a word', async () => {
    await using here = await site();
    const engine = await here.replica('r1', [kindOf('tenants.update', [approval()])]);
    const job = await waiting(engine, (await engine.submit(asked('tenants.update', 'token')))._id);
    await change(here.mongo, job._id, { woken: 'since' });
    for (const woken of [undefined, { $gt: '' }, /x/u, { $exists: true }] as unknown as string[])
      expect(await engine.store.suspend({ ...job, woken }, {}, null)).toMatchObject({ woken: 'since' });
  });

  it('NFR-07 what a parent keeps of its children stops no look at those behind it', async () => {
    await using here = await site();
    const child = { kind: 'tenants.pause' as MutationId, key: '0' };
    const children = ({ input }: { input: Input }) => ({ jobs: [{ ...child, input: { tenant: `${input.tenant}-0` } }], atOnce: 1 }); // prettier-ignore
    const joined = async (): Promise<null> => null;
    const kinds = [kindOf('tenants.bulk_pause', [{ name: 'w', title: 'w', children, joined }]), kindOf('tenants.pause', [approval()])]; // prettier-ignore
    const engine = await here.replica('r1', kinds);
    const parents = [];
    for (const tenant of ['p0', 'p1'])
      parents.push(await waiting(engine, (await engine.submit(asked('tenants.bulk_pause', tenant)))._id));
    await change(here.mongo, parents[0]!._id, { 'steps.0.wait.children.open': { length: 3 } });
    await stored(here.mongo).updateMany({ parent_job_id: { $ne: null } }, { $set: { state: 'succeeded', queue: null, active: false } }); // prettier-ignore
    expect(await engine.store.wakeForgotten()).toBe(2);
    expect((await ended(engine, parents[1]!)).state).toBe('succeeded');
  });
});
