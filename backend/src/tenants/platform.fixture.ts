/** A platform for the tests of this folder: real MongoDB, NATS, placement, audit and job engine, and nodes over HTTP. */
import type { Job, MutationId, NodeHealth, Plan, Shard, Tenant } from '@cloudlysis/contract';
import pino from 'pino';
import { Registry } from 'prom-client';
import { freshDatabase } from '../../../testing/mongo.ts';
import { startNats, type NatsOptions, type TestNats } from '../../../testing/nats.ts';
import { hasty } from '../../testing/hasty.ts';
import { passingControlKey } from '../secrets/control-key.ts';
import { systemAmbient, type Ambient } from '../kernel/ambient.ts';
import { createAudit } from '../audit/index.ts';
import type { EnvironmentSettings } from '../platform-file.ts';
import { readConfig, type Config } from '../service-config.ts';
import { createJobEngine, jobMutations, type CrashPoint, type JobEngine } from '../jobs/index.ts';
import { createNodeMetrics } from '../node-metrics/index.ts';
import { patiently } from '../feature/feature.ts';
import { createBookkeeping, createPlacement } from '../placement/index.ts';
import type { PlacementBook } from '../placement/record/placement-book.ts';
import { connectMongo, type Mongo } from '../ports/mongo/mongo.ts';
import { connectNats, type NatsPort } from '../ports/nats/index.ts';
import { createNodes, type NodesPort } from '../ports/nodes/index.ts';
import type { Principal, Visible } from '../call/principal.ts';
import type { TenantPage } from './directory/directory.ts';
import type { TenantQuery } from './directory/tenant-query.ts';
import { createTenants, type Tenants } from './index.ts';
import { startTestNode, type TestNode } from './nodes.fixture.ts';
import { everybodyMay } from '../jobs/engine/may-all.fixture.ts';

export const ada: Principal = {
  id: 'user:ada@x.test',
  kind: 'user',
  email: 'ada@x.test',
  via: 'gateway',
  onBehalfOf: null,
  environment: null,
  steppedUpAt: null,
  granted: [],
};
const provenance = { requestId: 'req_1', traceId: null, ip: null, agent: null };

/** All replicas of a test have one. */
const controlKey = passingControlKey();

/** What the replicas of one platform share. */
export interface Ground extends AsyncDisposable {
  readonly uri: string;
  readonly db: string;
  readonly nats: TestNats;
  readonly port: NatsPort;
  readonly nodes: readonly TestNode[];
  readonly shards: readonly Shard[];
  node(shardId: string): TestNode;
}

const SHARDS = [
  ['a1', 'aggregate'], ['a2', 'aggregate'], ['p1', 'projection'], ['p2', 'projection'], ['r1', 'runner'], ['g1', 'gateway'],
] as const; // prettier-ignore

export async function startGround(capacity = 20_000, options: NatsOptions = {}): Promise<Ground> {
  const nats = await startNats(options);
  const port = await connectNats(nats.url);
  await port.ensureStreams();
  const nodes = await Promise.all(SHARDS.map(([id, kind]) => startTestNode(port, kind, id)));
  const shards = nodes.map(({ shardId, kind, endpoint }) => ({
    shard_id: shardId,
    kind,
    endpoint,
    labels: {},
    capacity: { tenants: capacity },
    region: 'eu',
  }));
  return {
    ...freshDatabase(),
    nats,
    port,
    nodes,
    shards,
    node: (shardId) => nodes.find((node) => node.shardId === shardId)!,
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]();
      await port.close();
      await nats.stop();
    },
  };
}

export interface ReplicaOptions {
  readonly name?: string;
  readonly ambient?: Ambient;
  readonly tenants?: readonly string[];
  readonly patienceMs?: number;
  readonly coolingDays?: number;
  readonly crashPoint?: (point: CrashPoint) => void;
  /** What asks nodes is in haste: for tests whose nodes never answer. */
  readonly isHasty?: boolean;
}

export interface Replica extends AsyncDisposable {
  readonly mongo: Mongo;
  readonly nats: NatsPort;
  readonly nodePort: NodesPort;
  readonly book: PlacementBook;
  readonly engine: JobEngine;
  readonly tenants: Tenants;
  readonly environment: EnvironmentSettings;
  readonly config: Config;
  readonly ambient: Ambient;
  preflight(kind: MutationId, input: Input): Promise<Plan>;
  /** Preflight, then submit with its hash, then wait for the end. */
  run(kind: MutationId, input: Input): Promise<Job>;
  list(query?: Partial<TenantQuery>, visible?: Visible): Promise<TenantPage>;
  get(tenantId: string): Promise<Tenant>;
  health(tenantId: string): Promise<NodeHealth[]>;
  /** With the hash of a plan that was shown; waits for the end. */
  carryOut(kind: MutationId, input: Input, planHash: string): Promise<Job>;
  /** `jobs.retry`: its plan, and submitting with the hash of that plan. */
  readonly retry: {
    preflight(jobId: string): Promise<Plan>;
    run(jobId: string, planHash: string, idempotencyKey?: string): Promise<Job>;
  };
  /** Preflight, then submit with its hash, and no waiting. */
  submit(kind: MutationId, input: Input): Promise<Job>;
}

type Input = Record<string, unknown>;

