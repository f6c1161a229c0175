// How long something took, for a bound to be held against: not counted is what the machine gave to others meanwhile.
import { performance } from 'node:perf_hooks';
import { afterAll } from '@jest/globals';

// A timer that fires late shows that this process was not let run, or was at work itself.
const BEAT_MS = 10;
let lateMs = 0;
let due = performance.now() + BEAT_MS;
function beat(): void {
  const now = performance.now();
  lateMs += Math.max(0, now - due);
  due = now + BEAT_MS;
}
const heart = setInterval(beat, BEAT_MS).unref();
afterAll(() => clearInterval(heart));

/**
 * Starts to count; each call of what it returns says the milliseconds since, without those in which this process wanted
 * to run and could not: the machine runs other tests beside it. Its own work counts, and so does whatever it waits for.
 */
export function stopwatch(): () => number {
  beat();
  const [began, lateBefore, used] = [performance.now(), lateMs, process.cpuUsage()];
  return () => {
    beat();
    const { user, system } = process.cpuUsage(used);
    return performance.now() - began - Math.max(0, lateMs - lateBefore - (user + system) / 1_000);
  };
}
