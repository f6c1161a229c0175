// Which of all crash points a run kills at: each step once where a job is of high risk, every third point of the others.
import { randomInt } from 'node:crypto';
import { mutations } from '@cloudlysis/contract';
import type { Point } from './held-points.ts';

/** So many seeds in a row kill at every point there is: there and back, two sides of a step, every third of the rest. */
export const SEEDS = 12;

/** `CRASH_SEED` repeats a run; `CRASH_POINTS=all` (`npm run crash`) takes every point. */
export function crashSeed(env: NodeJS.ProcessEnv = process.env): number | 'all' {
  if (env['CRASH_POINTS'] === 'all') return 'all';
  const given = env['CRASH_SEED'];
  if (given === undefined) return randomInt(SEEDS);
  if (!/^\d{1,6}$/.test(given)) throw new Error(`CRASH_SEED is a number, not ${given}`);
  return Number(given) % SEEDS;
}

/** `points` are those of both directions; of a job of high risk each step is killed at once, on one of its sides, there or back. */
export function sampled(points: readonly Point[], seed: number | 'all'): Point[] {
  if (seed === 'all') return [...points];
  const seen = new Map<string, number>();
  const next = (list: string): number => {
    const index = seen.get(list) ?? 0;
    seen.set(list, index + 1);
    return index;
  };
  const isHigh = ({ kind }: Point): boolean => mutations[kind].submit.mutation.risk === 'high';
  const steps = Map.groupBy(points.filter(isHigh), ({ kind, step }) => `${kind}/${step}`);
  const chosen = new Set([...steps.values()].map((step, index) => step[(index + seed) % step.length]));
  return points.filter((point) =>
    isHigh(point) ? chosen.has(point) : (next(`${point.kind}/${point.direction}`) + seed) % 3 === 0,
  );
}

/** Told at the start of a run, so that one that fails can be had again. */
export const replay = (seed: number | 'all', file: string): string =>
  seed === 'all'
    ? `${file}: every crash point\n`
    : `${file}: crash points of seed ${seed}; again with CRASH_SEED=${seed} npm test -- e2e/${file}; all with npm run crash\n`;
