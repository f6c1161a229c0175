// The one rule for what a message in a KV bucket means; every reader (first read, watch, look-up of one key) asks it.
import type { MsgHdrs } from '@nats-io/transport-node';

/** A mark says on purpose that the key is gone, or that its time was over; a value that is not JSON is `null`, which tables refuse. */
export type Meaning = { gone: true; aged: boolean } | { gone: false; value: unknown };

export function meaningOf(headers: MsgHdrs | undefined, data: Uint8Array): Meaning {
  // Besides DEL and PURGE of a client, a server leaves marks of its own where a limit or a purge took the last value.
  if (headers?.has('Nats-Marker-Reason')) return { gone: true, aged: headers.get('Nats-Marker-Reason') === 'MaxAge' };
  const operation = headers?.get('KV-Operation');
  if (operation === 'DEL' || operation === 'PURGE') return { gone: true, aged: false };
  try {
    return { gone: false, value: JSON.parse(new TextDecoder().decode(data)) as unknown };
  } catch {
    return { gone: false, value: null };
  }
}

/** The key of a message of the bucket's stream; undefined when it is not one. */
export function keyOf(bucket: string, subject: string): string | undefined {
  const prefix = `$KV.${bucket}.`;
  return subject.startsWith(prefix) ? subject.slice(prefix.length) : undefined;
}
