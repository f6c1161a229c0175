/** Placement: which shard serves which tenant, and everything that changes it. What the rest of the service may use. */
import type { scaleMutations } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Ambient } from '../kernel/ambient.ts';
import type { AuditLog } from '../audit/record/audit-log.ts';
import type { InputOf } from '../call/call.ts';
import type { EnvironmentSettings } from '../platform-file.ts';
import type { Look } from '../feature/attention.ts';
import type { CopyReport } from '../copies/index.ts';
import type { JobDefinition } from '../jobs/define/definition.ts';
import type { JobReader } from '../jobs/record/job-reader.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import type { NatsPort } from '../ports/nats/index.ts';
import type { NodesPort } from '../ports/nodes/index.ts';
import { createPlacementBook } from './create-placement-book.ts';
import type { PlacementDeps } from './migrate/placement-deps.ts';
import type { TenantsSight } from './record/tenants-sight.ts';
import { drainJob } from './shards/drain.job.ts';
import { DrainKeeper } from './shards/drain-keeper.ts';
import { createDrainOrders } from './record/drain-orders.ts';
import { driftRepairJob } from './drift/drift-repair.job.ts';
import { driftLook } from './drift/attention.ts';
import { createDriftWatch } from './drift/drift-watch.ts';
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
export { sightOfNodes } from './sight/sight-of-nodes.ts';
export { inFlightOf, touchedTenants } from './record/tenants-touched.ts';
export { askedBy, askedByWithin, orderId } from './record/drain-orders.ts';
export { LAG_LIMIT } from './record/tenants-sight.ts';
export type { DrainOrder } from './record/stored-placement.ts';
export type { CopyDoubt, NodeReport, PlacementBook } from './record/placement-book.ts';

type ScaleKind = keyof typeof scaleMutations;
export type ScaleJobs = { readonly [K in ScaleKind]: JobDefinition<InputOf<K>> };

export interface BookOptions {
  readonly mongo: Pick<Mongo, 'db' | 'transaction'>;
  readonly nats: NatsPort;
  readonly nodes: NodesPort;
  readonly ambient: Ambient;
  readonly jobs: JobReader;
  readonly environment: Pick<EnvironmentSettings, 'id' | 'placementSource' | 'shards'>;
  readonly logger: Logger;
}

/** Who lives where, and how the nodes are: what tenants stand on. */
export interface Bookkeeping {
  readonly name: string;
  readonly copy: CopyReport;
  readonly book: PlacementBook;
  /** For the feature that changes it. */
  readonly parts: Omit<PlacementDeps, 'drift' | 'traffic' | 'metrics' | keyof TenantsSight | 'tenantState'> &
    Pick<BookOptions, 'mongo'>;
  /** Indexes, and the shards from the configuration when there are none yet. */
  prepare(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export function createBookkeeping(options: BookOptions): Bookkeeping {
  const { mongo, nats, nodes, ambient, jobs, environment, logger } = options;
  const readOnly = environment.placementSource === 'static';
  const store = createPlacementStore(mongo);
  const mirror = new PlacementMirror(store, ambient, logger);
  const publication = createPublication({ store, mirror, nats, readOnly });
  const shards = async () => (await store.shards()).map(shardOf);
  const watch = new NodeWatch({ nodes, ambient, logger, shards });
  const drains = createDrainOrders(mongo);
  const book = createPlacementBook({
    store,
    mirror,
    publication,
    watch,
    nats,
    jobs,
    readOnly,
    drains: () => drains.known(),
  });
  return {
    name: 'placement book',
    copy: mirror.copy,
    book,
    parts: {
      environment: environment.id,
      mongo,
      ambient,
      logger,
      nats,
      nodes,
      jobs,
      store,
      mirror,
      book,
      publication,
      watch,
      drains,
      readOnly,
    },
    async prepare() {
      await store.ensureIndexes();
      await drains.ensureIndexes();
      await store.seedShards(environment.shards);
      if (readOnly) await adoptStatic({ nats, store, publication, logger });
    },
    start() {
      mirror.start();
      watch.start();
    },
    async stop() {
      await watch.stop();
      await mirror.stop();
    },
  };
}

export interface PlacementOptions {
  readonly bookkeeping: Bookkeeping;
  readonly tenants: TenantsSight;
  readonly audit: Pick<AuditLog, 'append' | 'wake'>;
  readonly traffic: PlacementDeps['traffic'];
  readonly metrics: Registry;
}

/** Everything that changes who lives where, and what can be asked of it. */
export interface PlacementFeature {
  readonly name: string;
  readonly reads: PlacementReads;
  readonly jobs: ScaleJobs;
  readonly attention: Look;
  /** Compares record, publication and nodes now. @throws Problem `bus.unavailable` */
  surveyDrift(signal?: AbortSignal): Promise<DriftSurvey>;
  start(): void;
  stop(): Promise<void>;
}

export function createPlacement({ bookkeeping, tenants, audit, traffic, metrics }: PlacementOptions): PlacementFeature {
  const { mongo, ...parts } = bookkeeping.parts;
  const drift = createDriftSurveyor(parts);
  const deps: PlacementDeps = {
    ...parts,
    drift,
    traffic,
    metrics: createPlacementMetrics(metrics, parts.environment),
    tenantState: (tenantId) => tenants.stateOf(tenantId),
    lagOf: (tenantId) => tenants.lagOf(tenantId),
    stateSeen: (tenantId) => tenants.stateSeen(tenantId),
  };
  const keeper = new DrainKeeper({ ...deps, mongo, audit });
  return {
    name: 'placement',
    reads: placementHandlers(deps),
    jobs: {
      'scale.migrate': migrateJob(deps),
      'scale.evacuate': evacuateJob(deps),
      'scale.drain': drainJob(deps),
      'scale.drift.repair': driftRepairJob(deps),
      'scale.shards.put': shardsPutJob(deps),
    },
    attention: driftLook(createDriftWatch(parts.ambient, () => drift.survey())),
    surveyDrift: (signal) => drift.survey(signal),
    start: () => keeper.start(),
    stop: () => keeper.stop(),
  };
}
