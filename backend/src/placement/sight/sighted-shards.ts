/** Every node as it was last seen: what the overview's items and services about nodes are made of. */
import type { ServiceKind } from '@cloudlysis/contract';
import { lasting } from '../nodes/copy-doubts.ts';
import { nodeHealth } from '../nodes/node-health.ts';
import type { CopyDoubt, PlacementBook } from '../record/placement-book.ts';
import type { DrainOrder } from '../record/stored-placement.ts';

export interface SightedShard {
  readonly shardId: string;
  readonly kind: ServiceKind;
  readonly tenants: number;
  readonly capacity: number;
  readonly state: 'ready' | 'not-ready' | 'unreachable';
  readonly reason: string;
  readonly drains: boolean;
  /** Drains that were asked for there, of the whole node and of tenants. */
  readonly ordered: readonly DrainOrder[];
  /** Since when it does not answer; null when it does. */
  readonly since: Date | null;
  /** When it was last asked; null before. */
  readonly at: Date | null;
  /** Copies that it cannot vouch for, and not just for a moment. */
  readonly doubts: readonly CopyDoubt[];
}

/** The nodes' last reports, 2 s old at most: asking them again would add nothing but time. */
export async function sightedShards(placement: PlacementBook, now: Date): Promise<SightedShard[]> {
  const [shards, counts] = await Promise.all([placement.shards(), placement.counts()]);
  const reports = placement.reports();
  const ordered = Map.groupBy(placement.drains().values(), ({ shard_id }) => shard_id);
  return shards.map(({ shard_id, kind, capacity }) => {
    const report = reports.get(shard_id);
    return {
      shardId: shard_id,
      kind,
      tenants: counts.get(shard_id) ?? 0,
      capacity: capacity.tenants,
      ...nodeHealth(report, placement.drains().get(shard_id)),
      ordered: ordered.get(shard_id) ?? [],
      drains: report?.state?.draining ?? false,
      since: report?.since ?? null,
      at: report?.at ?? null,
      doubts: lasting(report?.doubts ?? [], now),
    };
  });
}
