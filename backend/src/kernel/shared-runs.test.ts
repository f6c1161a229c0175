import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { createSharedRuns } from './shared-runs.ts';

const never = new AbortController().signal;

it('NFR-07 a hundred who ask at once share one run and the next, and each gets one that began after they asked', async () => {
  let [runs, now, most] = [0, 0, 0];
  const ask = createSharedRuns(async () => {
    most = Math.max(most, ++now);
    const mine = ++runs;
    await sleep(20);
    now--;
    return mine;
  });
  const first = ask(never);
  await sleep(5);
  const later = await Promise.all(Array.from({ length: 99 }, () => ask(never)));
  expect([await first, new Set(later), most]).toEqual([1, new Set([2]), 1]);
  expect(await ask(never)).toBe(3);
});

it('NFR-07 a run ends when nobody waits for it, and whoever comes then gets a new one', async () => {
  const ended: string[] = [];
  const ask = createSharedRuns(async (signal) => {
    await sleep(30);
    if (signal.aborted) ended.push('aborted');
    signal.throwIfAborted();
    return 'done';
  });
  const stops = [1, 2, 3].map(() => new AbortController());
  const gone = stops.map(({ signal }) => ask(signal).catch((error: Error) => error.message));
  stops.forEach((stop) => stop.abort(new Error('left')));
  const after = ask(never);
  expect(await Promise.all(gone)).toEqual(['left', 'left', 'left']);
  expect(await after).toBe('done');
  expect(ended).toEqual(['aborted']);
});

it('NFR-07 a failure is each asker’s, and the next run is not harmed', async () => {
  let fails = true;
  const ask = createSharedRuns(async () => {
    await sleep(5);
    if (fails) throw new Error('broken');
    return 1;
  });
  const results = await Promise.allSettled([ask(never), ask(never)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fails = false;
  expect(await ask(never)).toBe(1);
});
