/** One environment: its connections, and every feature that lives in it, made by the factories that know of one alone. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AuditLog } from '../audit/record/audit-log.ts';
import type { Feature } from '../feature/feature.ts';
import type { JobReader } from '../jobs/index.ts';
import type { Ambient } from '../kernel/ambient.ts';
import { createNodeMetrics } from '../node-metrics/index.ts';
import { createBookkeeping, createPlacement, sightOfNodes } from '../placement/index.ts';
import type { EnvironmentSettings } from '../platform-file.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import { connectNats, natsFeature } from '../ports/nats/index.ts';
import { createNodes } from '../ports/nodes/index.ts';
import type { Config } from '../service-config.ts';
import { createTenants, seeding } from '../tenants/index.ts';
import type { Boundary } from './boundary.ts';

export interface EnvironmentDeps {
  readonly settings: EnvironmentSettings;
  readonly boundary: Boundary;
  readonly mongo: Mongo;
  readonly ambient: Ambient;
  readonly jobs: JobReader;
  readonly audit: AuditLog;
  readonly config: Pick<Config, 'ARCHIVE_COOLING_DAYS'>;
  readonly replicaId: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** What it opens is closed with these. */
  readonly opened: AsyncDisposableStack;
}

export type Environment = Awaited<ReturnType<typeof createEnvironment>>;

/** @throws Error or Problem that says what could not be reached or is set wrongly */
export async function createEnvironment(deps: EnvironmentDeps) {
  const { settings, boundary, ambient, config, replicaId, metrics, opened } = deps;
  const { id } = settings;
  const audit: AuditLog = {
    append: (draft, session) => deps.audit.append({ environment: id, ...draft }, session),
    wake: () => deps.audit.wake(),
  };
  const logger = deps.logger.child({ environment: id });
  const mongo = boundary.collections(deps.mongo);
  const jobs = boundary.jobs(deps.jobs);
  const placementFile = settings.placementSource === 'static' ? settings.placementFile : undefined;
  const bus = { ambient, name: replicaId, metrics, placementFile, logger };
  const nats = opened.adopt(await connectNats(settings.natsUrl, bus), (it) => it.close());
  const nodes = createNodes({ ambient, allowlist: settings.outboundAllowlist, token: settings.nodeToken });
  const bookkeeping = createBookkeeping({ mongo, nats, nodes, ambient, jobs, environment: settings, logger });
  const { book } = bookkeeping;
  const traffic = createNodeMetrics({ nodes, ambient, logger, shards: () => book.shards() });
  const tenants = createTenants({
    mongo,
    nats,
    nodes,
    placement: book,
    jobs,
    traffic,
    audit,
    ambient,
    environment: settings,
    config,
    logger,
    metrics,
  });
  const placement = createPlacement({ bookkeeping, tenants, audit, traffic, metrics });
  return {
    id,
    tier: settings.tier,
    nats,
    book,
    tenants,
    copies: [bookkeeping.copy, tenants.copy],
    /** Where sessions are ended, and where that is kept. */
    ended: { mongo, board: nats.revocations },
    connections: [natsFeature({ nats, environment: settings }), sightOfNodes({ book, nodes, traffic, ambient })],
    /** What has to be up before the next is, lowest first. */
    books: [bookkeeping],
    lives: [{ name: 'traffic', ...traffic } satisfies Feature, tenants],
    placements: [placement],
    reads: { ...tenants.reads, ...placement.reads },
    jobs: { ...tenants.jobs, ...placement.jobs },
    seed: seeding(() => tenants.seed(), ambient, logger),
  };
}
