// Jobs that wait: for a time, a signal or their children; without a slot, through restarts, and woken once for all.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Plan, type MutationId, type Verdict } from '@cloudlysis/contract';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { eventually } from '../../../testing/eventually.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import type { Principal, Visible } from '../../call/principal.ts';
import type { EffectStep, JobDefinition, SignalStep, Step } from '../define/definition.ts';
import { ADA, asked, kindOf, person, site, type Input } from '../engine/engine.fixture.ts';
import { jobMutations, type JobEngine } from '../index.ts';
import type { SignalCall } from '../api/shown-job.ts';
import { everybodyMay } from '../engine/may-all.fixture.ts';
import { pauseOnceApproved } from './wait-example.fixture.ts';
import { jobToWire, type JobDocument } from '../record/job-document.ts';
import { FenceLost } from '../record/job-writes.ts';

const YEAR_MS = 365 * 86_400_000;
const done: string[] = [];
const effect = (name: string, more: Partial<EffectStep<Input>> = {}): Step<Input> => ({
  name,
  title: name,
  run: async ({ input }) => void done.push(`${input.tenant} ${name}`),
  compensate: async ({ input }) => void done.push(`${input.tenant} undo ${name}`),
  ...more,
});
const did = (tenant: string): string[] => done.filter((one) => one.startsWith(`${tenant} `)).map((one) => one.slice(tenant.length + 1)); // prettier-ignore
const inMs = (ms: number): Step<Input> => ({ name: 'window', title: 'Wait for the window', until: () => new Date(Date.now() + ms) }); // prettier-ignore
const approval = (more: Partial<SignalStep<Input>['signal']> = {}): Step<Input> => ({
  name: 'approval',
  title: 'Wait for an approval',
  signal: { name: 'approval', permission: 'configs.approve', ...more },
});

const ended = (engine: JobEngine, job: Pick<JobDocument, '_id'>, ms = 20_000): Promise<JobDocument> =>
  engine.settled(job._id, ms);
const waiting = (engine: JobEngine, jobId: string): Promise<JobDocument> =>
  eventually(`${jobId} waits`, async () => {
    const job = await engine.store.get(jobId);
    return job?.wait && job.queue === job.wait.for ? job : false;
  });
const send = (engine: JobEngine, jobId: string, from: Principal, verdict: Verdict = 'proceed', name = 'approval') =>
  engine.signal(jobId, {
    name,
    verdict,
    from,
    reason: 'seen',
    evidence: { ticket: 7 },
    provenance: asked('tenants.update', 'x').provenance,
  });
const cancel = (engine: JobEngine, job: JobDocument) =>
  engine.cancel(job._id, ADA.id, 'enough', {
    code: 'job.cancel_requested', action: 'jobs.cancel', actor: ADA, resource: job.resource, tenantId: job.tenant_id,
    outcome: 'requested', reason: 'enough', jobId: job._id, provenance: job.provenance,
  }); // prettier-ignore

