/** What other features may ask of placement: who lives where, who could take a tenant, and to place or release one. */
import type { Placement, ServiceKind, Shard } from '@cloudlysis/contract';
import type { DrainOrder } from './stored-placement.ts';
import type { NodeReadiness, NodeState } from '../../ports/nodes/index.ts';

/** What a shard's node said when it was last asked; `problem` when it did not answer or not by the contract. */
export interface NodeReport {
  readonly shardId: string;
  readonly state: NodeState | null;
  readonly readiness: NodeReadiness | null;
  readonly problem: string | null;
  /** Milliseconds by which its clock is ahead of the store's; null where it does not tell its time. */
  readonly aheadMs: number | null;
  readonly at: Date;
  /** Since when it has had this or another problem, as this replica saw it; null when it has none. */
  readonly since: Date | null;
  /** Copies of buckets that the node itself cannot vouch for. */
  readonly doubts: readonly CopyDoubt[];
}

export interface CopyDoubt {
  readonly bucket: string;
  /** In the node's own words, with the time by its own clock. */
  readonly says: string;
  /** Since when this replica has seen it: clocks of nodes are not compared with ours. */
  readonly since: Date;
}

export interface PlacementBook {
  shards(kind?: ServiceKind): Promise<Shard[]>;
  /** @throws Problem `shard.unknown` */
  shard(shardId: string): Promise<Shard>;
  of(tenantId: string): Promise<Placement[]>;
  /** Every placement, from memory: at most a moment old. */
  all(): Promise<readonly Placement[]>;
  /** Tenants placed on each shard. */
  counts(): Promise<Map<string, number>>;
  /** The shard of a kind with the smallest share of its capacity in use; null when there is none. */
  leastLoaded(kind: ServiceKind): Promise<Shard | null>;
  /** Records and publishes a first placement. Idempotent for one job. @throws Problem `version.stale` when another job placed it. */
  assign(tenantId: string, kind: ServiceKind, shardId: string, jobId: string): Promise<Placement>;
  /** Takes a tenant's placements away, recorded and published. Idempotent. */
  release(tenantId: string, jobId: string): Promise<void>;
  /** The last report of every shard's node, at most a few seconds old. */
  reports(): ReadonlyMap<string, NodeReport>;
  /** Drains that were ordered and not lifted, by `<shard>` or `<shard>/<tenant>`, at most a moment old. */
  drains(): ReadonlyMap<string, DrainOrder>;
}
