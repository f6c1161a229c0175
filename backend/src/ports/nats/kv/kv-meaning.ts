/** The one rule for what a message in a KV bucket means. */
import type { StoredMsg } from '@nats-io/jetstream';

export interface Meaning {
  /** Null where the key has no value. */
  readonly text: string | null;
  /** Taken away on purpose, by a client or an operator; not by its age. */
  readonly isDeleted: boolean;
}

export function meaningOf(message: StoredMsg): Meaning {
  // A server leaves marks of its own where a limit, a purge or a removal took the last value.
  const reason = message.header?.get('Nats-Marker-Reason');
  if (reason) return { text: null, isDeleted: reason !== 'MaxAge' };
  const operation = message.header?.get('KV-Operation');
  if (operation === 'DEL' || operation === 'PURGE') return { text: null, isDeleted: true };
  return { text: message.string(), isDeleted: false };
}
