/** What the tenant jobs work with: the ports and rules they share, and where they tell of what they wrote. */
import type { ClientSession } from 'mongodb';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { Ambient } from '../../kernel/ambient.ts';
import type { EnvironmentSettings } from '../../platform-file.ts';
import type { Config } from '../../service-config.ts';
import type { JobReader } from '../../jobs/record/job-reader.ts';
import type { NodeMetrics } from '../../node-metrics/index.ts';
import type { PlacementBook } from '../../placement/record/placement-book.ts';
import type { NatsPort } from '../../ports/nats/index.ts';
import type { NodesPort } from '../../ports/nodes/index.ts';
import type { LagSample } from '../nodes/observer.ts';
import { laneOf } from './preflight-checks.ts';
import type { ServingNodes } from '../nodes/serving-nodes.ts';
import type { TenantFlag } from '../nodes/tenant-flag.ts';
import type { TenantRecord } from '../directory/tenants.ts';
import type { TenantStore } from '../directory/tenants.store.ts';
import type { LocalWrites } from '../directory/record-feed.ts';

export interface TenantJobParts {
  readonly store: TenantStore;
  readonly flag: TenantFlag;
  readonly serving: ServingNodes;
  readonly traffic: Pick<NodeMetrics, 'measure' | 'flowOf'>;
  /** What the tenant's slowest consumer was behind when it was last asked. */
  lagOf(tenantId: string): LagSample | null;
  readonly nats: NatsPort;
  readonly nodes: NodesPort;
  readonly placement: PlacementBook;
  readonly jobs: JobReader;
  readonly ambient: Ambient;
  /** Where the tenants live. */
  readonly environment: Pick<EnvironmentSettings, 'id' | 'placementSource'>;
  readonly config: Pick<Config, 'ARCHIVE_COOLING_DAYS'>;
  readonly writes: LocalWrites;
  /** Records what seeding does; what jobs do, the engine records. */
  readonly audit: Pick<AuditLog, 'append'>;
  /** How long nodes may take to agree, in milliseconds. */
  readonly patienceMs: number;
}

/** Milliseconds a step that waits for nodes may take: their patience and what asking them costs. */
export const waitingStepMs = ({ patienceMs }: TenantJobParts): number => patienceMs + 10_000;

/** What a job holds, whom it is about and what its records name, where it is about one tenant. */
export const aboutOneTenant = {
  lane: ({ tenant_id }: { tenant_id: string }) => laneOf(tenant_id),
  tenantId: ({ tenant_id }: { tenant_id: string }) => tenant_id,
  resource: ({ tenant_id }: { tenant_id: string }) => `tenant:${tenant_id}`,
};

/**
 * Writes the record with the job's end, over the version that was decided on. The answer to an earlier commit may have
 * been lost: what this job has written already is left as it is.
 */
export async function commitRecord(
  { store, writes }: TenantJobParts,
  { tenantId, jobId, version }: { tenantId: string; jobId: string; version: number },
  next: (record: TenantRecord) => TenantRecord,
  session: ClientSession,
): Promise<void> {
  const record = await store.get(tenantId);
  if (record.version === version + 1 && record.job_id === jobId) return;
  await store.save(next(record), version, session);
  writes.committing(tenantId, version + 1);
}
