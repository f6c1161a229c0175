// Replicas whose clocks are a year apart: no list hides a job of another, and a plan that one made another accepts.
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ObjectId } from 'mongodb';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { operator } from '../../audit/audit.fixture.ts';
import { eventually } from '../../../testing/eventually.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { textOfId } from '../../kernel/bad-records.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { jobReads, type JobDefinition, type JobEngine, type Step } from '../index.ts';
import type { JobDocument } from '../record/job-document.ts';
import type { JobSummaryDocument } from '../record/job-summary.ts';
import { createJobStore, type JobStore } from '../store/jobs.store.ts';
import { assertAlive } from '../plan/plan-expiry.ts';
import { makePlan } from '../plan/planning.ts';
import type { Submission } from './submission.ts';
import { startedOn } from './engine.fixture.ts';

const YEAR_MS = 365 * 86_400_000;
const MINUTE_MS = 60_000;

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

interface Input {
  readonly tenant: string;
  readonly children?: readonly string[];
}

function definition(kind: 'tenants.update' | 'tenants.pause'): JobDefinition<Input> {
  const step: Step<Input> = {
    name: 'all',
    title: 'All',
    children: ({ input }) => ({
      jobs: (input.children ?? []).map((tenant) => ({ kind, input: { tenant }, key: tenant })),
      atOnce: 3,
    }),
    joined: async () => null,
  };
  return {
    kind, risk: kind === 'tenants.pause' ? 'high' : 'low', permission: 'tenants.update', steps: [step],
    lane: ({ tenant }) => `tenant:${tenant}`, tenantId: ({ tenant }) => tenant, resource: ({ tenant }) => `tenant:${tenant}`,
    plan: async () => ({ checks: [], diff: [], blastRadius: [], rollback: 'undone' }),
    verify: async () => ({ checks: [], facts: {} }),
  }; // prettier-ignore
}

async function database(): Promise<Mongo> {
  const { uri, db } = freshDatabase();
  const mongo = await connectMongo(uri, db);
  running.push(() => mongo.close());
  return mongo;
}

async function replica(mongo: Mongo, id: string, offsetMs: number): Promise<JobEngine> {
  const ambient = { ...systemAmbient(), now: () => new Date(Date.now() + offsetMs) };
  const definitions = { 'tenants.update': definition('tenants.update'), 'tenants.pause': definition('tenants.pause') };
  const engine = await startedOn(mongo, id, definitions, { ambient });
  running.push(() => engine.stop(200));
  return engine;
}

const ADA = { ...operator, id: 'user:a@b.test' };
const submission = (input: Input, key: string, more: Partial<Submission> = {}): Submission => ({
  kind: 'tenants.update', input, reason: 'because', actor: 'user:a@b.test', idempotencyKey: key, planHash: null,
  provenance: { requestId: `req-${key}`, traceId: null, ip: null, agent: null }, parentJobId: null, retryOf: null, ...more,
}); // prettier-ignore

/** Every id that a walk through all pages of `GET /jobs` gives. */
async function listed(engine: JobEngine, query: object, limit: number): Promise<string[]> {
  const list = jobReads({ engine, ambient: systemAmbient(), may: () => ({ allowed: true, reason: null }) })[
    'jobs.list'
  ];
  const ids: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await list({ query: { sort: '-created_at', limit, cursor, ...query }, visible: 'all' } as never);
    ids.push(...page.items.map(({ job_id }) => job_id));
    if (page.next_cursor === null) return ids;
    cursor = page.next_cursor;
  }
}

