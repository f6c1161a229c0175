/** How the control plane itself is set up: the test of every connection. */
import { Problem, type Shard } from '@cloudlysis/contract';
import type { ReadHandlers } from '../call/call.ts';
import { testConnections } from './connections.ts';
import { probesOf, type ProbeDeps } from './probes.ts';

/** A database that hangs must not keep the nodes from being tested: those that were known are. */
const SHARDS_MS = 300;

export function createSettings(deps: ProbeDeps): {
  readonly name: string;
  readonly reads: ReadHandlers<'settings.connections'>;
} {
  const { ambient } = deps;
  let known: readonly Shard[] | undefined;
  const shards = async (): Promise<readonly Shard[]> => {
    const done = new AbortController();
    const late = ambient.sleep(SHARDS_MS, done.signal).catch(() => undefined);
    const read = deps.shards().then(
      (all) => (known = all),
      () => undefined,
    );
    await Promise.race([read, late]).finally(() => done.abort());
    if (!known) throw new Problem('store.unavailable');
    return known;
  };
  return {
    name: 'settings',
    reads: {
      'settings.connections': async ({ signal }) => ({
        items: await testConnections(await probesOf({ ...deps, shards }), ambient, signal),
      }),
    },
  };
}