describe('waiting for a time', () => {
  it('NFR-07 takes no slot and no lane before the first effect, and says until when', async () => {
    await using here = await site();
    const engine = await here.replica(
      'r1',
      [kindOf('tenants.update', [inMs(2_500), effect('a')]), kindOf('tenants.pause', [effect('b')])],
      { slots: 1 },
    );
    const slow = await engine.submit(asked('tenants.update', 'w1'));
    const asleep = await waiting(engine, slow._id);
    expect([asleep.state, asleep.active, asleep.owner]).toEqual(['queued', false, null]);
    const wire = jobToWire(asleep, true);
    expect(wire.waiting).toMatchObject({ for: 'time', until: asleep.wait!.until!.toISOString(), signal: null });
    expect(wire.steps.map(({ state }) => state)).toEqual(['waiting', 'pending']);
    expect((await ended(engine, await engine.submit(asked('tenants.pause', 'w1')))).state).toBe('succeeded');
    expect(did('w1')).toEqual(['b']);
    const end = await ended(engine, slow);
    expect([end.state, end.wait, end.queue]).toEqual(['succeeded', null, null]);
    expect(end.ended_at!.getTime()).toBeGreaterThanOrEqual(asleep.wait!.until!.getTime());
    expect(did('w1')).toEqual(['b', 'a']);
  });

  it('NFR-07 keeps its lane after the first effect: who wants it waits behind', async () => {
    await using here = await site();
    const steps = [effect('a'), inMs(2_000), effect('c')];
    const metrics = new Registry();
    const engine = await here.replica('r1', [kindOf('tenants.update', steps), kindOf('tenants.pause', [effect('b')])], {
      slots: 1,
      metrics,
    });
    const slow = await engine.submit(asked('tenants.update', 'w2'));
    const asleep = await waiting(engine, slow._id);
    expect([asleep.state, asleep.active, asleep.owner]).toEqual(['running', true, null]);
    expect((await engine.active()).map(({ jobId }) => jobId)).toContain(slow._id);
    expect((await engine.holderOf('tenant:w2', null))?.jobId).toBe(slow._id);
    const behind = await engine.submit(asked('tenants.pause', 'w2'));
    await ended(engine, behind);
    expect(did('w2')).toEqual(['a', 'c', 'b']);
    // Woken is not taken over: nobody died.
    expect(await metrics.getSingleMetricAsString('cp_job_takeovers_total')).toContain('cp_job_takeovers_total 0');
  });

  it('NFR-07 survives the end of every replica, and no clock that jumps moves its end', async () => {
    await using here = await site();
    const kinds = [kindOf('tenants.update', [inMs(3_000), effect('a')])];
    const first = await here.replica('r1', kinds);
    const { _id } = await first.submit(asked('tenants.update', 'w3'));
    const asleep = await waiting(first, _id);
    await first.stop(500);
    const ahead = { ...systemAmbient(), now: () => new Date(Date.now() + YEAR_MS) };
    const second = await here.replica('r2', kinds, { ambient: ahead });
    const end = await ended(second, { _id });
    expect(end.state).toBe('succeeded');
    expect(end.ended_at!.getTime()).toBeGreaterThanOrEqual(asleep.wait!.until!.getTime());
    expect(did('w3')).toEqual(['a']);
  });
});

describe('waiting for a signal', () => {
  it('GEN-31 AUD-01 counts people and not words, keeps who sent what, and goes on once they are enough', async () => {
    await using here = await site();
    const kinds = [kindOf('tenants.update', [approval({ needed: 2, notByRequester: true }), effect('a')])];
    const engine = await here.replica('r1', kinds);
    const { _id } = await engine.submit(asked('tenants.update', 's1'));
    const asleep = await waiting(engine, _id);
    expect(jobToWire(asleep, true).waiting).toMatchObject({
      for: 'signal', what: 'approval', until: null,
      signal: { permission: 'configs.approve', except: ADA.id, needed: 2, given: [] },
    }); // prettier-ignore
    await expect(send(engine, _id, ADA)).rejects.toMatchObject({ code: 'permission.missing' });
    await expect(send(engine, _id, { ...person('robot'), onBehalfOf: ADA.id })).rejects.toMatchObject({ code: 'permission.missing' }); // prettier-ignore
    for (let n = 0; n < 3; n += 1) await send(engine, _id, person('bob'));
    await eventually('one is told of', async () => (await engine.store.get(_id))?.wait?.signal?.given.length === 1);
    await send(engine, _id, person('cyd'));
    const end = await ended(engine, { _id });
    expect(end.state).toBe('succeeded');
    expect(end.steps[0]!.outcome).toMatchObject({
      given: [{ by: 'user:bob@acme.test', evidence: { ticket: 7 } }, { by: 'user:cyd@acme.test' }],
    });
    const inbox = await here.mongo.db.collection('audit_inbox').find({ code: 'job.signalled' }).toArray();
    expect(inbox.map(({ actor }) => actor as string)).toEqual(['user:bob@acme.test', 'user:cyd@acme.test']);
    await expect(send(engine, _id, person('dan'))).rejects.toMatchObject({ code: 'job.state' });
    await expect(send(engine, _id, person('dan'), 'proceed', 'weather')).rejects.toMatchObject({ code: 'signal.unknown' });
  }); // prettier-ignore

  it('GEN-31 takes one that comes before its job waits for it, also from a replica that runs nothing', async () => {
    await using here = await site();
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const kinds = [kindOf('tenants.update', [effect('a', { run: () => held }), approval(), effect('c')])];
    const engine = await here.replica('r1', kinds);
    const other = await here.replica('r2', kinds, { slots: 0 });
    const job = await engine.submit(asked('tenants.update', 's2'));
    await send(other, job._id, person('bob'));
    letGo();
    expect((await ended(engine, job)).state).toBe('succeeded');
    expect(did('s2')).toEqual(['c']);
  });

  const ends: [string, Step<Input>, (engine: JobEngine, jobId: string) => Promise<unknown>, string][] = [
    ['a word against it', approval(), (engine, id) => send(engine, id, person('bob'), 'refuse'), 'signal.refused'],
    ['silence', approval({ withinMs: 300 }), async () => undefined, 'wait.expired'],
    ['too few', approval({ withinMs: 1_500, needed: 2 }), (engine, id) => send(engine, id, person('bob')), 'wait.expired'],
  ]; // prettier-ignore
  it.each(ends)('GEN-31 %s ends it without an effect', async (_, step, act, code) => {
    await using here = await site();
    const engine = await here.replica('r1', [kindOf('tenants.update', [step, effect('a')])]);
    const { _id } = await engine.submit(asked('tenants.update', code));
    await waiting(engine, _id);
    await act(engine, _id);
    const end = await ended(engine, { _id });
    expect([end.state, end.problem?.code]).toEqual(['failed', code]);
    expect(did(code)).toEqual([]);
    expect(end.steps.map(({ state }) => state)).toEqual(['failed', 'pending']);
  }); // prettier-ignore

  it('GEN-31 after an effect a word against it undoes what was done', async () => {
    await using here = await site();
    const engine = await here.replica('r1', [kindOf('tenants.update', [effect('a'), approval(), effect('c')])]);
    const { _id } = await engine.submit(asked('tenants.update', 's4'));
    await waiting(engine, _id);
    await send(engine, _id, person('bob'), 'refuse');
    expect((await ended(engine, { _id })).state).toBe('compensated');
    expect(did('s4')).toEqual(['a', 'undo a']);
  });
});

