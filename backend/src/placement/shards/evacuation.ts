/** Pure: where the tenants of a shard go when it is emptied, and what that does to the others. */
import type { Shard } from '@cloudlysis/contract';

export interface Candidate {
  readonly shard: Shard;
  readonly tenants: number;
}

export interface TargetLoad {
  readonly shard: Shard;
  readonly before: number;
  readonly after: number;
}

export interface Evacuation {
  readonly moves: readonly { readonly tenantId: string; readonly to: string }[];
  /** Tenants for whom no candidate has room. */
  readonly homeless: readonly string[];
  readonly loads: readonly TargetLoad[];
}

/** Each tenant goes to whoever then holds the smallest share of its capacity; ties by shard id, so a plan can be made again. */
export function planEvacuation(tenantIds: readonly string[], candidates: readonly Candidate[]): Evacuation {
  const held = candidates
    .map(({ shard, tenants }) => ({ shard, before: tenants, after: tenants }))
    .sort((a, b) => (a.shard.shard_id < b.shard.shard_id ? -1 : 1));
  const moves: { tenantId: string; to: string }[] = [];
  const homeless: string[] = [];
  for (const tenantId of [...tenantIds].sort()) {
    const target = leastLoaded(held);
    if (!target) homeless.push(tenantId);
    else {
      target.after += 1;
      moves.push({ tenantId, to: target.shard.shard_id });
    }
  }
  return { moves, homeless, loads: held };
}

interface Held {
  readonly shard: Shard;
  readonly before: number;
  after: number;
}

function leastLoaded(held: readonly Held[]): Held | null {
  let best: Held | null = null;
  for (const one of held) {
    if (one.after + 1 > one.shard.capacity.tenants) continue;
    if (!best || loadWithOneMore(one) < loadWithOneMore(best)) best = one;
  }
  return best;
}

const loadWithOneMore = ({ shard, after }: Held): number => (after + 1) / shard.capacity.tenants;
