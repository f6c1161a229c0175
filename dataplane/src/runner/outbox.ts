// Pure: the effects a tenant's events ask for, held in one document until each has been published exactly once.
import type { Stored, TenantEvent } from '../platform/event-log.ts';

export interface Effect {
  effect_id: string;
  tenant_id: string;
  /** Version of the event that asked for it; effects of a tenant are published in this order. */
  version: number;
  type: 'transfer-receipt';
  data: Record<string, unknown>;
}
export interface OutboxEntry {
  effect: Effect;
  attempts: number;
}
export interface Outbox {
  seq: number;
  version: number;
  entries: OutboxEntry[];
}

export const emptyOutbox = (): Outbox => ({ seq: 0, version: 0, entries: [] });

/** The saga's rule: a transfer owes a receipt. Deterministic, so a redelivered event asks for the same effect. */
export function effectOf(event: TenantEvent): Effect | undefined {
  if (event.type !== 'transferred') return undefined;
  const { tenant_id, version, data } = event;
  return { effect_id: `${tenant_id}:${version}`, tenant_id, version, type: 'transfer-receipt', data };
}

export function take(outbox: Outbox, { seq, event }: Stored): Outbox {
  if (seq <= outbox.seq) return outbox;
  const effect = effectOf(event);
  const entries = effect ? [...outbox.entries, { effect, attempts: 0 }] : outbox.entries;
  return { seq, version: event.version, entries };
}

/** Drops what the effects subject already carries: a crash between publishing and saving left it in the document. */
export function withoutPublished(outbox: Outbox, publishedVersion: number): Outbox {
  return { ...outbox, entries: outbox.entries.filter(({ effect }) => effect.version > publishedVersion) };
}
