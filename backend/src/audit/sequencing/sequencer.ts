/** Moves records from the inbox into the chain, in batches, so that no mutation ever waits for the chain. */
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import { isDuplicateKey } from '../../ports/mongo/mongo.ts';
import type { PendingRecord } from '../record/audit-record.ts';
import { Overtaken, type AuditStore } from '../store/audit.store.ts';
import { canonicalForm, place, type Head } from '../record/chain.ts';
import { answered } from '../store/deadline.ts';
import type { InboxAge } from './inbox-age.ts';
import type { Lease } from './lease.ts';
import type { AuditMetrics } from './metrics.ts';
import { readWaiting, waitingShape } from '../record/record-shape.ts';
import { setAside, sha256, type Odd } from '../record/set-aside.ts';
import type { Witness } from '../record/witness.ts';

/** Records per transaction: 100 take 50 ms on the embedded store, which serves nobody else meanwhile; 500 would take 300 ms. */
export const BATCH_RECORDS = 100;
/** How long a woken sequencer lets records gather: placing one costs 6 ms, placing ten 10 ms. */
const LINGER_MS = 20;
export const SWEEP_MS = 1_000;
/** A read waits at most this long for what was written before it. */
const SETTLE_MS = 500;
const STOP_MS = 1_000;
/** Bytes per transaction: a foreign document can have 16 MiB, and a hundred of them would not be moved in time. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** A document that could not even be set aside is left for so long; it must not stand in the way of the others. */
const LEAVE_MS = 10_000;
const LEFT = 1_000;
/** Ids remembered by a waiting read; a longer inbox cannot be placed in its time anyway. */
const SETTLE_IDS = 1_000;

interface SequencerDeps {
  readonly store: AuditStore;
  readonly lease: Lease;
  readonly ambient: Ambient;
  readonly metrics: AuditMetrics;
  readonly witness: Witness;
  readonly inbox: InboxAge;
  readonly environment: string;
  readonly environments: readonly string[];
  readonly logger?: Logger | undefined;
}

/** What waits and is no record, and why. */
interface Foreign {
  readonly raw: Uint8Array;
  readonly reason: string;
}

interface Waiting {
  readonly raw: Uint8Array;
  readonly record: PendingRecord;
}

/** The chain cannot go on until a person has looked. */
export class Blocked extends Error {}

export class Sequencer {
  readonly #deps: SequencerDeps;
  readonly #shape: ReturnType<typeof waitingShape>;
  /** Foreign documents that could not be set aside → when they are tried again. */
  readonly #left = new Map<string, number>();
  #stopping = new AbortController();
  #idle = new AbortController();
  #woken = false;
  #running: Promise<void> | null = null;
  #pass: Promise<number> | null = null;
  #blocked: string | null = null;

  constructor(deps: SequencerDeps) {
    this.#deps = deps;
    this.#shape = waitingShape(deps.environments);
  }

