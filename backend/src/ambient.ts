/** Time, ids and outbound calls, injected, so that a test holds the clock and nothing else in the code asks the machine. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export type IdPrefix = 'job' | 'aud' | 'req' | 'seg';

export interface Ambient {
  /** Wall clock: for records that people read, never for deciding that somebody is dead. */
  now(): Date;
  /** Milliseconds since some fixed point; never jumps. Leases and deadlines are measured with it. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** `<prefix>_<uuid v7>`: ids sort by the time they were made. */
  id(prefix: IdPrefix): string;
  uuid(): string;
  fetch: typeof fetch;
}

/** UUID version 7 (RFC 9562): 48 bits of milliseconds, then randomness. */
function uuidV7(now: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export const systemAmbient = (): Ambient => ({
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => void (await delay(ms, undefined, signal ? { signal } : {})),
  id: (prefix) => `${prefix}_${uuidV7(Date.now())}`,
  uuid: randomUUID,
  fetch: (input, init) => fetch(input, init),
});
