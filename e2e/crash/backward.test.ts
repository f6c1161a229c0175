// The way back: a job is cancelled, and the backend is killed before or after a compensation; of which a seed says.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CRASH_TENANTS } from './cases.ts';
import { inGroups } from './groups.ts';
import type { Point } from './held-points.ts';
import { CrashRig } from './rig.ts';
import { crashSeed, replay, sampled } from './sample.ts';
import { carryOut, logProof } from '../journey.ts';

const seed = crashSeed();
/** Creations that die at once; each is of a tenant of its own. */
const TOGETHER = 6;
let rig: CrashRig;
let points: Point[];

beforeAll(async () => {
  process.stderr.write(replay(seed, 'crash/backward'));
  rig = await CrashRig.start();
  points = await rig.runUndisturbed();
}, 120_000);
afterAll(() => rig?.stop());

/** How far the job had come when it was cancelled: its step not done, done and not recorded, or all but the end. */
function diedAt(point: Point, round: number): Point {
  const ways = ['before', 'after', 'end'] as const;
  const way = ways[round % ways.length]!;
  if (way === 'end' || point.step === 'end') return { ...point, step: 'end', direction: 'forward', at: 'before' };
  return { ...point, direction: 'forward', at: way };
}

describe('a backend that dies on the way back of any job', () => {
  it('API-03 NFR-07 leaves every job undone, as if it had never been asked for', async () => {
    const all = points.filter((point) => point.direction === 'backward');
    expect(all.length).toBeGreaterThan(30);
    const backward = sampled(points, seed).filter((point) => point.direction === 'backward');
    for (const group of inGroups(backward)) {
      const cases = await rig.cases(group);
      const before = await Promise.all(cases.map((one) => (one.undoneWorld ?? one.world)()));
      const dead = await rig.die(group.map(diedAt), cases);
      for (const job of dead) await rig.cancel(job);
      await rig.dieAgain(group);
      await rig.restart(dead);
      for (const [index, job] of dead.entries())
        await rig.expectUndone({ ...job, point: group[index]! }, before[index]);
    }
    expect(Math.max(...rig.recoveries)).toBeLessThan(1_000);
  }, 420_000);

  it('API-03 NFR-07 a creation cancelled at every point of its way forward leaves nothing behind', async () => {
    const mine = points.filter(({ kind, direction }) => kind === 'tenants.create' && direction === 'forward');
    const cancellable = mine.filter(({ step, at }) => !(step === 'end' && at === 'after'));
    for (let from = 0; from < cancellable.length; from += TOGETHER) {
      const group = cancellable.slice(from, from + TOGETHER);
      const cases = await rig.cases(group);
      const before = await Promise.all(cases.map((one) => one.world()));
      const dead = await rig.die(group, cases);
      for (const job of dead) await rig.cancel(job);
      await rig.restart(dead);
      for (const [index, job] of dead.entries()) await rig.expectUndone(job, before[index]);
    }
  }, 120_000);

  it('AUD-01 NFR-07 through all of that the chain and every log hold, and nothing is left drifting', async () => {
    await carryOut(rig.operator, 'scale.drift.repair', { body: { reason: 'what was cancelled half-way' } });
    expect((await rig.operator.read('scale.drift.get')).items).toEqual([]);
    expect(await rig.operator.read('audit.verify')).toMatchObject({ ok: true });
    for (const tenant of CRASH_TENANTS) {
      const { status } = await rig.stack.command(tenant, `after-${tenant}`);
      expect(/^(lifer|sleeper|many-)/.test(tenant) ? [200, 423] : [200]).toContain(status);
      expect([tenant, await logProof(rig.stack, tenant)]).toMatchObject([tenant, { duplicated: 0, gaps: 0 }]);
    }
  });
});
