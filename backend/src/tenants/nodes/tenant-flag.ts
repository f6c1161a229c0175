/** The kill switch the nodes obey (TEN-14, OPS-11): one entry per tenant in the `config` bucket, by compare-and-swap. */
import { Problem } from '@cloudlysis/contract';
import { tenantFlagsKey, type Board, type Entry, type TenantFlags } from '../../ports/nats/index.ts';

/** What was there before, and the revision the change will carry; recorded before the effect. */
export interface FlagIntent {
  readonly before: TenantFlags | null;
  readonly revision: number;
}

export interface TenantFlag {
  read(tenantId: string): Promise<TenantFlags | null>;
  /**
   * `held` is what nodes know, asked where what is published is unreadable, gone or below `recorded`: somebody else wrote
   * it, or NATS was put back, and what is published now goes above what nodes would otherwise keep to.
   */
  intend(tenantId: string, recorded?: number, held?: () => Promise<number>): Promise<FlagIntent>;
  /** Writes the intended revision. Idempotent. @throws Problem `version.stale` when a later revision is there. */
  write(tenantId: string, wanted: Omit<TenantFlags, 'revision'>, intent: FlagIntent): Promise<TenantFlags>;
  /** Puts back what was there, whether or not it was changed, under a revision above the intended one. Idempotent. */
  restore(tenantId: string, intent: FlagIntent): Promise<void>;
}

/** Two writers of one key are two claims of one job; the loser reads again and finds the other's revision. */
const SWAPS = 5;

export function createTenantFlag(board: Board<TenantFlags>): TenantFlag {
  const read = (tenantId: string): Promise<Entry<TenantFlags> | null> => board.get(tenantFlagsKey(tenantId));

  /** Revisions only go up, since nodes ignore lower ones; equal means that this very change is there already. */
  async function raise(tenantId: string, next: TenantFlags): Promise<TenantFlags> {
    for (let tried = 0; tried < SWAPS; tried += 1) {
      const now = await read(tenantId);
      if (now && now.value.revision > next.revision) throw stale(tenantId, now.value, next);
      if (now?.value.revision === next.revision && now.value.paused === next.paused) return now.value;
      if (await board.put(tenantFlagsKey(tenantId), next, now?.kvRevision ?? 0)) return next;
    }
    throw new Problem('version.stale', `the flag of ${tenantId} keeps changing`);
  }

  return {
    read: async (tenantId) => (await read(tenantId))?.value ?? null,
    intend: async (tenantId, recorded = 0, held = async () => 0) => {
      const before = (await read(tenantId))?.value ?? null;
      const isKnown = before !== null && before.revision >= recorded;
      const highest = isKnown ? before.revision : Math.max(before?.revision ?? 0, recorded, await held());
      return { before, revision: highest + 1 };
    },
    write: (tenantId, wanted, { revision }) => raise(tenantId, { ...wanted, revision }),
    restore: async (tenantId, { before, revision }) => {
      if (!before) return board.delete(tenantFlagsKey(tenantId));
      // Also where nothing was changed: it moves the bucket's revision on, and a writer that stalled loses its swap.
      await raise(tenantId, { ...before, revision: revision + 1 });
    },
  };
}

const stale = (tenantId: string, now: TenantFlags, next: TenantFlags): Problem =>
  new Problem('version.stale', `the flag of ${tenantId} is at revision ${now.revision}, past ${next.revision}`);
