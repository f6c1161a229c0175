/** Time as it is waited for: at most so long, again and again, until the world has come round. All of it by Ambient. */
import type { Ambient } from './ambient.ts';

/**
 * What `work` comes to; or, where that takes longer than `ms`, what `late` returns or throws. What work still does then is
 * nobody's any more.
 */
export async function within<T, Late>(
  ambient: Pick<Ambient, 'after'>,
  ms: number,
  work: Promise<T>,
  late: () => Late,
): Promise<T | Late> {
  const over = Promise.withResolvers<void>();
  const cancel = ambient.after(ms, over.resolve);
  // Its failure may come when nobody listens any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, over.promise.then(late)]);
  } finally {
    cancel();
  }
}

/** Does `work` until it is stopped, the next time `ms` after it ended. A failure is told and ends nothing. */
export async function every(
  ambient: Pick<Ambient, 'sleep'>,
  ms: number,
  stopped: AbortSignal,
  work: () => Promise<unknown>,
  failed: (error: unknown) => void,
): Promise<void> {
  while (!stopped.aborted) {
    try {
      await work();
    } catch (error) {
      if (!stopped.aborted) failed(error);
    }
    await ambient.sleep(ms, stopped).catch(() => undefined);
  }
}

const PAUSES_MS = [10, 20, 50, 100];
const LONGEST_MS = 200;

/**
 * Looks at once, then after 10, 20, 50, 100 and every 200 ms: calls `look` until it returns a value other than null, and returns that. Null once `limitMs` have passed; `look` is
 * called at least once. A move's write pause contains these waits, so the first ones are short.
 */
export async function waitFor<T>(
  ambient: Ambient,
  limitMs: number,
  signal: AbortSignal,
  look: () => Promise<T | null>,
): Promise<T | null> {
  const started = ambient.monotonic();
  for (let tried = 0; ; tried++) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== null) return found;
    const left = limitMs - (ambient.monotonic() - started);
    if (left <= 0) return null;
    await ambient.sleep(Math.min(PAUSES_MS[tried] ?? LONGEST_MS, left), signal);
  }
}
