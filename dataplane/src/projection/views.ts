// Pure: the read models, each a fold of the tenant's log that remembers how far it has read.
import { apply } from '../aggregate/accounts.ts';
import type { Stored } from '../platform/event-log.ts';

export interface ReadModel {
  seq: number;
  version: number;
  data: unknown;
}
export interface View {
  empty: () => unknown;
  fold: (data: unknown, stored: Stored) => unknown;
}

interface Totals {
  events: number;
  amount: number;
  last_at: string | null;
}

export const VIEWS = {
  balances: {
    empty: () => ({}),
    fold: (data, { event }) => {
      const balances = new Map(Object.entries(data as Record<string, number>));
      apply(balances, event);
      return Object.fromEntries(balances);
    },
  },
  totals: {
    empty: (): Totals => ({ events: 0, amount: 0, last_at: null }),
    fold: (data, { event }): Totals => {
      const totals = data as Totals;
      const amount = totals.amount + (event.data['amount'] as number);
      return { events: totals.events + 1, amount, last_at: event.at };
    },
  },
} as const satisfies Record<string, View>;

export type ViewName = keyof typeof VIEWS;
export const VIEW_NAMES = Object.keys(VIEWS) as ViewName[];
export const isView = (name: unknown): name is ViewName => typeof name === 'string' && Object.hasOwn(VIEWS, name);

export const emptyModel = (view: ViewName): ReadModel => ({ seq: 0, version: 0, data: VIEWS[view].empty() });

/** Applying an event twice is applying it once: the model knows its own last sequence. */
export function advance(view: ViewName, model: ReadModel, stored: Stored): ReadModel {
  if (stored.seq <= model.seq) return model;
  const data = VIEWS[view].fold(model.data, stored);
  return { seq: stored.seq, version: stored.event.version, data };
}
