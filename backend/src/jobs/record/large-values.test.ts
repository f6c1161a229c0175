// What a job keeps is bounded, what its steps read back is not lost by it, and what was cut says so.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BlastRadius, Problem, type Change } from '@cloudlysis/contract';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { cancelPlan } from '../api/cancel-plan.ts';
import { sha256 } from './digest.ts';
import type { JobDocument, StepDocument } from './job-document.ts';
import { boundedProblem, boundedProof, cut, createLargeValues } from './large-values.ts';
import { planOf, shownDiff, sideOf } from './plan-diff.ts';

let mongo: Mongo;
beforeAll(async () => {
  const { uri, db } = freshDatabase();
  mongo = await connectMongo(uri, db);
});
afterAll(() => mongo.close());

const moves = Array.from({ length: 20_000 }, (_, at) => `tenant-${at}-${'x'.repeat(40)}`);
const long = 'x'.repeat(50_000);

it('NFR-07 a long intent and outcome are marks in the job, and whole for its steps', async () => {
  const values = createLargeValues(mongo.db);
  const step = {
    name: 'move', title: 'Move', state: 'running', attempts: 1, started_at: null, ended_at: null, problem: null,
    intent: { to: [['a2', moves]], at: new Date(0) }, outcome: { small: true },
  } as StepDocument; // prettier-ignore
  const kept = await values.kept(step);
  expect(kept.outcome).toEqual({ small: true });
  expect(kept.intent).toEqual({ truncated: true, bytes: expect.any(Number), sha256: sha256(step.intent) });
  expect(JSON.stringify(kept).length).toBeLessThan(1_000);
  expect(await values.kept(kept)).toEqual(kept);
  const whole = await values.whole({ steps: [kept] } as JobDocument);
  expect(whole.steps[0]!.intent).toEqual(step.intent);
  const gone = { ...kept, outcome: { truncated: true, bytes: 1, sha256: 'f'.repeat(64) } };
  await expect(values.whole({ steps: [gone] } as JobDocument)).rejects.toMatchObject({ code: 'step.failed' });
});

it('API-04 proofs and problems are bounded, and say what was cut', () => {
  const check = { id: 'c', title: 'c', status: 'pass', measured: 1, limit: 1, unit: null, detail: long } as const;
  const proof = boundedProof({ checks: Array.from({ length: 1_000 }, () => check), facts: { moves } });
  expect(proof.checks).toHaveLength(201);
  expect(proof.checks.at(-1)).toMatchObject({ status: 'pass', detail: '800 more checks, all of them hold' });
  const warned = [...Array.from({ length: 300 }, () => check), { ...check, status: 'warn' as const }];
  expect(boundedProof({ checks: warned, facts: {} }).checks.at(-1)).toMatchObject({
    status: 'warn',
    detail: '101 more checks, 1 of them did not pass',
  });
  expect(proof.checks[0]!.detail).toMatch(/x … \(46000 more characters\)$/);
  expect(proof.facts).toMatchObject({ truncated: true, sha256: sha256({ moves }) });
  expect(boundedProof({ checks: [{ ...check, detail: 'ok' }], facts: { lost: 0 } })).toMatchObject({
    facts: { lost: 0 },
  });
  const problem = boundedProblem(new Problem('step.failed', long, { failed: moves }).toDocument('req'));
  expect(problem).toMatchObject({ code: 'step.failed', instance: 'req', truncated: true, bytes: expect.any(Number) });
  expect(JSON.stringify(problem).length).toBeLessThan(5_000);
  expect(cut('é'.repeat(40_000))).toMatchObject({ bytes: 80_002 });
});

it('API-04 a plan shows 200 lines, counts them all, and its digest covers every one', () => {
  const diff = moves.map((path): Change => ({ op: 'add', path, before: null, after: 1 }));
  const shown = shownDiff(diff);
  expect([shown.diff.length, shown.diff_total]).toEqual([200, 20_000]);
  expect(shownDiff(diff.with(19_999, { ...diff[0]!, after: 2 })).diff_hash).not.toBe(shown.diff_hash);
  const side = sideOf(shown as never, 'after');
  expect(Object.keys(side)).toHaveLength(201);
  expect(side['…']).toBe(`19800 more lines of ${shown.diff_hash}`);
  // As an earlier version kept it.
  expect(planOf({ diff } as never)).toMatchObject(shown);
});

describe('API-05 GEN-33 the blast radius of a plan that an earlier version kept', () => {
  const kept = { tenants: ['acme'], tenant_count: 1, in_flight: 4, consumer_lag: 1, requests_per_second: 118.4, traffic_share: 0.009 }; // prettier-ignore
  const blind = { ...kept, in_flight: null, consumer_lag: null, requests_per_second: null, traffic_share: null };
  it.each([
    [
      'says what it said, in its order',
      kept,
      [
        ['traffic', 118.4, 'req/s'],
        ['in flight', 4, 'in flight'],
        ['lag', 1, 'event behind'],
        ['traffic share', 0.9, '% of traffic'],
      ],
    ],
    [
      'still says what could not be measured',
      blind,
      [
        ['traffic', null, 'req/s'],
        ['in flight', null, 'in flight'],
        ['lag', null, 'events behind'],
      ],
    ],
  ])('%s', (_, blast_radius, figures) => {
    const shown = planOf({ diff: [], diff_total: 0, blast_radius } as never).blast_radius;
    expect(BlastRadius.parse(shown)).toEqual([
      {
        kind: 'tenant',
        ids: ['acme'],
        count: 1,
        figures: figures.map(([name, value, unit]) => ({ name, value, unit })),
      },
    ]);
  });

  it.each([
    ['touched none', { ...blind, tenants: [], tenant_count: 0 }],
    ['is none', 7],
    ['is absent', undefined],
    ['has half of it', { tenants: 'acme' }],
  ])('that %s speaks of none', (_, blast_radius) => {
    expect(planOf({ diff: [], diff_total: 0, blast_radius } as never).blast_radius).toEqual([]);
  });

  it('is upgraded in the plan of its cancel, too', () => {
    const job = { _id: 'job_1', state: 'running', steps: [], plan: { diff: [], diff_total: 0, blast_radius: kept } };
    const plan = cancelPlan(job as unknown as JobDocument, new Date(0), () => 'h');
    expect(BlastRadius.parse(plan.blast_radius)).toHaveLength(1);
  });

  it('is left as it is where this version made it', () => {
    const now = [{ kind: 'session', ids: ['s'], count: 1, figures: [] }];
    expect(planOf({ diff: [], diff_total: 0, blast_radius: now } as never).blast_radius).toEqual(now);
  });
});
