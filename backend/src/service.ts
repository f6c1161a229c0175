/** The composition root: every port and every feature is wired here, one line each, started in order and stopped in reverse. */
import { hostname } from 'node:os';
import { mutations, Problem, type MutationId } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Ambient } from './kernel/ambient.ts';
import { createAudit } from './audit/index.ts';
import { createBadRecords } from './kernel/bad-records.ts';
import type { Config } from './service-config.ts';
import {
  NO_CONTROL_KEY,
  noteControlKey,
  passingControlKey,
  readControlKey,
  type ControlKey,
} from './secrets/control-key.ts';
import { createClocks } from './clocks/index.ts';
import { createCopies } from './copies/index.ts';
import { createHttpApp, createHttpServer, type DependencyState, type Readiness } from './http/index.ts';
import {
  assignmentStore,
  createAuthenticator,
  identityHandlers,
  livePermissions,
  liveRevocations,
} from './identity/index.ts';
import { isJobKind, jobEngine, jobMutations, jobReads, type CrashPoint, type JobDefinitions, type May } from './jobs/index.ts'; // prettier-ignore
import { createPlacement } from './placement/index.ts';
import { createNodeMetrics } from './node-metrics/index.ts';
import { createOverview } from './overview/index.ts';
import { connectMongo } from './ports/mongo/mongo.ts';
import { storeClock } from './ports/mongo/store-clock.ts';
import { connectNats } from './ports/nats/index.ts';
import { createNodes } from './ports/nodes/index.ts';
import { createSettings } from './settings/index.ts';
import { createTenants } from './tenants/index.ts';

export interface ControlPlane {
  /** Where it listens. */
  readonly url: string;
  /** Drains and stops within 10 s. */
  stop(): Promise<void>;
}

/** Of the 10 s a stop may take, jobs get 4 to come to rest and HTTP the rest to finish what is in flight. */
const JOBS_STOP_MS = 4_000;
const SEED_RETRY_MS = 2_000;

const jobKinds = (Object.keys(mutations) as MutationId[]).filter(isJobKind);

/** @throws Error or Problem that says what could not be reached or is set wrongly. */
export async function startControlPlane(
  config: Config,
  machine: Ambient,
  logger: Logger,
  crashPoint?: (point: CrashPoint) => void | Promise<void>,
): Promise<ControlPlane> {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics, prefix: 'cp_' });
  // Not where it listens: that is 0.0.0.0:4000 in every container.
  const replicaId = config.REPLICA_ID ?? `${hostname()}:${config.PORT}`;
  const { environment } = config.platform;

  const controlKey = controlKeyOf(config, logger);
  const mongo = await connectMongo(config.MONGODB_URI, config.MONGODB_DB, replicaId);
  const clock = storeClock(mongo, machine);
  await patiently(machine, () => clock.read());
  /** Times that are stored, or judged by another replica than wrote them, are the store's (decision 0011). */
  const ambient: Ambient = { ...machine, now: () => clock.now() };
  const placementFile = config.PLACEMENT_SOURCE === 'static' ? config.PLACEMENT_FILE : undefined;
  const nats = await connectNats(config.NATS_URL, { ambient, name: replicaId, metrics, placementFile, logger });
  const nodes = createNodes({
    ambient,
    allowlist: config.OUTBOUND_ALLOWLIST,
    token: config.NODE_ADMIN_TOKEN,
  });

  const audit = createAudit({
    mongo, ambient, replicaId, environment, logger, registry: metrics, jobs: () => jobs.store.auditTraces(),
  }); // prettier-ignore
  const permissions = livePermissions({
    store: assignmentStore(mongo), ambient, logger, environment, seed: config.platform.assignments,
  }); // prettier-ignore
  const revoked = liveRevocations({ mongo, board: nats.revocations, ambient, machine, logger });
  const { authenticate, keySources } = createAuthenticator(config, machine, revoked.revocations);
  const badRecords = createBadRecords(ambient, logger, metrics);
  const may: May = (principal, permission, tenantId) =>
    permissions.can(principal, permission, tenantId === null ? 'platform' : { tenantId });
  const jobs = jobEngine({
    mongo, audit: audit.log, ambient: machine, clock, logger, metrics, replicaId, controlKey, may, ...(crashPoint ? { crashPoint } : {}),
  }); // prettier-ignore
  const traffic = createNodeMetrics({ nodes, ambient, logger, shards: () => placement.book.shards() });
  const placement = createPlacement({
    mongo, nats, nodes, ambient, jobs, traffic, config, metrics, logger, audit: audit.log,
  }); // prettier-ignore
  const tenants = createTenants({
    mongo,
    nats,
    nodes,
    placement: placement.book,
    jobs,
    traffic,
    audit: audit.log,
    ambient,
    config,
    logger,
    metrics,
  });
  placement.tenants = tenants;
  const copies = createCopies(ambient, metrics);
  for (const { copy } of [permissions, revoked, placement, tenants]) copies.add(copy);

  const clocks = createClocks({ clock, replicaId, jobs, placement: placement.book, metrics });
  const overview = createOverview({
    ambient, mongo, nats, audit, jobs, tenants, copies, badRecords, clocks,
    metrics: traffic, placement: placement.book,
    surveyDrift: () => placement.surveyDrift(),
  }); // prettier-ignore
  const settings = createSettings({
    config, ambient, mongo, nats, nodes, audit, keySources, clocks,
    shards: () => placement.book.shards(),
  }); // prettier-ignore
  const self = { environment, version: config.version, git_sha: config.GIT_SHA ?? null, mode: config.MODE };

  jobs.define({ ...placement.definitions, ...tenants.definitions } satisfies JobDefinitions);
  const http = createHttpApp({
    ambient: machine, now: ambient.now, logger, metrics, authenticate, permissions,
    mode: config.MODE, badRecords,
    audit: audit.log,
    requestsPerSecond: config.REQUESTS_PER_SECOND,
    ready: readiness(ambient, { mongodb: () => mongo.ping(), nats: () => nats.ping() }),
    reads: {
      ...identityHandlers(permissions, self), ...overview.handlers, ...settings.handlers,
      ...tenants.handlers, ...placement.handlers, ...audit.handlers,
      ...jobReads({ engine: jobs, ambient, may }),
    },
    mutations: jobMutations({ engine: jobs, ambient, may }, jobKinds),
  }); // prettier-ignore
  const server = createHttpServer(http, ambient);

  await patiently(machine, () => audit.ensureIndexes());
  await patiently(machine, () => noteControlKey(mongo, controlKey, logger));
  await audit.start();
  await permissions.start();
  await revoked.start();
  await patiently(machine, () => placement.start());
  await patiently(machine, () => tenants.ensureIndexes());
  traffic.start();
  tenants.start();
  await jobs.start();
  const seeding = new AbortController();
  const seedingDone = seeded(() => tenants.seed(), ambient, logger, seeding.signal);
  const url = await server.listen(config.PORT, config.HOST);
  logger.info({ url, replica: replicaId, environment, mode: config.MODE }, 'control plane ready');

  return {
    url,
    async stop() {
      logger.info('stopping: no new requests, jobs are handed back');
      seeding.abort();
      await Promise.all([server.stop(), jobs.stop(JOBS_STOP_MS), seedingDone]);
      await Promise.all([tenants.stop(), traffic.stop()]);
      await placement.stop();
      await Promise.all([permissions.stop(), revoked.stop()]);
      await audit.stop();
      await nats.close();
      await mongo.close();
    },
  };
}