describe('sending a signal', () => {
  it('GEN-32 API-05 SEC-02 is shown first, and neither who may not see the job nor a plan of another verdict sends one', async () => {
    await using here = await site();
    const engine = await here.replica('r1', [kindOf('tenants.update', [approval(), effect('a')])]);
    const { _id } = await engine.submit(asked('tenants.update', 'h1'));
    await waiting(engine, _id);
    const handler = jobMutations({ engine, ambient: systemAmbient(), may: everybodyMay }, [])['jobs.signal'];
    const call = (visible: Visible, verdict: Verdict) =>
      ({
        params: { job_id: _id, signal: 'approval' }, body: { verdict, reason: 'seen' }, principal: person('bob'), visible, visibleAt: () => visible,
        provenance: asked('tenants.update', 'x').provenance, signal: new AbortController().signal,
      }) as unknown as SignalCall; // prettier-ignore
    await expect(handler.preflight(call(new Set(['other']), 'proceed'))).rejects.toMatchObject({ code: 'job.unknown' });
    const plan = await handler.preflight(call('all', 'proceed'));
    expect(Plan.safeParse(plan).error).toBeUndefined();
    expect(plan.diff).toMatchObject([{ before: '0 of 1 said proceed', after: '1 of 1 said proceed' }]);
    const headers = { idempotencyKey: 'k', planHash: plan.hash, waitMs: 10_000 };
    await expect(handler.submit(call('all', 'refuse'), headers)).rejects.toMatchObject({ code: 'plan.stale' });
    expect(await handler.submit(call(new Set(['h1']), 'proceed'), headers)).toMatchObject({ state: 'succeeded' });
  });
});

