/**
 * The one clock that all replicas share: the store's. It is read now and then and carried on by the monotonic clock in
 * between, so that what one replica writes another can judge, however far apart their own clocks are.
 */
import type { Ambient } from '../../kernel/ambient.ts';
import { prompt, type Mongo } from './mongo.ts';

export interface StoreClock {
  /** The store's time; this machine's own until it was read. */
  now(): Date;
  /** Milliseconds by which this machine's clock is ahead of the store's; null until it was read. */
  aheadMs(): number | null;
  /** Reads it anew. @throws Problem `store.unavailable` */
  read(): Promise<void>;
}

/** An answer that took longer says too little about when it was given. */
const PRECISE_MS = 1_000;

export function createStoreClock(mongo: Pick<Mongo, 'client'>, ambient: Ambient): StoreClock {
  /** The store's time at zero of the monotonic clock. */
  let zero: number | null = null;
  let last = -Infinity;
  const now = (): Date => {
    if (zero === null) return ambient.now();
    const at = Math.round(zero + ambient.monotonic());
    // Known better it may have been ahead: it stands until it is caught up with. Further back it is the store's that stepped.
    last = at < last && last - at <= PRECISE_MS ? last : at;
    return new Date(last);
  };
  return {
    now,
    aheadMs: () => (zero === null ? null : Math.round(ambient.now().getTime() - zero - ambient.monotonic())),
    async read() {
      const asked = ambient.monotonic();
      const { localTime } = await prompt(() => mongo.client.db('admin').command({ hello: 1 }));
      const answered = ambient.monotonic();
      if (!(localTime instanceof Date) || (zero !== null && answered - asked > PRECISE_MS)) return;
      // The store said its time, cut to a millisecond, somewhere between question and answer. What fits is kept: following
      // the noise of each answer, it stepped back, and a job was older than the one before it.
      const [low, high] = [localTime.getTime() - answered, localTime.getTime() + 1 - asked];
      zero = zero === null ? (low + high) / 2 : Math.min(high, Math.max(low, zero));
    },
  };
}
