// Every name two parties of the platform must agree on: streams, subjects, buckets, consumers and the shape of ids.
export const KINDS = ['aggregate', 'projection', 'runner', 'gateway'] as const;
export type Kind = (typeof KINDS)[number];

/** One NATS token: no dots, wildcards or spaces can reach a subject or a key through it. */
export const TENANT_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
export const COMMAND_ID = /^[A-Za-z0-9][A-Za-z0-9_:.-]{0,127}$/;

export const STREAMS = { EVENTS: 'events.>', EFFECTS: 'effects.>', IAM: 'iam.events.>' } as const;
export type StreamName = keyof typeof STREAMS;

export const BUCKETS = [
  'placement', // <kind>.<tenant>         → {shard, revision, job_id}          written by the control plane
  'config', // tenants.<tenant>          → {paused, reason, revision}         written by the control plane
  'iam_revocations', // <jti or session id> → anything                        written by the control plane
  'read_models', // <view>.<tenant>      → {seq, version, data}               written by projections
  'outbox', // runner.<tenant>           → {seq, version, entries}            written by runners
  'snapshots', // aggregate.<tenant>     → a prefix of the log, folded        written by aggregates
  'probes', // <service>.<shard>         → readiness probe                    written by every node
] as const;
/** Told to every stream and bucket, two a tenant on EVENTS: one that says nothing, or −1, has 1 000 since NATS 2.15. */
export const MAX_CONSUMERS = 100_000;

export type BucketName = (typeof BUCKETS)[number];

export const subjects = {
  /** ONE subject per tenant, so that "expected last subject sequence" is the tenant's optimistic lock. */
  log: (tenant: string) => `events.${tenant}.log`,
  tenantEvents: (tenant: string) => `events.${tenant}.>`,
  effects: (tenant: string) => `effects.${tenant}`,
  deadLetters: (tenant: string) => `effects.${tenant}.dead`,
  commands: (shard: string, tenant: string) => `commands.${shard}.${tenant}`,
  queries: (shard: string, tenant: string) => `queries.${shard}.${tenant}`,
  /** Core NATS hint "a gate of this shard opened"; losing one costs a retry interval, nothing else. */
  gates: (shard: string) => `gates.${shard}`,
};

/** The durable consumer is named after the tenant, not the shard: the checkpoint moves with the tenant. */
export const consumerName = (kind: 'projection' | 'runner', tenant: string): string => `${kind}-${tenant}`;