describe('replicas whose clocks differ', () => {
  const offset = fc.oneof(
    fc.constantFrom(-YEAR_MS, YEAR_MS, -25 * MINUTE_MS, 25 * MINUTE_MS, 0),
    fc.integer({ min: -YEAR_MS, max: YEAR_MS }),
  );

  it('NFR-09 NFR-07 every job is in every list of every replica once, and a parent shows all its children', async () => {
    const scene = fc.record({
      offsets: fc.array(offset, { minLength: 2, maxLength: 3 }),
      turns: fc.array(fc.nat(2), { minLength: 3, maxLength: 6 }),
      limit: fc.integer({ min: 1, max: 4 }),
    });
    const property = fc.asyncProperty(scene, async ({ offsets, turns, limit }) => {
      const mongo = await database();
      const engines: JobEngine[] = [];
      for (const [index, ms] of offsets.entries()) engines.push(await replica(mongo, `r${index}`, ms));
      const at = (turn: number): JobEngine => engines[turn % engines.length]!;
      const jobs: JobDocument[] = [];
      for (const [n, turn] of turns.entries())
        jobs.push(await at(turn).submit(submission({ tenant: `t${n}` }, `k${n}`)));
      const parent = await at(turns[0]!).submit(submission({ tenant: 'p', children: ['a', 'b', 'c', 'd', 'e', 'f'] }, 'p')); // prettier-ignore
      await at(turns[1]!).settled(parent._id, 60_000);
      const children = (await engines[0]!.store.childrenOf(parent._id)).map(({ _id }) => _id).sort();
      const all = [...jobs.map(({ _id }) => _id), parent._id, ...children].sort();
      expect(children).toHaveLength(6);
      for (const engine of engines) {
        expect((await listed(engine, {}, limit)).sort()).toEqual(all);
        expect((await listed(engine, { sort: 'created_at' }, limit)).sort()).toEqual(all);
        expect((await listed(engine, { parent_job_id: parent._id }, limit)).sort()).toEqual(children);
        // What was just submitted is of the last day on every replica.
        const from = new Date(engine.now().getTime() - 86_400_000).toISOString();
        expect((await listed(engine, { from }, 200)).sort()).toEqual(all);
        expect(await engine.store.count(['succeeded', 'running', 'queued'], new Date(from), 'all', 100)).toBe(
          all.length,
        );
      }
      for (const stop of running.splice(0).reverse()) await stop();
    });
    await fc.assert(property, { numRuns: 4, examples: [[{ offsets: [0, 25 * MINUTE_MS], turns: [0, 1, 0], limit: 2 }]] }); // prettier-ignore
  });

  it('API-05 GEN-32 a plan that one replica made another accepts, whatever their clocks say', async () => {
    const mongo = await database();
    const [ahead, behind] = [await replica(mongo, 'r1', 25 * MINUTE_MS), await replica(mongo, 'r2', -YEAR_MS)];
    for (const [n, [maker, judge]] of (
      [
        [ahead, behind],
        [behind, ahead],
      ] as const
    ).entries()) {
      const input = { tenant: `t${n}` };
      const plan = await maker.preflight({ kind: 'tenants.pause', input, actor: ADA, retryOf: null });
      const job = await judge.submit(submission(input, `k${n}`, { kind: 'tenants.pause', planHash: plan.hash }));
      expect((await judge.settled(job._id, 60_000)).state).toBe('succeeded');
    }
  });

  it.each([
    [25 * MINUTE_MS, '25 min or more ahead'],
    [YEAR_MS, '525600 min or more ahead'],
    [-16 * MINUTE_MS, 'expired at .*, 60 s ago'],
    [-40 * MINUTE_MS, 'expired at .*, 25 min ago'],
  ])(
    'API-05 a plan by a clock that is %d ms off is refused in a sentence that names the difference',
    async (off, said) => {
      // A plan ends with a whole second.
      const now = new Date(Math.ceil(Date.now() / 1000) * 1000);
      const { plan } = await makePlan(
        definition('tenants.update') as JobDefinition<unknown>,
        { tenant: 't' },
        { principal: null, jobId: null },
        new Date(now.getTime() + off),
        () => '',
      );
      expect(() => assertAlive(new Date(plan.expires_at), now)).toThrow(new RegExp(said));
    },
  );
});

describe('how far clocks are off is known', () => {
  const within = (ms: number) => (aheadMs: number | null | undefined) => Math.abs((aheadMs ?? NaN) - ms) < 1_500;

  it.each([25 * MINUTE_MS, -25 * MINUTE_MS, YEAR_MS, 0])(
    'NFR-07 a replica that is %d ms off the store says so to the others, as long as it beats',
    async (off) => {
      const mongo = await database();
      const replicasOf = mongo.db.collection<{ _id: string }>('replicas');
      await replicasOf.insertOne({ _id: 'dead', boot: 'b', beat: 7, ahead_ms: 9e9 } as never);
      const [here, there] = [await replica(mongo, 'r1', 0), await replica(mongo, 'r2', off)];
      const seen = (engine: JobEngine) => new Map(engine.otherReplicas().map(({ name, aheadMs }) => [name, aheadMs]));
      await eventually('each has seen the other beat', async () => seen(here).has('r2') && seen(there).has('r1'));
      expect([...seen(here).keys()]).toEqual(['r2']);
      expect([within(off)(seen(here).get('r2')), within(0)(seen(there).get('r1'))]).toEqual([true, true]);
      await running.pop()!();
      await eventually('who left is not told of', async () => !seen(here).has('r2'));
    },
  );
});

