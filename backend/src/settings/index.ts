/** How the control plane itself is set up: the test of every connection. */
import { Problem, type Shard } from '@cloudlysis/contract';
import type { ReadHandlers } from '../call/call.ts';
import { testConnections } from './connections.ts';
import { probesOf, type ProbeDeps } from './probes.ts';
import { within } from '../kernel/time.ts';

/** A database that hangs must not keep the nodes from being tested: those that were known are. */
const SHARDS_MS = 300;

export function createSettings(deps: ProbeDeps): {
  readonly name: string;
  readonly reads: ReadHandlers<'settings.connections'>;
} {
  const { ambient } = deps;
  let known: readonly Shard[] | undefined;
  const shards = async (): Promise<readonly Shard[]> => {
    const read = deps.shards().then(
      (all) => (known = all),
      () => undefined,
    );
    await within(ambient, SHARDS_MS, read, () => undefined);
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
