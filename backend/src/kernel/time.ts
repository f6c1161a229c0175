/** Waits for the world to come round: looks at once, then after 10, 20, 50, 100 … ms, until a deadline. */
import type { Ambient } from './ambient.ts';

const PAUSES_MS = [10, 20, 50, 100];
const LONGEST_MS = 200;

/**
 * Calls `look` until it returns a value other than null, and returns that. Null once `limitMs` have passed; `look` is
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