  /** Why the chain does not go on, when only a person can say what is to be done. */
  get blocked(): string | null {
    return this.#blocked;
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
    await answered(ambient, STOP_MS, farewell()).catch((error: unknown) =>
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
    const { store, ambient, lease, logger, metrics, inbox, witness } = this.#deps;
    for (let swept = -Infinity; !signal.aborted; await this.#rest(signal)) {
      try {
        if (ambient.monotonic() - swept >= SWEEP_MS) {
          swept = ambient.monotonic();
          await witness.look(store.sight);
          metrics.inbox(await inbox.look(), ambient.now());
          await lease.keep();
        }
        if (lease.held) await this.#drain(signal);
        this.#blocked = null;
      } catch (error) {
        this.#blocked = error instanceof Blocked ? error.message : null;
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

  /** Returns how many documents left the inbox; 0 when another replica was first. */
  async #placeBatch(): Promise<number> {
    const { store } = this.#deps;
    const head = await headOf(store);
    const waiting = await store.waiting(BATCH_RECORDS + this.#left.size, BATCH_BYTES);
    if (waiting.length === 0) return 0;
    const { records, foreign } = this.#sorted(waiting);
    let moved = 0;
    try {
      if (records.length > 0) moved += await this.#place(head, records, foreign);
    } finally {
      // Each kind in a transaction of its own: whatever is wrong with one cannot stop the other.
      if (foreign.length > 0) moved += await this.#setAside(foreign);
    }
    const full =
      waiting.length >= BATCH_RECORDS || waiting.reduce((size, raw) => size + raw.byteLength, 0) >= BATCH_BYTES;
    return full ? Math.max(moved, BATCH_RECORDS) : moved;
  }

  #sorted(waiting: readonly Uint8Array[]): { records: Waiting[]; foreign: Foreign[] } {
    const records: Waiting[] = [];
    const foreign: Foreign[] = [];
    const now = this.#deps.ambient.monotonic();
    for (const raw of waiting) {
      const read = readWaiting(raw, this.#shape);
      if ('record' in read) records.push({ raw, record: read.record });
      else if ((this.#left.get(sha256(raw)) ?? -Infinity) <= now) foreign.push({ raw, reason: read.reason });
    }
    records.sort((a, b) => (a.record._id < b.record._id ? -1 : 1));
    return { records, foreign };
  }

  /** Adds to `foreign` what has the id of a placed record and is another one. */
  async #place(head: Head, records: readonly Waiting[], foreign: Foreign[]): Promise<number> {
    const { metrics } = this.#deps;
    try {
      await this.#commit(head, records.map(({ record }) => record)); // prettier-ignore
    } catch (error) {
      if (error instanceof Overtaken) return 0;
      if (!isDuplicateKey(error)) throw error;
      return this.#resolve(records, foreign);
    }
    metrics.placed(records.length);
    return records.length;
  }

  /** What has a place already leaves the inbox: silently when it is the same record, set aside when it is another. */
  async #resolve(records: readonly Waiting[], foreign: Foreign[]): Promise<number> {
    const { store } = this.#deps;
    const same: string[] = [];
    let others = 0;
    for (const { record, raw } of records) {
      const placed = await store.record(record._id);
      if (placed === null) continue;
      const { seq } = placed;
      if (isSame({ ...record, seq }, placed)) same.push(record._id);
      else {
        others += 1;
        foreign.push({ raw, reason: `another record with its id has place ${seq}` });
      }
    }
    if (same.length + others === 0)
      throw new Blocked('the next place is taken by a document that the chain does not know of; verify names it');
    await store.dropRepeated(same);
    return 0;
  }

  async #setAside(foreign: readonly Foreign[]): Promise<number> {
    const { store, ambient, metrics, environment, logger } = this.#deps;
    try {
      const head = await headOf(store);
      const odd = foreign.map(({ raw, reason }) =>
        setAside(raw, reason, ambient.id('aud'), ambient.now(), environment),
      );
      await this.#commit(head, odd.map(({ event }) => event), odd); // prettier-ignore
      metrics.setAside(odd.length);
      for (const { event } of odd)
        logger?.error({ record: event._id, found: event.after }, 'audit: what is no record was set aside');
      return odd.length;
    } catch (error) {
      if (error instanceof Overtaken) return 0;
      this.#leave(foreign);
      throw error;
    }
  }

  async #commit(head: Head, records: readonly PendingRecord[], odd: readonly Odd[] = []): Promise<void> {
    const { store, witness, logger } = this.#deps;
    const placing = place(head, records);
    await store.commit(head, placing, odd);
    witness.placed(head, placing.tip);
    for (const { segment, last_seq, hash } of placing.sealed)
      logger?.info({ segment, last_seq, hash }, 'audit: segment sealed');
  }

  #leave(foreign: readonly Foreign[]): void {
    const until = this.#deps.ambient.monotonic() + LEAVE_MS;
    for (const { raw } of foreign) this.#left.set(sha256(raw), until);
    for (const key of this.#left.keys()) if (this.#left.size > LEFT) this.#left.delete(key);
  }
}

async function headOf(store: AuditStore): Promise<Head> {
  const head = await store.head();
  if (head === null) throw new Blocked('the head of the audit chain is missing');
  return head;
}

type WithPlace = Parameters<typeof canonicalForm>[0];
const isSame = (a: WithPlace, b: WithPlace): boolean => {
  try {
    return canonicalForm(a) === canonicalForm(b);
  } catch {
    return false;
  }
};