/** @throws Error for a key that cannot be used, and in production for none */
function controlKeyOf({ CONTROL_KEY_FILE, MODE }: Config, logger: Logger): ControlKey {
  if (CONTROL_KEY_FILE !== undefined) return readControlKey(CONTROL_KEY_FILE);
  if (MODE === 'production') throw new Error(NO_CONTROL_KEY);
  logger.warn('no CONTROL_KEY_FILE: a key of this process alone; plans end with it, and no other replica takes them');
  return passingControlKey();
}

/** The configured tenants come to life beside the service, which answers also while NATS is away. */
async function seeded(
  seed: () => Promise<number>,
  ambient: Ambient,
  logger: Logger,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    try {
      const tenants = await seed();
      if (tenants > 0) logger.info({ tenants }, 'configured tenants provisioned');
      return;
    } catch (error) {
      logger.warn({ err: error }, 'configured tenants are not provisioned yet');
      await ambient.sleep(SEED_RETRY_MS, stopping).catch(() => undefined);
    }
  }
}

/** How long a store that does not answer yet is waited for at the start: what a killed replica held is let go meanwhile. */
const START_MS = 15_000;
const START_STEP_MS = 250;

/** Repeats what changes nothing by being repeated. @throws what it threw last, once the time is over */
async function patiently(ambient: Ambient, work: () => Promise<void>): Promise<void> {
  for (const end = ambient.monotonic() + START_MS; ; await ambient.sleep(START_STEP_MS)) {
    try {
      return await work();
    } catch (error) {
      const isAway = error instanceof Problem && error.status === 503;
      if (!isAway || ambient.monotonic() > end) throw error;
    }
  }
}

/** Below the time readiness as a whole has, so that the dependency that is silent is named. */
const PING_MS = 1_500;

/** One verdict per dependency: its round trip, or why there is none. */
function readiness(ambient: Ambient, dependencies: Record<string, () => Promise<number>>): Readiness {
  const ask = async (ping: () => Promise<number>): Promise<DependencyState> => {
    const timer = new AbortController();
    const late = ambient.sleep(PING_MS, timer.signal).then(
      () => ({ ok: false, detail: `no answer in ${PING_MS} ms` }),
      () => ({ ok: false, detail: 'not waited for' }),
    );
    const answer = ping().then(
      (ms) => ({ ok: true, detail: `answered in ${ms.toFixed(1)} ms` }),
      (error: unknown) => ({ ok: false, detail: error instanceof Error ? error.message : 'no answer' }),
    );
    return Promise.race([answer, late]).finally(() => timer.abort());
  };
  return async () =>
    Object.fromEntries(
      await Promise.all(Object.entries(dependencies).map(async ([name, ping]) => [name, await ask(ping)] as const)),
    );
}
