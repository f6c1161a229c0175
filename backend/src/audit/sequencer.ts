/** Moves records from the inbox into the chain, in batches, so that no mutation ever waits for the chain. */
import type { Logger } from 'pino';
import type { Ambient } from '../ambient.ts';
import { isDuplicateKey } from '../ports/mongo/mongo.ts';
import { Overtaken, type AuditStore } from './audit.store.ts';
import { place } from './chain.ts';
import { within } from './deadline.ts';
import type { Lease } from './lease.ts';
import type { AuditMetrics } from './metrics.ts';

/** Records per transaction: 100 take 50 ms on the embedded store, which serves nobody else meanwhile; 500 would take 300 ms. */
export const BATCH_RECORDS = 100;
/** How long a woken sequencer lets records gather: placing one costs 6 ms, placing ten 10 ms. */
const LINGER_MS = 20;
const SWEEP_MS = 1_000;
/** A read waits at most this long for what was written before it. */
const SETTLE_MS = 500;
const STOP_MS = 1_000;
/** Ids remembered by a waiting read; a longer inbox cannot be placed in its time anyway. */
const SETTLE_IDS = 1_000;

interface SequencerDeps {
  readonly store: AuditStore;
  readonly lease: Lease;
  readonly ambient: Ambient;
  readonly metrics: AuditMetrics;
  readonly logger?: Logger | undefined;
}

export class Sequencer {
  readonly #deps: SequencerDeps;
  #stopping = new AbortController();
  #idle = new AbortController();
  #woken = false;
  #running: Promise<void> | null = null;
  #pass: Promise<number> | null = null;

  constructor(deps: SequencerDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#running) return;
    this.#stopping = new AbortController();
    this.#running = this.#run(this.#stopping.signal);
  }

  /** Places what it can within a second and hands the lease back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#idle.abort();
    await this.#running;
    this.#running = null;
    const { ambient, lease, logger } = this.#deps;
    const farewell = async (): Promise<void> => {
      if (lease.held) await this.#drain();
      await lease.release();
    };
    await within(ambient, STOP_MS, farewell()).catch((error: unknown) =>
      logger?.warn({ err: error }, 'audit: stopped with records to place'),
    );
  }

  wake(): void {
    this.#woken = true;
    this.#idle.abort();
  }

  /**
   * Read your own writes: returns once what is in the inbox now has its place, or after half a second. The reader
   * does the placing itself when the holder of the lease has not yet: correct by the compare-and-swap, and then a
   * read never waits for another replica's sweep. With nothing pending it costs one look at an empty collection.
   */
  async settle(): Promise<void> {
    const { store, ambient } = this.#deps;
    const started = ambient.monotonic();
    const awaited = new Set(await store.pendingIds(SETTLE_IDS));
    while (awaited.size > 0 && ambient.monotonic() - started < SETTLE_MS) {
      const placed = await this.#once().catch(() => 0);
      if (placed === 0) await ambient.sleep(5);
      const left = await store.pendingIds(SETTLE_IDS);
      if (!left.some((id) => awaited.has(id))) return;
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { ambient, lease, logger } = this.#deps;
    for (let swept = -Infinity; !signal.aborted; await this.#rest(signal)) {
      try {
        if (ambient.monotonic() - swept >= SWEEP_MS) {
          swept = ambient.monotonic();
          await lease.keep();
        }
        if (lease.held) await this.#drain(signal);
      } catch (error) {
        logger?.warn({ err: error }, 'audit: could not place records, will try again');
        // Without this a wake per mutation would hammer a store that is down.
        await ambient.sleep(SWEEP_MS / 4, signal).catch(() => undefined);
      }
    }
  }

  /** Until the next sweep, or until woken and the records behind the wake had time to gather. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { ambient } = this.#deps;
    if (signal.aborted) return;
    this.#idle = new AbortController();
    if (!this.#woken) await ambient.sleep(SWEEP_MS, this.#idle.signal).catch(() => undefined);
    if (this.#woken) await ambient.sleep(LINGER_MS, signal).catch(() => undefined);
    this.#woken = false;
  }

  async #drain(signal?: AbortSignal): Promise<void> {
    const { ambient } = this.#deps;
    for (;;) {
      const started = ambient.monotonic();
      if ((await this.#once()) < BATCH_RECORDS || signal?.aborted) return;
      // Rests as long as it worked: under load half of the store's time stays with the mutations.
      if (signal) await ambient.sleep(ambient.monotonic() - started, signal).catch(() => undefined);
    }
  }

  /** One batch at a time in this process; who comes during one gets its result. */
  #once(): Promise<number> {
    this.#pass ??= this.#placeBatch().finally(() => (this.#pass = null));
    return this.#pass;
  }

  /** Returns how many records got a place; 0 when another replica was first. */
  async #placeBatch(): Promise<number> {
    const { store, ambient, metrics, logger } = this.#deps;
    const head = await store.head();
    if (head === null) throw new Error('the head of the audit chain is missing');
    const batch = await store.pending(BATCH_RECORDS);
    metrics.inbox(batch, ambient.now());
    if (batch.length === 0) return 0;
    batch.sort((a, b) => (a._id < b._id ? -1 : 1));
    const placing = place(head, batch, ambient.now());
    try {
      await store.commit(head, placing);
    } catch (error) {
      if (error instanceof Overtaken) return 0;
      if (isDuplicateKey(error) && (await store.dropRepeated(batch)) > 0) return 0;
      throw error;
    }
    metrics.placed(batch.length);
    for (const { segment, last_seq, hash } of placing.sealed)
      logger?.info({ segment, last_seq, hash }, 'audit: segment sealed');
    return batch.length;
  }
}