/** One backend replica on the ground, without HTTP. */
export async function startReplica(ground: Ground, options: ReplicaOptions = {}): Promise<Replica> {
  const ambient = options.ambient ?? systemAmbient();
  const towardsNodes = options.isHasty ? hasty(ambient) : ambient;
  const logger = pino({ level: 'silent' });
  const base = readConfig({ MONGODB_URI: ground.uri, NATS_URL: ground.nats.url, MODE: 'development' });
  const config: Config = { ...base, ARCHIVE_COOLING_DAYS: options.coolingDays ?? 30 };
  const environment = { ...base.environments[0]!, shards: [...ground.shards], tenants: [...(options.tenants ?? [])] };
  // What was started is stopped also when a later part does not start: a left-over connection would keep jest alive.
  await using starting = new AsyncDisposableStack();
  const mongo = starting.adopt(await connectMongo(ground.uri, ground.db), (it) => it.close());
  const nats = starting.adopt(await connectNats(ground.nats.url), (it) => it.close());
  const nodes = createNodes({ ambient: towardsNodes, allowlist: '127.0.0.1:1-65535' });
  const replicaId = options.name ?? 'replica-a';
  const audit = createAudit({ mongo, ambient, replicaId, environment: 'dev' });
  const engine = createJobEngine({
    may: everybodyMay,
    mongo,
    audit: audit.log,
    ambient,
    logger,
    metrics: new Registry(),
    replicaId,
    controlKey,
    ...(options.crashPoint ? { crashPoint: options.crashPoint } : {}),
  });
  const traffic = createNodeMetrics({ nodes, ambient, logger, shards: () => bookkeeping.book.shards() });
  const shared = {
    mongo,
    nats,
    nodes,
    jobs: engine,
    traffic,
    audit: audit.log,
    ambient: towardsNodes,
    environment,
    config,
    logger,
  };
  const bookkeeping = createBookkeeping(shared);
  const patience = options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs };
  const tenants = createTenants({ ...shared, placement: bookkeeping.book, ...patience });
  const placement = createPlacement({ ...shared, bookkeeping, tenants, metrics: new Registry() });
  engine.define(tenants.jobs as never);
  starting.defer(() => audit.stop());
  starting.defer(() => bookkeeping.stop());
  starting.defer(() => traffic.stop());
  starting.defer(() => tenants.stop());
  starting.defer(() => placement.stop());
  starting.defer(() => engine.stop(200));
  await patiently(ambient, () => audit.prepare());
  await patiently(ambient, () => bookkeeping.prepare());
  bookkeeping.start();
  await patiently(ambient, () => tenants.prepare());
  audit.start();
  await patiently(ambient, () => engine.prepare());
  await engine.start();
  traffic.start();
  tenants.start();
  placement.start();
  const running = starting.move();
  return {
    ...callsOf(engine, tenants, ambient),
    mongo,
    nats,
    nodePort: nodes,
    book: bookkeeping.book,
    engine,
    tenants,
    environment,
    config,
    ambient,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function callsOf(
  engine: JobEngine,
  tenants: Tenants,
  ambient: Ambient,
): Pick<Replica, 'preflight' | 'run' | 'carryOut' | 'submit' | 'retry' | 'list' | 'get' | 'health'> {
  const kinds = Object.keys(tenants.jobs) as never[];
  const handlers = jobMutations({ engine, ambient, may: () => ({ allowed: true, reason: null }) }, kinds);
  const call = (input: unknown, query: unknown = {}, visible: Visible = 'all') => ({
    params: {},
    body: input,
    query,
    principal: ada,
    provenance,
    visible,
    visibleAt: () => visible,
    signal: new AbortController().signal,
  });
  const again = (jobId: string) => ({ ...call({ reason: 'once more' }), params: { job_id: jobId } }) as never;
  const preflight = (kind: MutationId, input: Input): Promise<Plan> => handlers[kind].preflight(call(input) as never);
  const carryOut: Replica['carryOut'] = (kind, input, planHash) =>
    handlers[kind].submit(call(input) as never, {
      idempotencyKey: ambient.uuid(),
      planHash,
      waitMs: 30_000,
    }) as Promise<Job>;
  return {
    preflight,
    run: async (kind, input) => carryOut(kind, input, (await preflight(kind, input)).hash),
    carryOut,
    submit: async (kind, input) => {
      const { hash } = await preflight(kind, input);
      const headers = { idempotencyKey: ambient.uuid(), planHash: hash, waitMs: 0 };
      return handlers[kind].submit(call(input) as never, headers) as Promise<Job>;
    },
    retry: {
      preflight: (jobId) => handlers['jobs.retry'].preflight(again(jobId)),
      run: (jobId, planHash, idempotencyKey = ambient.uuid()) =>
        handlers['jobs.retry'].submit(again(jobId), { idempotencyKey, planHash, waitMs: 30_000 }) as Promise<Job>,
    },
    list: (query = {}, visible = 'all') =>
      tenants.reads['tenants.list'](call({}, { limit: 50, ...query }, visible) as never),
    get: (tenantId) => tenants.reads['tenants.get']({ ...call({}), params: { tenant_id: tenantId } } as never),
    health: async (tenantId) => {
      const asked = { ...call({}), params: { tenant_id: tenantId } } as never;
      return (await tenants.reads['tenants.health'](asked)).nodes;
    },
  };
}
