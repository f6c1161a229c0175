/** One record in its three shapes: the draft a feature hands in, the document in the store, the record on the wire. */
import { JobId, TenantId, type AuditRecord, type Outcome } from '@cloudlysis/contract';
import type { AuditDraft } from './audit-log.ts';
import { bounded, image, text } from './redact.ts';

/** As appended: everything but its place in the chain. Immutable from here on. */
export interface PendingRecord {
  readonly _id: string;
  /** Version of the canonical form: 2 has `count`, `first_at` and `last_at`, 1 has none of them. */
  readonly v: 1 | 2;
  readonly code: string;
  readonly action: string;
  readonly actor: string;
  readonly on_behalf_of: string | null;
  readonly resource: string;
  readonly tenant_id: string | null;
  readonly environment: string;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly problem: string | null;
  /** Canonical JSON; null for none. */
  readonly before: string | null;
  readonly after: string | null;
  readonly job_id: string | null;
  readonly request_id: string | null;
  readonly trace_id: string | null;
  readonly ip: string | null;
  readonly agent: string | null;
  readonly at: Date;
  /** How many of the same it stands for. */
  readonly count?: number;
  readonly first_at?: Date;
  readonly last_at?: Date;
}

/** With its place. `prev` and `segment` follow from the others; they are kept so that damage can be named exactly. */
export interface PlacedRecord extends PendingRecord {
  readonly seq: number;
  readonly segment: number;
  readonly prev: string;
  readonly hash: string;
}

/** Every key a stored record of form 1 has: one more or one less is tampering. */
export const STORED_KEYS: readonly string[] = [
  '_id', 'v', 'code', 'action', 'actor', 'on_behalf_of', 'resource', 'tenant_id', 'environment', 'outcome', 'reason',
  'problem', 'before', 'after', 'job_id', 'request_id', 'trace_id', 'ip', 'agent', 'at', 'seq', 'segment', 'prev', 'hash',
] satisfies (keyof PlacedRecord)[]; // prettier-ignore

/** What a record of form 2 has more. */
export const COUNTED_KEYS = ['count', 'first_at', 'last_at'] as const satisfies (keyof PlacedRecord)[];

/** Characters of each text; what waits in the inbox and is longer was not written by this service. */
export const BOUNDS = {
  code: 64, action: 64, actor: 254, resource: 200, reason: 500, problem: 64, requestId: 128, traceId: 64, ip: 64, agent: 256,
} as const; // prettier-ignore

const optional = (value: string | null | undefined, max: number): string | null =>
  value === null || value === undefined ? null : text(value, max);

/** Redacts and bounds a draft. Ids that are not ours (a refused request can name anything) become null. */
export function pendingRecord(draft: AuditDraft, id: string, at: Date, environment: string): PendingRecord {
  const { actor, provenance, repeated } = draft;
  const person = typeof actor === 'string' ? { id: actor, onBehalfOf: null } : actor;
  return {
    _id: id,
    v: repeated ? 2 : 1,
    code: text(draft.code, BOUNDS.code),
    action: text(draft.action, BOUNDS.action),
    actor: bounded(person.id, BOUNDS.actor),
    on_behalf_of: person.onBehalfOf ? bounded(person.onBehalfOf, BOUNDS.actor) : null,
    resource: text(draft.resource, BOUNDS.resource),
    tenant_id: TenantId.safeParse(draft.tenantId).data ?? null,
    environment: draft.environment ?? environment,
    outcome: draft.outcome,
    reason: optional(draft.reason, BOUNDS.reason),
    problem: optional(draft.problem, BOUNDS.problem),
    before: image(draft.before),
    after: image(draft.after),
    job_id: JobId.safeParse(draft.jobId).data ?? null,
    request_id: optional(provenance?.requestId, BOUNDS.requestId),
    trace_id: optional(provenance?.traceId, BOUNDS.traceId),
    ip: optional(provenance?.ip, BOUNDS.ip),
    agent: optional(provenance?.agent, BOUNDS.agent),
    at,
    ...(repeated ? { count: repeated.count, first_at: repeated.first, last_at: repeated.last } : {}),
  };
}

const parsed = (json: string | null): unknown => (json === null ? null : JSON.parse(json));

/** The record as the contract knows it, without its hash: exactly what the hash covers, so that an export can be checked. */
export function hashedPart(record: Omit<PlacedRecord, 'hash' | 'prev' | 'segment'>): Omit<AuditRecord, 'hash'> {
  return {
    record_id: record._id,
    seq: record.seq,
    code: record.code,
    action: record.action,
    actor: record.actor,
    on_behalf_of: record.on_behalf_of,
    resource: record.resource,
    tenant_id: record.tenant_id,
    environment: record.environment,
    outcome: record.outcome,
    reason: record.reason,
    problem: record.problem,
    before: parsed(record.before),
    after: parsed(record.after),
    job_id: record.job_id,
    request_id: record.request_id,
    trace_id: record.trace_id,
    ip: record.ip,
    agent: record.agent,
    at: record.at.toISOString(),
    ...(record.count === undefined ? {} : { count: record.count }),
    ...(record.first_at ? { first_at: record.first_at.toISOString() } : {}),
    ...(record.last_at ? { last_at: record.last_at.toISOString() } : {}),
  };
}

export const wireRecord = (record: PlacedRecord): AuditRecord => ({ ...hashedPart(record), hash: record.hash });
