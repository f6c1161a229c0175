// What a sample of crash points leaves out, the next ones take.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mutations } from '@cloudlysis/contract';
import { CHILDREN, JOB_KINDS, TOUCHES } from './cases.ts';
import { inGroups } from './groups.ts';
import { nameOf, type Point } from './held-points.ts';
import { crashSeed, sampled, SEEDS } from './sample.ts';

/** As the rig makes them: both sides of each step and of the end, of each kind, there and back. */
const someWorld = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: JOB_KINDS.length, maxLength: JOB_KINDS.length }).map((counts) =>
  JOB_KINDS.flatMap((kind, index) =>
    (['forward', 'backward'] as const).flatMap((direction) =>
      [...Array.from({ length: counts[index]! }, (_, n) => `s${n}`), 'end'].flatMap((step): Point[] =>
        (['before', 'after'] as const).map((at) => ({ kind, step, direction, at })),
      ),
    ),
  ),
); // prettier-ignore

it('NFR-07 as many runs as there are seeds kill at every point, and each kills at every step of a job of high risk', () => {
  fc.assert(
    fc.property(someWorld, fc.nat(1_000), (points, first) => {
      const runs = Array.from({ length: SEEDS }, (_, n) => sampled(points, first + n));
      expect(new Set(runs.flat().map(nameOf)).size).toBe(points.length);
      for (const run of runs) {
        const stepOf = ({ kind, step }: Point): string => `${kind}/${step}`;
        const high = (list: readonly Point[]) =>
          list.filter(({ kind }) => mutations[kind].submit.mutation.risk === 'high').map(stepOf);
        expect(high(run).length).toBeGreaterThan(5);
        expect(high(run).sort()).toEqual([...new Set(high(points))].sort());
        expect(new Set(run.map(({ kind }) => kind)).size).toBe(JOB_KINDS.length);
      }
      expect(sampled(points, 'all')).toEqual(points);
    }),
    { numRuns: 50 },
  );
});

it('NFR-07 a seed repeats a run, and what is no seed is refused', () => {
  expect(crashSeed({ CRASH_SEED: '4' })).toBe(4);
  expect(crashSeed({ CRASH_POINTS: 'all', CRASH_SEED: '4' })).toBe('all');
  expect(() => crashSeed({ CRASH_SEED: 'x' })).toThrow(/number/);
  for (let n = 0; n < 20; n++) expect(crashSeed({})).toBeLessThan(SEEDS);
});

it('NFR-07 every point of a sample dies in one group, and jobs that die together have nothing in common', () => {
  fc.assert(
    fc.property(someWorld, fc.nat(SEEDS), (points, seed) => {
      const sample = sampled(points, seed);
      const groups = inGroups(sample);
      expect(groups.flat().map(nameOf).sort()).toEqual(sample.map(nameOf).sort());
      for (const group of groups) {
        const kinds = group.map(({ kind }) => kind);
        const things = kinds.flatMap((kind) => TOUCHES[kind]);
        expect([new Set(kinds).size, new Set(things).size]).toEqual([kinds.length, things.length]);
        for (const kind of kinds) expect(kinds).not.toContain(CHILDREN[kind]);
      }
    }),
    { numRuns: 50 },
  );
});
