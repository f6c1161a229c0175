/** Placement: which shard serves which tenant, and everything that changes it. What the rest of the service may use. */
import type { scaleMutations } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Ambient } from '../kernel/ambient.ts';
import type { AuditLog } from '../audit/record/audit-log.ts';
import type { InputOf } from '../call/call.ts';
import type { Config } from '../service-config.ts';
import type { CopyReport } from '../copies/index.ts';
import type { JobDefinition } from '../jobs/define/definition.ts';
import type { JobReader } from '../jobs/record/job-reader.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import type { NatsPort } from '../ports/nats/index.ts';
import type { NodesPort } from '../ports/nodes/index.ts';
import { createBook } from './book.ts';
import type { PlacementDeps } from './migrate/placement-deps.ts';
import type { TenantsSight } from './record/tenants-sight.ts';
import { drainJob } from './shards/drain.job.ts';
import { DrainKeeper } from './shards/drain-keeper.ts';
import { createDrainOrders } from './record/drain-orders.ts';
import { driftRepairJob } from './drift/drift-repair.job.ts';
import { createDriftSurveyor, type DriftSurvey } from './drift/drift-survey.ts';
import { evacuateJob } from './shards/evacuate.job.ts';
import { createPlacementMetrics } from './migrate/metrics.ts';
import { migrateJob } from './migrate/migrate.job.ts';
import { NodeWatch } from './nodes/node-watch.ts';
import type { PlacementBook } from './record/placement-book.ts';
import { placementHandlers, type PlacementReads } from './placement.handlers.ts';
import { PlacementMirror } from './record/placement-mirror.ts';
import { createPlacementStore, shardOf } from './record/placement.store.ts';
import { createPublication } from './record/publication.ts';
import { adoptStatic } from './record/static-placement.ts';
import { shardsPutJob } from './shards/shards-put.job.ts';

export type { DriftSurvey } from './drift/drift-survey.ts';
export { nodeHealth } from './nodes/node-health.ts';
export { inFlightOf, touchedTenants } from './record/tenants-touched.ts';
export { askedBy, askedByWithin, orderId } from './record/drain-orders.ts';
export type { DrainOrder } from './record/stored-placement.ts';
export { lasting } from './nodes/copy-doubts.ts';
export type { CopyDoubt, NodeReport, PlacementBook } from './record/placement-book.ts';

type ScaleKind = keyof typeof scaleMutations;
export type ScaleDefinitions = { readonly [K in ScaleKind]: JobDefinition<InputOf<K>> };

export interface PlacementOptions {
  readonly mongo: Pick<Mongo, 'db' | 'transaction'>;
  readonly audit: Pick<AuditLog, 'append' | 'wake'>;
  readonly nats: NatsPort;
  readonly nodes: NodesPort;
  readonly ambient: Ambient;
  readonly jobs: JobReader;
  readonly traffic: PlacementDeps['traffic'];
  readonly config: Pick<Config, 'platform' | 'PLACEMENT_SOURCE'>;
  readonly metrics: Registry;
  readonly logger: Logger;
}

export interface PlacementFeature {
  readonly copy: CopyReport;
  readonly book: PlacementBook;
  readonly definitions: ScaleDefinitions;
  readonly handlers: PlacementReads;
  /** Compares record, publication and nodes now. @throws Problem `bus.unavailable` */
  surveyDrift(signal?: AbortSignal): Promise<DriftSurvey>;
  /** Set once tenants exist; until then every tenant is unknown. */
  tenants: TenantsSight;
  ensureIndexes(): Promise<void>;
  /** Takes the shards from the configuration when there are none yet. */
  seed(): Promise<void>;
  /** Indexes, seed, then the watches over placements and nodes. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createPlacement(options: PlacementOptions): PlacementFeature {
  const { nats, nodes, ambient, jobs, config, logger } = options;
  const readOnly = config.PLACEMENT_SOURCE === 'static';
  const store = createPlacementStore(options.mongo);
  const mirror = new PlacementMirror(store, ambient, logger);
  const publication = createPublication({ store, mirror, nats, readOnly });
  const shards = async () => (await store.shards()).map(shardOf);
  const watch = new NodeWatch({ nodes, ambient, logger, shards });
  const drains = createDrainOrders(options.mongo);
  const keeper = new DrainKeeper({
    ambient, logger, nodes, jobs, store, drains, watch,
    mongo: options.mongo,
    audit: options.audit,
    tenantState: (tenantId) => feature.tenants.stateOf(tenantId),
  }); // prettier-ignore
  const book = createBook({ store, mirror, publication, watch, nats, jobs, readOnly, drains: () => keeper.orders() });
  const drift = createDriftSurveyor({ store, nats, nodes, watch, jobs, ambient, readOnly });
  const deps: PlacementDeps = {
    ambient, logger, nats, nodes, jobs, store, mirror, book, publication, watch, drift, drains, readOnly,
    traffic: options.traffic,
    metrics: createPlacementMetrics(options.metrics),
    tenantState: (tenantId) => feature.tenants.stateOf(tenantId),
    lagOf: (tenantId) => feature.tenants.lagOf(tenantId),
    stateSeen: (tenantId) => feature.tenants.stateSeen(tenantId),
  }; // prettier-ignore
  const feature: PlacementFeature = {
    copy: mirror.copy,
    book,
    definitions: {
      'scale.migrate': migrateJob(deps),
      'scale.evacuate': evacuateJob(deps),
      'scale.drain': drainJob(deps),
      'scale.drift.repair': driftRepairJob(deps),
      'scale.shards.put': shardsPutJob(deps),
    },
    handlers: placementHandlers(deps),
    surveyDrift: (signal) => drift.survey(signal),
    tenants: { stateOf: async () => null, stateSeen: () => null, lagOf: () => null },
    async ensureIndexes() {
      await store.ensureIndexes();
      await drains.ensureIndexes();
    },
    async seed() {
      await store.seedShards(config.platform.shards);
      if (readOnly) await adoptStatic(deps);
    },
    async start() {
      await feature.ensureIndexes();
      await feature.seed();
      mirror.start();
      watch.start();
      keeper.start();
    },
    async stop() {
      await keeper.stop();
      await watch.stop();
      await mirror.stop();
    },
  };
  return feature;
}
