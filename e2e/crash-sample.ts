// Which of all crash points a run kills at: each step once where a job is of high risk, every third point of the others.
import { randomInt } from 'node:crypto';
import { mutations } from '@cloudlysis/contract';
import type { Point } from './crash-rig.ts';

/** So many seeds in a row kill at every point there is: 2 sides of a step times every third of the rest. */
export const SEEDS = 6;

/** `CRASH_SEED` repeats a run; `CRASH_POINTS=all` (`npm run crash`) takes every point. */
export function crashSeed(env: NodeJS.ProcessEnv = process.env): number | 'all' {
  if (env['CRASH_POINTS'] === 'all') return 'all';
  const given = env['CRASH_SEED'];
  if (given === undefined) return randomInt(SEEDS);
  if (!/^\d{1,6}$/.test(given)) throw new Error(`CRASH_SEED is a number, not ${given}`);
  return Number(given) % SEEDS;
}

/** Points of one kind and direction stand in the order of its steps, before and after in turn. */
export function sampled(points: readonly Point[], seed: number | 'all'): Point[] {
  if (seed === 'all') return [...points];
  const seen = new Map<string, number>();
  return points.filter(({ kind, direction, at }) => {
    const way = `${kind}/${direction}`;
    const index = seen.get(way) ?? 0;
    seen.set(way, index + 1);
    if (mutations[kind].submit.mutation.risk !== 'high') return (index + seed) % 3 === 0;
    const step = Math.floor(index / 2);
    return at === ((step + seed) % 2 === 0 ? 'before' : 'after');
  });
}

/** Told at the start of a run, so that one that fails can be had again. */
export const replay = (seed: number | 'all', file: string): string =>
  seed === 'all'
    ? `${file}: every crash point\n`
    : `${file}: crash points of seed ${seed}; again with CRASH_SEED=${seed} npm test -- e2e/${file}; all with npm run crash\n`;
