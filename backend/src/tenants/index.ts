/** Tenants: their life as jobs, their status, and the lists (TEN-01..12, TEN-14, OPS-11). */
import type { TenantTraffic } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { AuditLog } from '../audit/record/audit-log.ts';
import type { Ambient } from '../kernel/ambient.ts';
import type { EnvironmentSettings } from '../platform-file.ts';
import type { Config } from '../service-config.ts';
import type { CopyReport } from '../copies/index.ts';
import type { JobReader } from '../jobs/record/job-reader.ts';
import type { NodeMetrics } from '../node-metrics/index.ts';
import type { PlacementBook } from '../placement/record/placement-book.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import type { NatsPort } from '../ports/nats/index.ts';
import type { NodesPort } from '../ports/nodes/index.ts';
import { bulkJob } from './jobs/bulk.jobs.ts';
import { createJob } from './jobs/create.job.ts';
import { Directory } from './directory/directory.ts';
import { FlagKeeper } from './nodes/flag-keeper.ts';
import { lifecycleJob } from './jobs/lifecycle.jobs.ts';
import type { TenantJobParts } from './jobs/job-parts.ts';
import { createObserver, type LagSample } from './nodes/observer.ts';
import { createRecordFeed } from './directory/record-feed.ts';
import { seedTenants } from './jobs/seed.ts';
import { createServingNodes } from './nodes/serving-nodes.ts';
import { createTenantFlag } from './nodes/tenant-flag.ts';
import { createTenantHealth } from './nodes/tenant-health.ts';
import { createTenantReads, type TenantReads } from './tenants.handlers.ts';
import { createTenantStore } from './directory/tenants.store.ts';
import { trafficView } from './directory/tenant-view.ts';
import { updateJob } from './jobs/update.job.ts';
import type { Look } from '../feature/attention.ts';
import { summaryOf, tenantsLook } from './directory/attention.ts';
export { seeding } from './jobs/seeding.ts';
export type { Status } from './directory/tenant-status.ts';

export interface TenantsDeps {
  readonly mongo: Mongo;
  readonly nats: NatsPort;
  readonly nodes: NodesPort;
  readonly placement: PlacementBook;
  readonly jobs: JobReader;
  readonly traffic: Pick<NodeMetrics, 'measure' | 'flowOf' | 'trafficOf'>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly ambient: Ambient;
  readonly environment: Pick<EnvironmentSettings, 'id' | 'placementSource' | 'tenants'>;
  readonly config: Pick<Config, 'ARCHIVE_COOLING_DAYS'>;
  readonly logger: Logger;
  readonly metrics?: Registry;
  /** How long nodes may take to agree, in milliseconds; 15 000 unless told. */
  readonly patienceMs?: number;
}

export interface Tenants extends TenantReads {
  readonly copy: CopyReport;
  readonly name: string;
  readonly jobs: ReturnType<typeof definitionsOf>;
  readonly attention: Look;
  /** As the lists show it, without a read; null where it is not known. */
  stateSeen(tenantId: string): string | null;
  /** Events behind, as sampled last; null before the first sample. */
  lagOf(tenantId: string): LagSample | null;
  prepare(): Promise<void>;
  /** Provisions the configured tenants at first start; call it again when it throws. Needs the shards to be there. */
  seed(): Promise<number>;
  start(): void;
  stop(): Promise<void>;
}

const PATIENCE_MS = 15_000;

export function createTenants(deps: TenantsDeps): Tenants {
  const { mongo, nats, nodes, placement, jobs, ambient, environment, config, logger } = deps;
  const patienceMs = deps.patienceMs ?? PATIENCE_MS;
  const store = createTenantStore(mongo);
  const trafficOf = (tenantId: string): TenantTraffic =>
    trafficView(deps.traffic.trafficOf(tenantId), observer.lagOf(tenantId));
  const directory = new Directory(environment.id, ambient.now(), trafficOf);
  const feed = createRecordFeed({ store, directory, placement, ambient, logger });
  const observer = createObserver({ directory, jobs, placement, nats, ambient, logger });
  const serving = createServingNodes({ nodes, placement, ambient, patienceMs });
  const health = createTenantHealth({ serving, nodes, nats, ambient });
  const parts: TenantJobParts = {
    store,
    flag: createTenantFlag(nats.config),
    serving,
    traffic: deps.traffic,
    lagOf: (tenantId) => observer.lagOf(tenantId),
    nats,
    nodes,
    placement,
    jobs,
    ambient,
    environment,
    config,
    writes: feed,
    audit: deps.audit,
    patienceMs,
  };
  const { audit } = deps;
  const keeper = new FlagKeeper({ directory, store, nats, jobs, serving, audit, ambient, logger });
  if (deps.metrics) countByState(deps.metrics, environment.id, directory);
  return {
    copy: feed.copy,
    name: 'tenants',
    jobs: definitionsOf(parts),
    ...createTenantReads({
      store,
      directory,
      feed,
      observer,
      jobs,
      placement,
      ambient,
      health,
      trafficOf,
      environment: environment.id,
    }),
    attention: tenantsLook(async (visible) => {
      await feed.current();
      return summaryOf(directory, visible);
    }),
    stateSeen: (tenantId) => directory.get(tenantId)?.status.state ?? null,
    lagOf: parts.lagOf,
    prepare: () => store.ensureIndexes(),
    seed: () => seedTenants(environment.tenants, parts),
    start() {
      feed.start();
      observer.start();
      keeper.start();
    },
    stop: async () => void (await Promise.all([feed.stop(), observer.stop(), keeper.stop()])),
  };
}

/** One definition per mutation of the contract. */
const definitionsOf = (parts: TenantJobParts) => ({
  'tenants.create': createJob(parts),
  'tenants.update': updateJob(parts),
  'tenants.pause': lifecycleJob('tenants.pause', parts),
  'tenants.resume': lifecycleJob('tenants.resume', parts),
  'tenants.archive': lifecycleJob('tenants.archive', parts),
  'tenants.restore': lifecycleJob('tenants.restore', parts),
  'tenants.bulk_pause': bulkJob('tenants.bulk_pause', parts),
  'tenants.bulk_resume': bulkJob('tenants.bulk_resume', parts),
  'tenants.bulk_archive': bulkJob('tenants.bulk_archive', parts),
});

/** By registry: one gauge of it counts in every environment. */
const counted = new WeakMap<Registry, Map<string, Directory>>();

function countByState(registry: Registry, environment: string, directory: Directory): void {
  const known = counted.get(registry);
  if (known) return void known.set(environment, directory);
  const directories = new Map([[environment, directory]]);
  counted.set(registry, directories);
  new Gauge({
    name: 'cp_tenants',
    help: 'Tenants by environment and state, as this replica computes it',
    labelNames: ['environment', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [id, one] of directories)
        for (const [state, count] of one.counts()) this.set({ environment: id, state }, count);
    },
  });
}
