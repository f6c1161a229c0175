// Time, ids, chance and waiting, in one place, so that the rest of the platform names no global that a test could not follow.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export const ambient = {
  now: (): number => Date.now(),
  iso: (): string => new Date().toISOString(),
  id: (): string => randomUUID(),
  /** From 0 up to, and without, 1. */
  random: (): number => Math.random(),
  /** Milliseconds on a clock that never jumps; for durations only. */
  ticks: (): number => performance.now(),
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep: (ms: number, signal?: AbortSignal): Promise<void> =>
    delay(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
};

/** Rejects with a named error after `ms`, so that no dependency can hold a caller for ever. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new Error(`${what} took longer than ${ms} ms`);
  });
  late.catch(() => undefined);
  return Promise.race([work, late]).finally(() => timer.abort());
}
