// Kill -9 before or after the effect of every step of a job, on its way forward; of which jobs and steps a seed says.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LoadResult } from '../../dataplane/src/load/run-load.ts';
import { CRASH_TENANTS, JOB_KINDS } from './cases.ts';
import { CrashRig, nameOf, type Point } from './rig.ts';
import { inOrder } from './order.ts';
import { crashSeed, replay, sampled, SEEDS } from './sample.ts';
import { logProof } from '../journey.ts';

const seed = crashSeed();
let rig: CrashRig;
let points: Point[];
let load: Promise<LoadResult>;
const quiet = new AbortController();

beforeAll(async () => {
  process.stderr.write(replay(seed, 'crash/forward'));
  rig = await CrashRig.start();
  points = await rig.runUndisturbed();
  load = rig.stack.load({ tenants: ['mover', 'settler', 'wanderer'], rate: 15, seconds: 3_600, seed: 5 }, quiet.signal);
  load.catch(() => undefined);
}, 120_000);
afterAll(() => rig?.stop());

describe('a backend that dies at any point of any job', () => {
  it('NFR-07 every kind of job has its points, taken from its own plan', () => {
    const kinds = new Set(points.map((point) => point.kind));
    expect([...kinds].sort()).toEqual([...JOB_KINDS].sort());
    for (const kind of JOB_KINDS) expect(points.filter((point) => point.kind === kind).length).toBeGreaterThan(5);
  });

  it('NFR-07 the points of every seed can be put in an order', () => {
    for (const direction of ['forward', 'backward'] as const)
      for (let any = 0; any < SEEDS; any++)
        inOrder(sampled(points, any).filter((point) => point.direction === direction));
  });

  it('NFR-07 GEN-19 AUD-11 ends every job as if nothing had happened, forward', async () => {
    const forward = inOrder(sampled(points, seed).filter((point) => point.direction === 'forward'));
    await rig.restart(null, { CRASH_AT: nameOf(forward[0]!) });
    for (const [index, point] of forward.entries()) {
      const one = await rig.case(point.kind);
      const dead = await rig.die(point, one);
      // The process that resumes this job is the one that dies in the next, of another kind.
      const next = forward[index + 1];
      await rig.restart(dead, next ? { CRASH_AT: nameOf(next) } : {});
      await rig.expectDone(point, dead, one);
    }
    expect(Math.max(...rig.recoveries)).toBeLessThan(1_000);
  }, 420_000);

  it.each(['scale.migrate', 'tenants.create'] as const)(
    'NFR-07 one %s that dies at each of its points in turn, and whose successors die too, still ends',
    async (kind) => {
      const mine = points.filter((point) => point.kind === kind && point.direction === 'forward');
      const one = await rig.case(kind);
      await rig.restart(null, { CRASH_AT: nameOf(mine[0]!) });
      const dead = await rig.die(mine[0]!, one);
      for (const point of mine.slice(1)) await rig.dieAgain(point);
      await rig.restart(null);
      await rig.expectDone(mine.at(-1)!, dead, one);
    },
    90_000,
  );

  it('SCL-06 NFR-07 through all of that no command was lost or carried out twice, and the chain holds', async () => {
    quiet.abort();
    expect(await load).toMatchObject({ lost: 0, duplicated: 0, gaps: 0 });
    expect((await load).acknowledged).toBeGreaterThan(100);
    for (const tenant of CRASH_TENANTS)
      expect([tenant, await logProof(rig.stack, tenant)]).toMatchObject([tenant, { duplicated: 0, gaps: 0 }]);
    expect(await rig.operator.read('audit.verify')).toMatchObject({ ok: true });
    expect((await rig.operator.read('scale.drift.get')).items).toEqual([]);
  });
});
