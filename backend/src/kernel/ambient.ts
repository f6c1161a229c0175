/** Time, ids and outbound calls, injected, so that a test holds the clock and nothing else in the code asks the machine. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export type IdPrefix = 'job' | 'aud' | 'req' | 'seg';

export interface Ambient {
  /** Wall clock: for records that people read, never for deciding that somebody is dead. */
  now(): Date;
  /** Milliseconds since some fixed point; never jumps. Leases and deadlines are measured with it. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back after `ms` unless the returned function is called first. For deadlines, which seldom strike: giving up a sleep costs an error with its stack (20 µs). */
  after(ms: number, then: () => void): () => void;
  /** `<prefix>_<uuid v7>`: ids sort by the time they were made. */
  id(prefix: IdPrefix): string;
  uuid(): string;
  fetch: typeof fetch;
}

/** UUID version 7 (RFC 9562): 48 bits of milliseconds, then the randomness of a pooled version 4 (0.5 µs instead of 2.2). */
function uuidV7(now: number): string {
  const time = now.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

export const systemAmbient = (): Ambient => ({
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => void (await delay(ms, undefined, signal ? { signal } : {})),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  id: (prefix) => `${prefix}_${uuidV7(Date.now())}`,
  uuid: randomUUID,
  fetch: (input, init) => fetch(input, init),
});