describe('orders that no clock of ours gave out', () => {
  const NOW = Date.now() * 4096;

  async function stored(orders: readonly number[]): Promise<JobStore> {
    const mongo = await database();
    const store = createJobStore(mongo, () => new Date());
    await store.ensureIndexes();
    const documents = orders.map((order, n) => ({ _id: `job_${String(n).padStart(3, '0')}`, order, idempotency: `k${n}`, lane: `l${n}` })); // prettier-ignore
    await mongo.db.collection<{ _id: string }>('jobs').insertMany(documents);
    return store;
  }

  it('NFR-09 jobs with equal, ancient, future and impossible orders are each on one page, in both directions', async () => {
    const order = fc.oneof(
      fc.constantFrom(NOW, NOW + 1, 0, -1, 9e15, Number.MAX_SAFE_INTEGER, 1e300, -1e300, 0.5, -2.5e17),
      fc.integer({ min: -YEAR_MS, max: YEAR_MS }).map((ms) => NOW + ms * 4096),
    );
    const property = fc.asyncProperty(
      fc.array(order, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (orders, limit) => {
        const store = await stored(orders);
        for (const sort of [1, -1] as const) {
          const seen: JobSummaryDocument[] = [];
          for (let page: JobSummaryDocument[] = []; ;) {
            const last = page.at(-1);
            const asked = { filter: {}, visible: 'all', sort, after: last?.order, afterId: last?._id } as const;
            page = (await store.page(asked, limit)).rows;
            seen.push(...page);
            if (page.length < limit) break;
          }
          expect(seen.map(({ _id }) => _id).sort()).toEqual(orders.map((_, n) => `job_${String(n).padStart(3, '0')}`));
          const read = seen.map((job) => job.order);
          expect(read).toEqual(read.toSorted((a, b) => (a - b) * sort));
        }
        await running.pop()?.();
      },
    );
    await fc.assert(property, { numRuns: 12, examples: [[[NOW, NOW, NOW, NOW, NOW], 2]] });
  });

  it('NFR-08 NFR-09 whatever ids foreign documents have, each job is on one page, and what is none is told of', async () => {
    const own = ['job_1', 'job_2', 'job_3', '', 'a b', 'job x  y', 'ä\u0000😀'];
    const foreign = [7, -1, true, new Date(1), new ObjectId(), {}, { a: 'b c' }, 'x'.repeat(2_000), '\u0000'.repeat(300)];
    const mongo = await database();
    const store = createJobStore(mongo, () => new Date());
    await store.ensureIndexes();
    const jobs = mongo.db.collection<{ _id: unknown }>('jobs');
    const list = jobReads({ engine: { store } } as never)['jobs.list'];
    const property = fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 2 }), { minLength: own.length + foreign.length, maxLength: own.length + foreign.length }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom('created_at', '-created_at'),
      async (orders, limit, sort) => {
        await jobs.deleteMany({});
        await jobs.insertMany([...own, ...foreign].map((_id, n) => ({ _id, order: NOW + orders[n]!, idempotency: `k${n}`, lane: `l${n}` })));
        const met: string[] = [];
        for (let cursor: string | null | undefined, pages = 0; cursor !== null; pages += 1) {
          const page = await list({ query: { sort, limit, cursor }, visible: 'all' } as never);
          met.push(...page.unreadable!.map(({ id }) => id));
          cursor = page.next_cursor;
          expect([pages, (cursor ?? '').length <= 512]).toEqual([Math.min(pages, own.length), true]);
        }
        expect(own.map((id) => met.filter((one) => one === textOfId(id)).length)).toEqual(own.map(() => 1));
        expect(foreign.filter((id) => !met.includes(textOfId(id)))).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 6 });
  }); // prettier-ignore

  it('NFR-09 a job submitted after one from the future is newer, and one such job stops nobody from counting on', async () => {
    const store = await stored([NOW + YEAR_MS * 4096, 9e15]);
    await store.lookUp();
    const next = store.nextOrder();
    expect(next).toBeGreaterThan(NOW + YEAR_MS * 4096);
    expect(next).toBeLessThan(9e15);
    expect(store.nextOrder()).toBe(next + 1);
  });
});
