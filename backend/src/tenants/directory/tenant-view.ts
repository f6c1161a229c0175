/** A tenant as it travels: record, computed status and placements as one value of the contract. */
import { ServiceKind, type Placement, type Tenant, type TenantTraffic } from '@cloudlysis/contract';
import type { Status } from './tenant-status.ts';
import type { TenantRecord } from './tenants.ts';

/** All but what changes from one sample to the next. */
export type StillTenant = Omit<Tenant, 'traffic'>;

export const UNKNOWN_TRAFFIC: TenantTraffic = {
  requests_per_second: null,
  error_ratio: null,
  consumer_lag: null,
  sampled_at: null,
};

interface Sampled {
  readonly at: Date;
}

/** Rate and lag are sampled apart; the time told is that of the older one, so that neither seems newer than it is. */
export function trafficView(
  rate: (Sampled & { readonly requestsPerSecond: number; readonly errorRatio: number | null }) | null,
  lag: (Sampled & { readonly events: number | null }) | null,
): TenantTraffic {
  const times = [rate, lag].flatMap((sample) => (sample ? [sample.at.getTime()] : []));
  return {
    requests_per_second: rate?.requestsPerSecond ?? null,
    error_ratio: rate?.errorRatio ?? null,
    consumer_lag: lag?.events ?? null,
    sampled_at: times.length ? new Date(Math.min(...times)).toISOString() : null,
  };
}

/** The same tenant for somebody who may see some tenants only. */
export const inOutline = <T extends StillTenant>(tenant: T, { outline }: Status): T =>
  outline === undefined ? tenant : { ...tenant, status: { ...tenant.status, reason: outline } };

export function toWire(
  record: TenantRecord,
  status: Status,
  placements: readonly Placement[],
  environment: string,
): StillTenant {
  return {
    tenant_id: record._id,
    environment,
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
