// Waiting for the world in tests: asks again until an answer fits, and says what was last seen when none does.
import { setTimeout as sleep } from 'node:timers/promises';

/** Calls `look` until it returns a value other than undefined, null and false. What it throws counts as "not yet". */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | null | false>,
  ms = 60_000,
): Promise<T> {
  let last: unknown;
  for (const end = performance.now() + ms; ; await sleep(20)) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== null && seen !== false) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}; last: ${String(last)}`);
  }
}
