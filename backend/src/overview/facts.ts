/** What the overview is judged on: everything measured, and for what could not be measured the reason. */
import type { Overview, ServiceKind } from '@cloudlysis/contract';
import type { BadRecord } from '../kernel/bad-records.ts';
import type { AuditFreshness } from '../audit/index.ts';
import type { PeerClock } from '../clocks/index.ts';
import type { CopyState } from '../copies/index.ts';
import type { UnknownJob } from '../jobs/index.ts';
import type { KindFigures, Traffic } from '../node-metrics/index.ts';
import type { CopyDoubt, DrainOrder, DriftSurvey } from '../placement/index.ts';
import type { JetStreamAccount, StreamLimit } from '../ports/nats/index.ts';
import type { TenantSummary } from '../tenants/index.ts';

/** An answer, or the sentence why there is none. */
export type Asked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

export interface SightedShard {
  readonly shardId: string;
  readonly kind: ServiceKind;
  readonly tenants: number;
  readonly capacity: number;
  readonly state: 'ready' | 'not-ready' | 'unreachable';
  readonly reason: string;
  readonly drains: boolean;
  /** Drains that were asked for there, of the whole node and of tenants. */
  readonly ordered: readonly DrainOrder[];
  /** Since when it does not answer; null when it does. */
  readonly since: Date | null;
  /** When it was last asked; null before. */
  readonly at: Date | null;
  /** Copies that it cannot vouch for, and not just for a moment. */
  readonly doubts: readonly CopyDoubt[];
}

export interface FailedJob {
  readonly jobId: string;
  readonly kind: string;
  readonly state: 'failed' | 'compensated';
  readonly resource: string;
  readonly why: string;
  readonly endedAt: Date | null;
}

export interface JobCounts {
  readonly open: number;
  readonly failed: number;
  readonly succeeded: number;
}

export interface OverviewFacts {
  readonly now: Date;
  /** Stored records that were met lately and cannot be read. */
  readonly badRecords: readonly BadRecord[];
  /** False for a caller who sees some tenants only: what is about the platform is then told in sum, and not by name. */
  readonly wholePlatform: boolean;
  readonly shards: Asked<readonly SightedShard[]>;
  readonly figures: Readonly<Record<ServiceKind, KindFigures>>;
  readonly traffic: Traffic | null;
  readonly bus: Asked<{
    readonly roundTripMs: number;
    readonly account: JetStreamAccount;
    readonly limits: readonly StreamLimit[];
  }>;
  readonly store: Asked<number>;
  readonly audit: Asked<AuditFreshness>;
  /** What the last verification found wrong, or what this replica saw of it; null where nothing speaks against it. */
  readonly chainBroken: { readonly reason: string; readonly at: Date } | null;
  readonly jobs: Asked<JobCounts>;
  readonly failures: Asked<readonly FailedJob[]>;
  readonly awaiting: Asked<readonly AwaitedSignal[]>;
  readonly drift: Asked<DriftSurvey>;
  readonly tenants: Asked<TenantSummary>;
  /** Replicas alive whose CONTROL_KEY is not that of the one that answers. */
  readonly otherKeys: readonly string[];
  /** The name under which two replicas run; null where each has its own. */
  readonly namesake: string | null;
  readonly unknownJobs: readonly UnknownJob[];
  /** Of what this replica answers from memory. */
  readonly copies: readonly CopyState[];
  /** Of replicas and nodes, held against the store's. */
  readonly clocks: readonly PeerClock[];
}

/** A job that goes on once somebody has said so. */
export interface AwaitedSignal {
  readonly jobId: string;
  readonly kind: string;
  readonly resource: string;
  readonly signal: string;
  readonly since: Date;
}

export type Service = Overview['services'][number];
export type Attention = Overview['attention'][number];
export type Unchecked = Overview['unchecked'][number];
export type Found = Omit<Attention, 'input'> & Partial<Pick<Attention, 'input'>>;