describe('what is asked again when a job goes on', () => {
  const allowed = new Set<string>();
  const may = (principal: Principal) => ({ allowed: allowed.has(principal.id), reason: `${principal.id} may not` });
  const worlds: Record<string, number> = {};
  const kind = (name: MutationId, more: Partial<JobDefinition<Input>> = {}) =>
    kindOf(name, [approval(), effect('a')], {
      plan: async ({ tenant }) => ({
        checks: [],
        diff: [],
        blastRadius: [],
        rollback: 'undone',
        world: worlds[tenant] ?? 0,
      }),
      ...more,
    });

  const changes: [string, 'low' | 'high', string, () => unknown, string | null][] = [
    ['the plan is another by then', 'low', 'p1', () => (worlds['p1'] = 1), 'plan.stale'],
    ['the plan of a high-risk job is another by then', 'high', 'p2', () => (worlds['p2'] = 1), 'plan.stale'],
    ['the requester may not any more', 'low', 'p3', () => allowed.delete(ADA.id), 'permission.missing'],
    ['nothing has changed', 'high', 'p4', () => undefined, null],
  ];
  it.each(changes)('GEN-33 GEN-31 %s', async (_, risk, tenant, change, code) => {
    await using here = await site();
    [ADA.id, person('bob').id].forEach((id) => allowed.add(id));
    const name = risk === 'high' ? 'tenants.pause' : 'tenants.update';
    const engine = await here.replica('r1', [kind(name, { risk })], { may });
    const wanted = asked(name, tenant);
    const plan = await engine.preflight({ ...wanted, actor: ADA });
    const { _id } = await engine.submit({ ...wanted, planHash: plan.hash });
    await waiting(engine, _id);
    // However long it waited: the plan that was approved is over as one to quote, and holds as what was approved.
    await here.mongo.db.collection<JobDocument>('jobs').updateOne({ _id }, { $set: { 'plan.expires_at': new Date(0).toISOString() } }); // prettier-ignore
    change();
    await send(engine, _id, person('bob'));
    const end = await ended(engine, { _id });
    expect([end.state, end.problem?.code ?? null]).toEqual([code ? 'failed' : 'succeeded', code]);
    expect(did(tenant)).toEqual(code ? [] : ['a']);
  });

  it('GEN-31 the word of somebody who may not any more counts no more: the job waits on, or ends in its lane’s turn', async () => {
    await using here = await site();
    [ADA.id, person('bob').id, person('cyd').id].forEach((id) => allowed.add(id));
    const engine = await here.replica('r1', [kindOf('tenants.update', [approval({ needed: 2 }), effect('a')])], { may }); // prettier-ignore
    const { _id } = await engine.submit(asked('tenants.update', 'p5'));
    await waiting(engine, _id);
    await send(engine, _id, person('bob'));
    await eventually('it is told of', async () => (await engine.store.get(_id))?.wait?.signal?.given.length === 1);
    allowed.delete(person('bob').id);
    await send(engine, _id, person('cyd'));
    await eventually('one counts no more', async () => (await engine.store.get(_id))?.wait?.signal?.given[0]?.by === person('cyd').id); // prettier-ignore
    expect((await waiting(engine, _id)).wait!.signal!.given.map(({ by }) => by)).toEqual([person('cyd').id]);

    // Enough have said so, and its lane is another's: what counts is whether they still may when it is its turn.
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const kinds = [kindOf('tenants.update', [approval(), effect('a')]), kindOf('tenants.pause', [effect('b', { run: () => held })])]; // prettier-ignore
    const other = await here.replica('r2', kinds, { may });
    const holder = await other.submit(asked('tenants.pause', 'p6'));
    const second = await other.submit(asked('tenants.update', 'p6'));
    await waiting(other, second._id);
    await send(other, second._id, person('cyd'));
    await eventually('it stands in line', async () => (await other.store.get(second._id))?.queue === 'lane');
    allowed.delete(person('cyd').id);
    letGo();
    await ended(other, holder);
    const end = await ended(other, second);
    expect([end.state, end.problem?.code]).toEqual(['failed', 'permission.missing']);
    expect(did('p6')).toEqual([]);
  });
});

describe('a wait that cannot begin', () => {
  const broken = (name: string, more: object): [string, Step<Input>] => [
    name,
    { ...(approval() as SignalStep<Input>), ...more, attempts: 2 } as Step<Input>,
  ];
  it.each([
    broken('its intent throws', { intent: async () => Promise.reject(new Error('no')) }),
    ['its time throws', { name: 'window', title: 'w', until: () => { throw new Error('no'); }, attempts: 2 } as Step<Input>],
    ['its time is none', { name: 'window', title: 'w', until: () => new Date(NaN), attempts: 2 } as Step<Input>],
  ])('NFR-07 ends its job once, and does not begin it again and again: %s', async (name, step) => {
    await using here = await site();
    const engine = await here.replica('r1', [kindOf('tenants.update', [step, effect('a')])]);
    const end = await ended(engine, await engine.submit(asked('tenants.update', `b ${name}`)), 60_000);
    expect([end.state, end.problem?.code, end.fence]).toEqual(['failed', 'step.failed', 1]);
  }); // prettier-ignore
});

