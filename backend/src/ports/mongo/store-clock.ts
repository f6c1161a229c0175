/**
 * The one clock that all replicas share: the store's. It is read now and then and carried on by the monotonic clock in
 * between, so that what one replica writes another can judge, however far apart their own clocks are.
 */
import type { Ambient } from '../../ambient.ts';
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

export function storeClock(mongo: Pick<Mongo, 'client'>, ambient: Ambient): StoreClock {
  /** The store's time at zero of the monotonic clock. */
  let zero: number | null = null;
  const now = (): Date => (zero === null ? ambient.now() : new Date(Math.round(zero + ambient.monotonic())));
  return {
    now,
    aheadMs: () => (zero === null ? null : Math.round(ambient.now().getTime() - zero - ambient.monotonic())),
    async read() {
      const asked = ambient.monotonic();
      const { localTime } = await prompt(() => mongo.client.db('admin').command({ hello: 1 }));
      const answered = ambient.monotonic();
      if (!(localTime instanceof Date) || (zero !== null && answered - asked > PRECISE_MS)) return;
      zero = localTime.getTime() - (asked + answered) / 2;
    },
  };
}
