/** Whether stored documents are shards and placements; types alone, because bounds change and what was stored before stays. */
import { ServiceKind, type Shard } from '@cloudlysis/contract';
import { z } from 'zod';
import { isPlace, NO_PLACE } from '../../kernel/paging.ts';

const Place = z.string().refine(isPlace, NO_PLACE);
const StoredPlacement = z.looseObject({
  _id: z.string(),
  tenant_id: Place,
  kind: ServiceKind,
  shard_id: z.string().nullable(),
  revision: z.number(),
});
const StoredShard = z.looseObject({
  _id: Place,
  kind: ServiceKind,
  endpoint: z.string(),
  capacity: z.looseObject({ tenants: z.number() }),
});

const StoredDrain = z.looseObject({
  _id: z.string(), shard_id: z.string(), tenant_id: z.string().nullable(), wanted: z.enum(['drained', 'serving']), job_id: z.string(),
  by: z.string(), reason: z.string().nullable(), since: z.date(), version: z.number(),
  told_again: z.looseObject({ at: z.date(), times: z.number() }).nullable(),
}); // prettier-ignore

const faultIn = (schema: z.ZodType, value: unknown): string | null => {
  const issue = schema.safeParse(value).error?.issues[0];
  return issue ? `${issue.path.join('.') || 'the document'}: ${issue.message}`.slice(0, 500) : null;
};

/** Which field is wrong; null where none is. */
export const placementFault = (record: PlacementRecord): string | null => faultIn(StoredPlacement, record);
export const drainFault = (order: DrainOrder): string | null => faultIn(StoredDrain, order);
export const shardFault = (record: ShardRecord): string | null => faultIn(StoredShard, record);
export interface ShardRecord extends Omit<Shard, 'shard_id'> {
  readonly _id: string;
  readonly version: number;
}

/**
 * Never deleted: a released placement keeps its revision with `shard_id` null, because nodes ignore lower revisions and
 * one that missed the release would ignore the tenant's next placement, too.
 */
export interface PlacementRecord {
  /** `<kind>.<tenant>` */
  readonly _id: string;
  readonly tenant_id: string;
  readonly kind: ServiceKind;
  readonly shard_id: string | null;
  /** Goes up at every write: the token of the compare-and-swap. */
  readonly revision: number;
  /** Job that wrote it last. */
  readonly job_id: string;
}

export interface DrainOrder {
  /** `<shard>` for the whole node, `<shard>/<tenant>` for one tenant. */
  readonly _id: string;
  readonly shard_id: string;
  readonly tenant_id: string | null;
  /** `serving`: a drain that was lifted. It is kept until the node has said so for a while, and it may have to be told. */
  readonly wanted: 'drained' | 'serving';
  readonly job_id: string;
  readonly by: string;
  readonly reason: string | null;
  readonly since: Date;
  /** When the node last had to be told again, and how often in all. */
  readonly told_again: { readonly at: Date; readonly times: number } | null;
  /** Goes up at every write: the token of the compare-and-swap. */
  readonly version: number;
}

export const placementKeyOf = (kind: ServiceKind, tenantId: string): string => `${kind}.${tenantId}`;