describe('claiming', () => {
  it('NFR-07 by an old look takes no job that has gone to wait since, and none from where it was then', async () => {
    await using here = await site();
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const kinds = [kindOf('tenants.update', [effect('a', { run: () => held }), approval(), effect('c')])];
    const engine = await here.replica('r1', kinds);
    const { _id } = await engine.submit(asked('tenants.update', 'o1'));
    const old = (await engine.store.get(_id))!;
    letGo();
    const now = await waiting(engine, _id);
    expect(await engine.store.claim(old, 'r2#x', new Date(), true)).toBe('lost');
    // Left by its claimant: taken, as it stands and not as it was seen.
    await here.mongo.db.collection<JobDocument>('jobs').updateOne({ _id }, { $set: { queue: 'running', owner: old.owner } }); // prettier-ignore
    const claimed = await engine.store.claim({ ...old, fence: now.fence }, 'r2#x', new Date(), true);
    expect(typeof claimed === 'object' && claimed.steps.map(({ state }) => state)).toEqual(['succeeded', 'waiting', 'pending']); // prettier-ignore
  });
});

describe('cancelling a job that waits', () => {
  it('API-03 before its first effect it has ended at once; after it, its way back is taken', async () => {
    await using here = await site();
    const kinds = [kindOf('tenants.update', [approval(), effect('a')]), kindOf('tenants.pause', [effect('a'), approval(), effect('c')])]; // prettier-ignore
    const engine = await here.replica('r1', kinds);
    const early = await waiting(engine, (await engine.submit(asked('tenants.update', 'c1')))._id);
    const cancelled = await cancel(engine, early);
    expect([cancelled.state, cancelled.steps[0]!.state, cancelled.wait]).toEqual(['cancelled', 'interrupted', null]);
    const late = await waiting(engine, (await engine.submit(asked('tenants.pause', 'c2')))._id);
    await cancel(engine, late);
    const end = await ended(engine, late);
    expect([end.state, end.steps.map(({ state }) => state).join()]).toEqual(['compensated', 'compensated,interrupted,pending']); // prettier-ignore
    expect(did('c2')).toEqual(['a', 'undo a']);
    expect(did('c1')).toEqual([]);
  });
});

