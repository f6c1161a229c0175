/** Has nodes read the published placements now. */
import type { NodeDeps } from './node-deps.ts';
import { shardAt } from '../record/placement.store.ts';

/** Nodes follow the bucket by themselves; telling them makes it sooner, so one that cannot be told is no failure here. */
export async function tellNodes(deps: NodeDeps, shardIds: readonly string[], signal: AbortSignal): Promise<string[]> {
  const told = await Promise.allSettled(
    shardIds.map(async (id) => deps.nodes.at(await shardAt(deps, id)).reload(signal)),
  );
  signal.throwIfAborted();
  return told.flatMap((one, index) =>
    one.status === 'rejected' ? [`${shardIds[index]}: ${(one.reason as Error).message}`] : [],
  );
}
