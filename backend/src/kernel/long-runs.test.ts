import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { systemAmbient } from './ambient.ts';
import { createLongRuns } from './long-runs.ts';

const ambient = systemAmbient();
const never = new AbortController().signal;
const options = { ambient, answerMs: 40, lingerMs: 150, underWay: 'audit.verifying' } as const;

/** Comes back until there is an answer; also says how often it was told to. */
async function patient<T>(ask: () => Promise<T>): Promise<[T, number]> {
  for (let told = 0; ; told += 1) {
    try {
      return [await ask(), told];
    } catch (error) {
      expect(error).toMatchObject({ code: 'audit.verifying', status: 503, extra: { checked: 3, of: 9 } });
    }
  }
}

it('NFR-07 AUD-07 who asks again finds the run that they began, and is told how far it is', async () => {
  let runs = 0;
  const ask = createLongRuns(async (_signal, tell) => {
    const mine = ++runs;
    tell({ checked: 3, of: 9 });
    await sleep(200);
    return mine;
  }, options);
  const [one, other] = await Promise.all([patient(() => ask('ada', never)), patient(() => ask('bob', never))]);
  expect([one[0], other[0]]).toEqual([1, 2]);
  expect(one[1]).toBeGreaterThan(1);
  expect(await patient(() => ask('ada', never))).toEqual([3, expect.any(Number)]);
});

it('NFR-07 a result waits a while for who was told to come back; who leaves ends their run; a run is not kept for ever', async () => {
  const ended: string[] = [];
  const ask = createLongRuns(async (signal, tell) => {
    tell({ checked: 3, of: 9 });
    await sleep(100);
    if (signal.aborted) ended.push('aborted');
    signal.throwIfAborted();
    return 'done';
  }, options);
  await expect(ask('ada', never)).rejects.toMatchObject({ code: 'audit.verifying' });
  await sleep(100);
  expect(await ask('ada', never)).toBe('done');
  const leaves = new AbortController();
  const left = ask('bob', leaves.signal);
  leaves.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  await sleep(150);
  expect(ended).toEqual(['aborted']);
  await expect(ask('cyd', never)).rejects.toMatchObject({ code: 'audit.verifying' });
  await sleep(400);
  expect((await patient(() => ask('cyd', never)))[1]).toBeGreaterThan(0);
});
