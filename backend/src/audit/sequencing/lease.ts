/** Which replica places records: judged by each observer's own monotonic clock, because wall clocks jump. */
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditStore } from '../store/audit.store.ts';
import type { Head } from '../record/chain.ts';

/** A holder beats once a sweep (1 s); who saw three of them missed takes over. */
export const DEAD_AFTER_MS = 3_000;

/**
 * The lease keeps replicas from working at once; it does not keep the chain whole. That is done by the
 * compare-and-swap on the head, so a holder that stalled and wakes can do no harm.
 */
export class Lease {
  readonly #store: AuditStore;
  readonly #ambient: Ambient;
  readonly #me: string;
  #fence: number | null = null;
  #seen: { fence: number; beat: number; since: number } | null = null;

  constructor(store: AuditStore, ambient: Ambient, me: string) {
    this.#store = store;
    this.#ambient = ambient;
    this.#me = me;
  }

  get held(): boolean {
    return this.#fence !== null;
  }

  /** Beats when it is ours; takes it when it is free or its holder dead. True when we hold it. */
  async keep(): Promise<boolean> {
    if (this.#fence !== null && (await this.#store.beat(this.#me, this.#fence))) return true;
    this.#fence = null;
    const head = await this.#store.head();
    if (head === null || !this.#isFree(head)) return false;
    if (await this.#store.takeLease(head, this.#me)) this.#fence = head.fence + 1;
    return this.held;
  }

  /** Hands it back, so that another replica need not wait for us to be dead. */
  async release(): Promise<void> {
    const fence = this.#fence;
    this.#fence = null;
    if (fence !== null) await this.#store.releaseLease(this.#me, fence);
  }

  #isFree(head: Head): boolean {
    // Our own name without our fence: an earlier life of this replica, which is over.
    if (head.holder === null || head.holder === this.#me) return true;
    const now = this.#ambient.monotonic();
    if (this.#seen?.fence !== head.fence || this.#seen.beat !== head.beat) {
      this.#seen = { fence: head.fence, beat: head.beat, since: now };
    }
    return now - this.#seen.since >= DEAD_AFTER_MS;
  }
}
