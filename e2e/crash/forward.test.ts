// Kill -9 before or after the effect of every step of a job, on its way forward; of which jobs and steps a seed says.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LoadResult } from '../../dataplane/src/load/run-load.ts';
import { CRASH_TENANTS, JOB_KINDS } from './cases.ts';
import { inGroups } from './groups.ts';
import type { Point } from './held-points.ts';
import { CrashRig } from './rig.ts';
import { crashSeed, replay, sampled } from './sample.ts';
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

  it('NFR-07 GEN-19 AUD-11 ends every job as if nothing had happened, forward', async () => {
    const forward = sampled(points, seed).filter((point) => point.direction === 'forward');
    for (const group of inGroups(forward)) {
      const cases = await rig.cases(group);
      const dead = await rig.die(group, cases);
      await rig.restart(dead);
      for (const job of dead) await rig.expectDone(job);
    }
    expect(Math.max(...rig.recoveries)).toBeLessThan(1_000);
  }, 420_000);

  it('NFR-07 jobs that die at each of their points in turn, and whose successors die too, still end', async () => {
    const kinds = ['scale.migrate', 'tenants.create'] as const;
    const ways = kinds.map((kind) => points.filter((point) => point.kind === kind && point.direction === 'forward'));
    const first = ways.map((way) => way[0]!);
    const dead = await rig.die(first, await rig.cases(first));
    for (let turn = 1; turn < Math.max(...ways.map((way) => way.length)); turn++)
      await rig.dieAgain(ways.flatMap((way) => way.slice(turn, turn + 1)));
    await rig.restart([]);
    for (const job of dead) await rig.expectDone(job);
  }, 120_000);

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
