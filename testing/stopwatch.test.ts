import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { stopwatch } from './stopwatch.ts';

const work = (ms: number): void => {
  for (const end = process.cpuUsage().user + ms * 1_000; process.cpuUsage().user < end;);
};
/** The process is there and does not run: as when others have the processor. */
const hold = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

it('NFR-07 a bound counts what was waited for and worked for, and not what the machine gave to others', async () => {
  const took = stopwatch();
  await sleep(300);
  expect(took()).toBeGreaterThan(250);
  work(200);
  expect(took()).toBeGreaterThan(450);
  const before = took();
  hold(400);
  expect(took() - before).toBeLessThan(100);
});
