/** What the control plane asks of NATS: the published placement and flags, the streams, and what was written to them. */
import type { CopyReport } from '../../../copies/index.ts';

/** `entry` null: the key has no value; `isDeleted` then tells whether somebody took it away or it is merely missing. */
export type ApplyEntry<T> = (key: string, entry: Entry<T> | null, isDeleted: boolean) => void;

export interface BoardWatch extends CopyReport {
  /** Resolves once everything was read and told. @throws Problem `bus.unavailable` */
  current(): Promise<void>;
  /** Compares with the whole board now. @throws Problem `bus.unavailable` */
  check(): Promise<void>;
  stop(): Promise<void>;
}

export interface PublishedPlacement {
  readonly shard: string;
  /** Goes up by one at every move; issued by the control plane. */
  readonly revision: number;
  readonly job_id: string | null;
}

export interface TenantFlags {
  readonly paused: boolean;
  readonly reason: string;
  readonly revision: number;
}

/** A value with the bucket's own revision, the token of the next compare-and-swap. */
export interface Entry<T> {
  readonly key: string;
  readonly value: T;
  readonly kvRevision: number;
}

/** A bucket with compare-and-swap. Every call has a deadline of 3 s. @throws Problem `bus.unavailable` */
export interface Board<T> {
  get(key: string): Promise<Entry<T> | null>;
  /** Writes only if the bucket's revision is still `expected` (0: the key must not exist). False when it is not. */
  put(key: string, value: T, expected: number): Promise<boolean>;
  delete(key: string): Promise<void>;
  all(): Promise<Entry<T>[]>;
  /**
   * Tells of every entry of `keys` (`>` for all, `*` for one part of a key) and of every change from then on, until it is
   * stopped: after a reconnect, in a bucket made anew, of what is deleted, purged or gone by its age.
   */
  watch(name: string, keys: string, apply: ApplyEntry<T>): BoardWatch;
}

export interface ConsumerInfo {
  readonly name: string;
  /** Events not yet delivered plus delivered and not yet acknowledged. */
  readonly lag: number;
  readonly pending: number;
  readonly ackPending: number;
  readonly redelivered: number;
}

export interface TenantEvent {
  readonly seq: number;
  readonly event_id: string;
  readonly tenant_id: string;
  readonly version: number;
  readonly command_id: string;
  readonly shard_id: string;
  /** When the stream took it, milliseconds since the epoch, the server's clock. */
  readonly storedAt: number;
}

/** JetStream as this account may use it. */
export interface JetStreamAccount {
  readonly storedBytes: number;
  /** Null where there is no limit. */
  readonly limitBytes: number | null;
  readonly streams: number;
  readonly consumers: number;
}

/** How much of a limit of a stream is used. */
export interface StreamLimit {
  readonly stream: string;
  readonly what: 'consumers' | 'messages' | 'bytes';
  readonly used: number;
  /** Null where there is none. */
  readonly limit: number | null;
}

export interface BucketSight {
  readonly values: number;
  readonly bytes: number;
}

export interface NatsPort {
  /** Key `<kind>.<tenant>`. */
  readonly placement: Board<PublishedPlacement>;
  /** Key `tenants.<tenant>`. */
  readonly config: Board<TenantFlags>;
  /** Key: the id of a token (`jti`) or a session (`sid`); what the value says does not matter. */
  readonly revocations: Board<true>;
  /** Makes sure the platform's streams (EVENTS, EFFECTS, IAM) exist with room for their consumers. Idempotent; also done at every connect. */
  ensureStreams(): Promise<void>;
  /** Makes sure the tenant's durable consumers exist. Idempotent; returns those it created. @throws Problem `bus.limit_reached` */
  ensureConsumers(tenantId: string): Promise<string[]>;
  deleteConsumers(tenantId: string, names: readonly string[]): Promise<void>;
  /** Null when the consumer does not exist. */
  consumer(tenantId: string, kind: 'projection' | 'runner'): Promise<ConsumerInfo | null>;
  /** All consumers of the log in pages of 256, about 20 ms each. One may be missed while others come and go: ask it by name. */
  consumers(): AsyncIterable<readonly ConsumerInfo[]>;
  /** Last event version and stream sequence of a tenant; zeros when it has none. */
  lastEvent(tenantId: string): Promise<{ version: number; seq: number; at: number | null }>;
  /** The tenant's events after a stream sequence, oldest first, at most `limit`. */
  eventsAfter(tenantId: string, seq: number, limit: number): Promise<TenantEvent[]>;
  /** @throws Problem `bus.unavailable` */
  account(): Promise<JetStreamAccount>;
  /** Of every stream of the platform that is there; a consumer limit that is too low is raised first. @throws Problem `bus.unavailable` */
  limits(): Promise<StreamLimit[]>;
  /** Null when there is no such bucket. @throws Problem `bus.unavailable` */
  bucket(name: string): Promise<BucketSight | null>;
  /** Round trip in milliseconds. @throws Problem `bus.unavailable` */
  ping(): Promise<number>;
  close(): Promise<void>;
}
