/** The composition root: every port and every feature is wired here, one line each, started in order and stopped in reverse. */
import { hostname } from 'node:os';
import { mutations, type MutationId } from '@cloudlysis/contract';
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
import { given, joined, patiently, startAll } from './feature/feature.ts';
import { createClocks } from './clocks/index.ts';
import { createEnvironments, homeOf } from './environments/index.ts';
import { createCopies } from './copies/index.ts';
import { createHttpApp, createHttpServer, readiness } from './http/index.ts';
import { askedScopeOfJob, createIdentity } from './identity/index.ts';
import { isJobKind, createJobEngine, jobMutations, jobReads, jobSight, jobsLook, type CrashPoint, type JobDefinitions, type May } from './jobs/index.ts'; // prettier-ignore
import { createNotes } from './notes/index.ts';
import { createOverview } from './overview/index.ts';
import { connectMongo } from './ports/mongo/mongo.ts';
import { mongoFeature, unreadableLook } from './ports/mongo/mongo-feature.ts';
import { createStoreClock } from './ports/mongo/store-clock.ts';
import { createSettings } from './settings/index.ts';

export interface ControlPlane {
  /** Where it listens. */
  readonly url: string;
  /** Drains and stops within 10 s. */
  stop(): Promise<void>;
}

/** Of the 10 s a stop may take, jobs get 4 to come to rest and HTTP the rest to finish what is in flight. */
const JOBS_STOP_MS = 4_000;

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
  const controlKey = controlKeyOf(config, logger);
  // Closed in reverse, also when what comes next cannot be opened or started.
  await using opened = new AsyncDisposableStack();

  const mongo = opened.adopt(await connectMongo(config.MONGODB_URI, config.MONGODB_DB, replicaId), (it) => it.close());
  const clock = createStoreClock(mongo, machine);
  await patiently(machine, () => clock.read());
  /** Times that are stored, or judged by another replica than wrote them, are the store's (decision 0011). */
  const ambient: Ambient = { ...machine, now: () => clock.now() };
  const home = await homeOf(mongo, config.environments.map(({ id }) => id)); // prettier-ignore

  const audit = createAudit({
    mongo, ambient, replicaId, environment: home, environments: config.environments.map(({ id }) => id), logger, registry: metrics, jobs: () => engine.store.auditTraces(),
  }); // prettier-ignore
  const engine = createJobEngine({
    mongo, audit: audit.log, ambient: machine, clock, logger, metrics, replicaId, controlKey, may: (...asked) => may(...asked),
    ...(crashPoint ? { crashPoint } : {}),
  }); // prettier-ignore
  const environments = await createEnvironments({
    home, all: config.environments, mongo, ambient, jobs: engine, audit: audit.log, config, replicaId, logger, metrics, opened,
  }); // prettier-ignore
  const identity = createIdentity({
    mongo,
    ended: environments.ended,
    environment: home,
    config,
    ambient,
    machine,
    logger,
  });
  const { permissions, authenticate } = identity;
  const may: May = (principal, permission, { kind, tenantId, environment }) =>
    permissions.can(principal, permission, askedScopeOfJob(kind, { environment: environment ?? home, tenantId }));
  const notes = createNotes({ mongo, ambient, jobs: engine, tenants: environments });
  const copies = createCopies(ambient, metrics);
  for (const copy of [...identity.copies, ...environments.copies]) copies.add(copy);
  const badRecords = createBadRecords(ambient, logger, metrics);
  const clocks = createClocks({ clock, replicaId, jobs: engine, nodes: environments.reports, metrics });

  const unreadable = { name: 'stored records', attention: unreadableLook(badRecords) };
  const key = { name: 'control key', prepare: () => noteControlKey(mongo, controlKey, logger) };
  const changes = { name: 'jobs', reads: jobReads({ engine, ambient, may }), attention: jobsLook(jobSight(engine)) };

  /** What stands below, lowest first: the connections are told of in this order, what needs a person the other way. */
  const below = [mongoFeature({ mongo, config }), ...environments.connections, identity.keys];
  /** In the order of their start; what is not started stands where it is to be told of. */
  const features = [
    [audit],
    [key],
    [identity],
    environments.books,
    [copies, clocks, changes],
    environments.tenants,
    [...environments.placements, environments.across, notes],
    [unreadable],
  ] as const;
  const overview = createOverview({ ambient, looks: given([below.toReversed(), ...features], 'attention') });
  const settings = createSettings({ ambient, probes: given([below, ...features], 'probes') });
  const ground = [...features, [overview, settings]] as const;

  engine.define(joined(ground, 'jobs') satisfies JobDefinitions);
  const http = createHttpApp({
    ambient: machine, now: ambient.now, logger, metrics, authenticate, permissions,
    mode: config.MODE, badRecords, environments: environments.ids,
    audit: audit.log,
    requestsPerSecond: config.REQUESTS_PER_SECOND,
    ready: readiness(ambient, { mongodb: () => mongo.ping(), nats: () => environments.ping() }),
    reads: joined(ground, 'reads'),
    mutations: jobMutations({ engine, ambient, may }, jobKinds),
  }); // prettier-ignore
  const server = createHttpServer(http, ambient);
  let url = '';
  const door = {
    name: 'http',
    start: async () => void (url = await server.listen(config.PORT, config.HOST)),
    stop: () => server.stop(),
  };
  const failed = (name: string, err: unknown): void => logger.error({ err, part: name }, 'it could not be stopped');
  const running = {
    name: 'job engine',
    prepare: () => engine.prepare(),
    start: () => engine.start(),
    stop: () => engine.stop(JOBS_STOP_MS),
  };
  await startAll([...ground, [running, ...environments.seeds, door]], opened, { ambient: machine, failed });
  logger.info({ url, replica: replicaId, environments: environments.ids, mode: config.MODE }, 'control plane ready');

  const all = opened.move();
  return {
    url,
    async stop() {
      logger.info('stopping: no new requests, jobs are handed back');
      await all.disposeAsync();
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
