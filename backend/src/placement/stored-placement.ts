/** Whether stored documents are shards and placements; types alone, because bounds change and what was stored before stays. */
import { ServiceKind } from '@cloudlysis/contract';
import { z } from 'zod';
import type { DrainOrder } from './drain-orders.ts';
import type { PlacementRecord, ShardRecord } from './placement.store.ts';

const StoredPlacement = z.looseObject({
  _id: z.string(),
  tenant_id: z.string(),
  kind: ServiceKind,
  shard_id: z.string().nullable(),
  revision: z.number(),
});
const StoredShard = z.looseObject({
  _id: z.string(),
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