describe('waiting for children', () => {
  const family = (children: number, atOnce: number, child: Step<Input> = effect('child')): JobDefinition<Input>[] => [
    kindOf('tenants.bulk_pause', [
      {
        name: 'all',
        title: 'All',
        children: ({ input }) => ({
          jobs: Array.from({ length: children }, (_, n) => ({
            kind: 'tenants.pause',
            key: `${n}`,
            input: { tenant: `${input.tenant}-${n}` },
          })),
          atOnce,
        }),
        joined: async (_context, results) => results.map(({ key, state }) => `${key} ${state}`),
      },
    ]),
    kindOf('tenants.pause', [child]),
  ];

  it('NFR-07 more parents than there are slots starve nobody, and a refused child stops no other', async () => {
    await using here = await site();
    const [parent, child] = family(3, 2);
    const plan: JobDefinition<Input>['plan'] = async ({ tenant }) => {
      const status = tenant.endsWith('-1') ? 'block' : 'pass';
      const gate = { id: 'gate', title: 'Gate', status, measured: 1, limit: 1, unit: null, detail: `gate is ${status}` } as const;
      return { checks: [gate], diff: [], blastRadius: [], rollback: 'undone' };
    }; // prettier-ignore
    const engine = await here.replica('r1', [parent!, { ...child!, plan }], { slots: 2 });
    const parents = await Promise.all(Array.from({ length: 12 }, (_, n) => engine.submit(asked('tenants.bulk_pause', `f${n}`)))); // prettier-ignore
    for (const job of parents) {
      const end = await ended(engine, job, 60_000);
      expect([end.state, end.steps[0]!.outcome]).toEqual(['succeeded', ['0 succeeded', '1 refused', '2 succeeded']]);
    }
  });

  it('NFR-07 GEN-19 wherever replicas die, every child runs once and the parent counts all of them', async () => {
    const property = fc.asyncProperty(
      fc.record({
        children: fc.integer({ min: 1, max: 5 }),
        atOnce: fc.integer({ min: 1, max: 3 }),
        deaths: fc.array(fc.nat(25), { maxLength: 3 }),
      }),
      async ({ children, atOnce, deaths }) => {
        await using here = await site();
        const ran: string[] = [];
        const kinds = family(children, atOnce, effect('child', { run: async ({ jobId }) => void ran.push(jobId) }));
        let left = [...deaths];
        let points = 0;
        let dead = false;
        const crashPoint = async (): Promise<void> => {
          points += 1;
          if (dead || left.includes(points)) {
            dead = true;
            await new Promise<void>(() => undefined);
          }
        };
        const first = await here.replica('r1', kinds, { crashPoint, leaseMs: 1_000 });
        const { _id } = await first.submit(asked('tenants.bulk_pause', 'g'));
        await eventually('it ends or dies', async () => dead || (await here.job(_id)).state === 'succeeded');
        left = [];
        if (dead) await first.stop(10);
        dead = false;
        const second = await here.replica('r1', kinds, { leaseMs: 1_000 });
        const end = await ended(second, { _id }, 60_000);
        expect(end.steps[0]!.outcome).toEqual(Array.from({ length: children }, (_, n) => `${n} succeeded`));
        const jobs = await here.mongo.db.collection('jobs').countDocuments({ parent_job_id: _id });
        expect([jobs, new Set(ran).size]).toEqual([children, children]);
      },
    );
    await fc.assert(property, { numRuns: 8 });
  }, 120_000);

  it('API-03 a cancel stops the children first, and is no slot’s wait either', async () => {
    await using here = await site();
    const slow = effect('child', {
      run: ({ signal }) => sleep(20_000, undefined, { signal }),
      compensate: async ({ input }) => {
        await sleep(300);
        done.push(`${input.tenant} undo child`);
      },
    });
    const engine = await here.replica('r1', family(6, 3, slow), { slots: 3 });
    const parent = await engine.submit(asked('tenants.bulk_pause', 'h'));
    await eventually(
      'three are under way',
      async () =>
        (await here.mongo.db.collection('jobs').countDocuments({ kind: 'tenants.pause', state: 'running' })) === 3,
    );
    await cancel(engine, await waiting(engine, parent._id));
    const end = await ended(engine, parent);
    expect(end.state).toBe('cancelled');
    const children = await engine.store.childrenOf(parent._id);
    expect(children.map(({ state }) => state).sort()).toEqual(['compensated', 'compensated', 'compensated']);
    expect(children.every((child) => child.ended_at! <= end.ended_at!)).toBe(true);
  });

  it('NFR-07 who lost the parent starts no child for it', async () => {
    await using here = await site();
    const engine = await here.replica('r1', family(1, 1, approval()));
    const parent = await waiting(engine, (await engine.submit(asked('tenants.bulk_pause', 'i')))._id);
    const late = engine.submit(asked('tenants.pause', 'late', { parentJobId: parent._id, parentFence: parent.fence - 1, actor: ADA.id })); // prettier-ignore
    await expect(late).rejects.toBeInstanceOf(FenceLost);
    expect(await here.mongo.db.collection('jobs').countDocuments({ parent_job_id: parent._id })).toBe(1);
  });

  it('NFR-07 a parent that nobody woke is found', async () => {
    await using here = await site();
    const engine = await here.replica('r1', family(2, 2, approval()));
    const { _id } = await engine.submit(asked('tenants.bulk_pause', 'j'));
    await waiting(engine, _id);
    // Ended by a hand, or by a release that wakes nobody.
    await here.mongo.db.collection('jobs').updateMany({ parent_job_id: _id }, { $set: { state: 'succeeded', queue: null, active: false } }); // prettier-ignore
    expect(await engine.store.wakeForgotten()).toBe(1);
    expect((await ended(engine, { _id })).state).toBe('succeeded');
  });
});

describe('the example of CONTRIBUTING.md', () => {
  it('GEN-31 is shown there as it is, has a wait in fifteen lines, and works', async () => {
    const read = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8');
    const example = read('wait-example.fixture.ts')
      .replace(/^[^]*?(?=export const)/, '')
      .replace(' // prettier-ignore', '');
    expect(read('../../../../CONTRIBUTING.md')).toContain(example);
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(15);

    await using here = await site();
    const paused: string[] = [];
    const pause = async (id: string): Promise<void> => void paused.push(id);
    const kind = pauseOnceApproved({ pause, resume: pause, nextWindow: () => new Date(Date.now() + 500) });
    const engine = await here.replica('r1', [kind as unknown as JobDefinition<Input>]);
    const wanted = { ...asked('tenants.pause', 'e1'), input: { tenant_id: 'e1' } };
    const { hash } = await engine.preflight({ ...wanted, actor: ADA });
    const { _id } = await engine.submit({ ...wanted, planHash: hash });
    await waiting(engine, _id);
    await expect(send(engine, _id, ADA)).rejects.toMatchObject({ code: 'permission.missing' });
    await send(engine, _id, person('bob'));
    expect((await ended(engine, { _id })).state).toBe('succeeded');
    expect(paused).toEqual(['e1']);
  });
});
