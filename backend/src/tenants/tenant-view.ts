/** A tenant as it travels: record, computed status and placements as one value of the contract. */
import { ServiceKind, type Placement, type Tenant } from '@cloudlysis/contract';
import type { Status } from './tenant-status.ts';
import type { TenantRecord } from './tenants.ts';

export function toWire(record: TenantRecord, status: Status, placements: readonly Placement[]): Tenant {
  return {
    tenant_id: record._id,
    status: { state: status.state, reason: status.reason, since: status.since.toISOString() },
    metadata: record.metadata,
    placements: inOrder(placements).map(({ kind, shard_id, revision }) => ({ kind, shard_id, revision })),
    purge_after: record.archived?.purge_after.toISOString() ?? null,
    version: record.version,
    created_at: record.created_at.toISOString(),
    updated_at: record.updated_at.toISOString(),
  };
}

const ORDER = ServiceKind.options;

/** By kind, in the order of the contract, so that the same placements always read the same. */
export const inOrder = (placements: readonly Placement[]): Placement[] =>
  placements.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
