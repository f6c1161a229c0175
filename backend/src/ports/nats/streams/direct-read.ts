/** Reads a stretch of a stream by direct gets: no consumer is made, so none can be left behind. */
import type { StoredMsg } from '@nats-io/jetstream';
import type { Link } from '../port/connection.ts';

/** What a server sends for one request at most. */
const BATCH = 1024;

/** Messages of `subject` from sequence `from` on, oldest first, at most `limit`. */
export async function* directRead(
  link: Link,
  stream: string,
  subject: string,
  from: number,
  limit: number,
): AsyncGenerator<StoredMsg> {
  for (let left = limit; left > 0;) {
    const messages = await readBatch(link, stream, subject, from, Math.min(left, BATCH));
    yield* messages;
    const last = messages.at(-1);
    if (!last || (last as { pending?: number }).pending === 0) return;
    left -= messages.length;
    from = last.seq + 1;
  }
}

/** With a callback, because the client's iterator form never ends its subscription. */
function readBatch({ jsm }: Link, stream: string, subject: string, seq: number, batch: number): Promise<StoredMsg[]> {
  return new Promise((resolve, reject) => {
    const messages: StoredMsg[] = [];
    const callback = (done: { err?: Error } | null, message: StoredMsg): void => {
      if (!done) messages.push(message);
      else if (done.err && !isNothingThere(done.err)) reject(done.err);
      else resolve(messages);
    };
    jsm.direct.getBatch(stream, { seq, batch, next_by_subj: subject, callback }).catch(reject);
  });
}

/** How a server answers when no message is left: as an error, unless some came before. */
const isNothingThere = (error: Error): boolean => (error as { code?: unknown }).code === 404;
