/** How long the inbox has waited, judged on the documents in it and not on what could be made of them. */
import type { Document } from 'mongodb';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditStore } from '../store/audit.store.ts';
import { shown } from '../record/set-aside.ts';

/** Of so many the age is known; those behind them came later, or wait behind others that are known. */
const SIGHTED = 100;
/** Counting stops here: nobody reads the difference. */
export const MOST_WAITING = 10_001;

export interface InboxSight {
  readonly waiting: number;
  /** Since when the one waits that has waited longest; null when none does. */
  readonly since: Date | null;
}

/** A document can claim any time, or none: it has waited at least as long as this process has seen it wait. */
export class InboxAge {
  readonly #store: AuditStore;
  readonly #ambient: Ambient;
  #seen = new Map<string, number>();

  constructor(store: AuditStore, ambient: Ambient) {
    this.#store = store;
    this.#ambient = ambient;
  }

  async look(): Promise<InboxSight> {
    const { first, count } = await this.#store.inboxSight(SIGHTED, MOST_WAITING);
    const monotonic = this.#ambient.monotonic();
    const now = this.#ambient.now().getTime();
    const seen = new Map(first.map(({ _id }) => [shown(_id), this.#seen.get(shown(_id)) ?? monotonic]));
    this.#seen = seen;
    const claimed = first.flatMap(({ at }: Document) =>
      at instanceof Date && at.getTime() <= now ? [at.getTime()] : [],
    );
    const witnessed = [...seen.values()].map((since) => now - (monotonic - since));
    const least = Math.min(...claimed, ...witnessed);
    return { waiting: count, since: Number.isFinite(least) ? new Date(least) : null };
  }
}
