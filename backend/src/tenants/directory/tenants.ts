/** Pure rules of a tenant's life: what its record holds, what may be done to it next, and what becomes of it then. */
import type { TenantMetadata } from '@cloudlysis/contract';

export interface Pause {
  readonly reason: string;
  readonly since: Date;
  readonly job_id: string;
}

export interface Archival {
  readonly at: Date;
  /** Until then it can be restored; its data stays at least as long. */
  readonly purge_after: Date;
  /** A tenant that was paused before is paused again when it is restored. */
  readonly was_paused: boolean;
}

/** The record of a tenant, as it is stored: the one document that decides. */
export interface TenantRecord {
  readonly _id: string;
  readonly metadata: TenantMetadata;
  readonly phase: 'provisioning' | 'live' | 'archived';
  readonly paused: Pause | null;
  readonly archived: Archival | null;
  /** When phase or pause last changed, so that an active tenant can say since when, on every replica the same. */
  readonly state_since: Date;
  /** Revision of the flag that its last pause, resume, archive or restore published; nodes ignore a lower one. */
  readonly flag_revision?: number;
  /** Job that wrote it last. */
  readonly job_id: string;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Writer of the records that configuration brings; they are provisioned without the job engine. */
export const SEED_JOB = 'seed';

export type MetadataPatch = { [K in keyof TenantMetadata]?: TenantMetadata[K] | undefined };

export function completeMetadata(given: MetadataPatch & { name: string }, environment: string): TenantMetadata {
  const empty: TenantMetadata = {
    name: given.name,
    plan: 'free',
    quotas: {},
    feature_flags: {},
    contact: { email: null, phone: null },
    billing: {},
    environments: [environment],
  };
  return mergeMetadata(empty, given);
}

/** A field that is told replaces the whole field: with a deep merge a quota could never be taken away again. */
export function mergeMetadata(now: TenantMetadata, patch: MetadataPatch): TenantMetadata {
  const told = Object.entries(patch).filter(([, value]) => value !== undefined);
  return { ...now, ...Object.fromEntries(told) };
}

/** The fields that `patch` names, as they are in `before`: what takes it back. */
export function reversePatch(before: MetadataPatch, patch: MetadataPatch): MetadataPatch {
  const fields = (Object.keys(patch) as (keyof TenantMetadata)[]).filter((field) => patch[field] !== undefined);
  return Object.fromEntries(fields.map((field) => [field, before[field]]));
}

export function newTenant(id: string, metadata: TenantMetadata, jobId: string, now: Date): TenantRecord {
  return {
    _id: id,
    metadata,
    phase: 'provisioning',
    paused: null,
    archived: null,
    state_since: now,
    job_id: jobId,
    version: 1,
    created_at: now,
    updated_at: now,
  };
}

export const LIFECYCLE_KINDS = ['tenants.pause', 'tenants.resume', 'tenants.archive', 'tenants.restore'] as const;
export type LifecycleKind = (typeof LIFECYCLE_KINDS)[number];

/** Why a tenant cannot be paused, resumed, archived or restored now; null when it can. */
export function refusalOf(kind: LifecycleKind, record: TenantRecord, now: Date): string | null {
  const name = record._id;
  if (record.phase === 'provisioning') return `${name} is still being provisioned`;
  if (kind === 'tenants.restore') return restoreRefusal(record, now);
  if (record.archived) return `${name} was archived on ${day(record.archived.at)}; restore it first`;
  if (kind === 'tenants.pause' && record.paused) {
    return `${name} has been paused since ${record.paused.since.toISOString()}: ${record.paused.reason}`;
  }
  if (kind === 'tenants.resume' && !record.paused) return `${name} is not paused`;
  return null;
}

function restoreRefusal({ _id, archived }: TenantRecord, now: Date): string | null {
  if (!archived) return `${_id} is not archived`;
  if (now < archived.purge_after) return null;
  return `the cooling period of ${_id} ended on ${archived.purge_after.toISOString()}`;
}

/** What the nodes are told once the tenant got there. */
export function flagAfter(
  kind: LifecycleKind,
  record: TenantRecord,
  reason: string,
): { paused: boolean; reason: string } {
  switch (kind) {
    case 'tenants.pause':
      return { paused: true, reason };
    case 'tenants.archive':
      return { paused: true, reason: `archived: ${reason}` };
    case 'tenants.resume':
      return { paused: false, reason };
    case 'tenants.restore':
      return record.paused ? { paused: true, reason: record.paused.reason } : { paused: false, reason };
  }
}

export interface LifecycleMoment {
  readonly jobId: string;
  readonly reason: string;
  readonly now: Date;
  readonly coolingDays: number;
  readonly flagRevision: number;
}

const DAY_MS = 86_400_000;

/** The record afterwards. */
export function recordAfter(kind: LifecycleKind, record: TenantRecord, moment: LifecycleMoment): TenantRecord {
  const { jobId, reason, now, coolingDays, flagRevision } = moment;
  const written = { ...record, flag_revision: flagRevision, job_id: jobId, state_since: now, updated_at: now };
  switch (kind) {
    case 'tenants.pause':
      return { ...written, paused: { reason, since: now, job_id: jobId } };
    case 'tenants.resume':
      return { ...written, paused: null };
    case 'tenants.archive': {
      const purgeAfter = new Date(now.getTime() + coolingDays * DAY_MS);
      return {
        ...written,
        phase: 'archived',
        archived: { at: now, purge_after: purgeAfter, was_paused: record.paused !== null },
      };
    }
    case 'tenants.restore':
      return { ...written, phase: 'live', archived: null };
  }
}

/** The kind that takes it back. */
export const REVERSE: Record<LifecycleKind, LifecycleKind> = {
  'tenants.pause': 'tenants.resume',
  'tenants.resume': 'tenants.pause',
  'tenants.archive': 'tenants.restore',
  'tenants.restore': 'tenants.archive',
};

export const day = (date: Date): string => date.toISOString().slice(0, 10);
