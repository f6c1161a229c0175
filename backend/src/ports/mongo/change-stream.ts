/** What a change stream announces, until it breaks. */
import type { Collection, Document } from 'mongodb';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { translated } from './mongo.ts';

export interface Announced {
  readonly operationType: string;
  readonly documentKey?: { readonly _id: unknown };
}

export interface Listener {
  readonly ambient: Ambient;
  readonly signal: AbortSignal;
  /** Stages after the stream's own; none unless told. */
  readonly pipeline?: readonly Document[];
  /** From now on nothing is missed. */
  opened(): void;
  heard(announced: readonly Announced[]): void;
}

/** The server answers an idle stream this often, well within the socket's deadline of 1.5 s. */
const AWAIT_MS = 500;
/** A stream that is silent for longer is given up. */
const SILENT_MS = 10_000;

/**
 * A plain cursor instead of the driver's change stream: that one resumes by itself after a break, here every break is
 * seen, so that it can be answered with a full read. Full documents are not asked for: they are read where they matter.
 * Returns when the stream ended, as with its collection, or the signal was aborted. @throws what broke it
 */
export async function followChanges<T extends Document>(collection: Collection<T>, listener: Listener): Promise<void> {
  const { ambient, signal, pipeline = [], opened, heard } = listener;
  const stream = collection.aggregate<Announced>([{ $changeStream: {} }, ...pipeline], {
    maxAwaitTimeMS: AWAIT_MS,
    timeoutMS: 0,
  });
  const close = (): void => void stream.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    let isOpen = false;
    while (!signal.aborted) {
      const first = await translated(() => answered(stream.tryNext(), ambient, signal));
      if (!isOpen) opened();
      isOpen = true;
      const announced = [...(first ? [first] : []), ...stream.readBufferedDocuments()];
      if (announced.length > 0) heard(announced);
      if (stream.closed || announced.at(-1)?.operationType === 'invalidate' || stream.id?.isZero()) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', close);
    await stream.close().catch(() => undefined);
  }
}

const REOPEN_MS = 500;

/** For good: opened again after each break, so that `opened` is called once more and what was missed is looked for. */
export async function keepFollowing<T extends Document>(collection: Collection<T>, listener: Listener): Promise<void> {
  const { ambient, signal } = listener;
  while (!signal.aborted) {
    await followChanges(collection, listener).catch(() => undefined);
    await ambient.sleep(REOPEN_MS, signal).catch(() => undefined);
  }
}

async function answered<R>(work: Promise<R>, ambient: Ambient, signal: AbortSignal): Promise<R> {
  const timer = new AbortController();
  const stop = AbortSignal.any([timer.signal, signal]);
  work.catch(() => undefined);
  const late = ambient.sleep(SILENT_MS, stop).then(
    () => Promise.reject(new Problem('store.unavailable', `the change stream was silent for ${SILENT_MS} ms`)),
    () => (signal.aborted ? Promise.reject(new Error('stopped')) : new Promise<never>(() => undefined)),
  );
  late.catch(() => undefined);
  return Promise.race([work, late]).finally(() => timer.abort());
}
