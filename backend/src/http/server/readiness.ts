/** Whether what the service stands on answers: one verdict for each. */
import type { Ambient } from '../../kernel/ambient.ts';
import { within } from '../../kernel/time.ts';
import type { DependencyState, Readiness } from './probes.ts';

/** Below the time readiness as a whole has, so that the dependency that is silent is named. */
const PING_MS = 1_500;

/** One verdict per dependency: its round trip, or why there is none. */
export function readiness(ambient: Ambient, dependencies: Record<string, () => Promise<number>>): Readiness {
  const ask = async (ping: () => Promise<number>): Promise<DependencyState> => {
    const answer = ping().then(
      (ms) => ({ ok: true, detail: `answered in ${ms.toFixed(1)} ms` }),
      (error: unknown) => ({ ok: false, detail: error instanceof Error ? error.message : 'no answer' }),
    );
    return within(ambient, PING_MS, answer, () => ({ ok: false, detail: `no answer in ${PING_MS} ms` }));
  };
  return async () =>
    Object.fromEntries(
      await Promise.all(Object.entries(dependencies).map(async ([name, ping]) => [name, await ask(ping)] as const)),
    );
}
