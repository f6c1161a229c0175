/** Names that the platform contract fixes: streams, subjects, buckets, keys and consumers. */
import type { ServiceKind } from '@cloudlysis/contract';

export const STREAMS = { EVENTS: 'events.>', EFFECTS: 'effects.>', IAM: 'iam.events.>' } as const;
export const PLACEMENT_BUCKET = 'placement';
export const CONFIG_BUCKET = 'config';
export const REVOCATIONS_BUCKET = 'iam_revocations';
export const BUCKETS = [PLACEMENT_BUCKET, CONFIG_BUCKET, REVOCATIONS_BUCKET] as const;

/** Every event of a tenant is on this one subject, so the log of a tenant is one sequence. */
export const logSubject = (tenantId: string): string => `events.${tenantId}.log`;
export const tenantEvents = (tenantId: string): string => `events.${tenantId}.>`;

export type ConsumerKind = 'projection' | 'runner';
export const consumerName = (kind: ConsumerKind, tenantId: string): string => `${kind}-${tenantId}`;
export const consumerNames = (tenantId: string): string[] => [
  consumerName('projection', tenantId),
  consumerName('runner', tenantId),
];

export const placementKey = (kind: ServiceKind, tenantId: string): string => `${kind}.${tenantId}`;
export const tenantFlagsKey = (tenantId: string): string => `tenants.${tenantId}`;
