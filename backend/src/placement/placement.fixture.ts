// A placement feature over a real MongoDB, a real NATS and real nodes, with commands flowing through a gateway.
import type { ServiceKind } from '@cloudlysis/contract';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { startPlatform, type TestPlatform, TOKEN } from '../../../dataplane/testing/platform.ts';
import { freshDatabase } from '../../../testing/mongo.ts';
import { hasty } from '../../testing/hasty.ts';
import { systemAmbient, type Ambient } from '../kernel/ambient.ts';
import { createAudit } from '../audit/index.ts';
import { EngineHarness } from '../jobs/engine/crash-harness.fixture.ts';
import { createNodeMetrics } from '../node-metrics/index.ts';
import { connectMongo, type Mongo } from '../ports/mongo/mongo.ts';
import { connectNats, type NatsPort } from '../ports/nats/index.ts';
import { createNodes } from '../ports/nodes/index.ts';
import { createBookkeeping, createPlacement, type BookOptions, type PlacementOptions } from './index.ts';
import { createPlacementStore, type PlacementStore } from './record/placement.store.ts';

/** Book and feature as one, for tests that ask both. */
export function wholePlacement(options: BookOptions & Omit<PlacementOptions, 'bookkeeping'>) {
  const bookkeeping = createBookkeeping(options);
  const feature = createPlacement({ ...options, bookkeeping });
  return {
    ...feature,
    book: bookkeeping.book,
    copy: bookkeeping.copy,
    prepare: () => bookkeeping.prepare(),
    async start() {
      await bookkeeping.prepare();
      bookkeeping.start();
      feature.start();
    },
    async stop() {
      await feature.stop();
      await bookkeeping.stop();
    },
  };
}
export type WholePlacement = ReturnType<typeof wholePlacement>;

export type { Script } from '../jobs/engine/crash-harness.fixture.ts';

export interface World {
  readonly platform: TestPlatform;
  readonly mongo: Mongo;
  readonly nats: NatsPort;
  readonly placement: WholePlacement;
  readonly store: PlacementStore;
  readonly engine: EngineHarness;
  readonly metrics: Registry;
  /** State of the tenants that exist. */
  readonly tenants: Map<string, string>;
  /** One more replica over the same stores, not started. */
  replica(): WholePlacement;
  /** A tenant of its own, placed and served. */
  tenant(id: string, homes: Partial<Record<ServiceKind, string>>): Promise<string>;
  stop(): Promise<void>;
}

const KINDS: Record<string, ServiceKind> = { a: 'aggregate', p: 'projection', r: 'runner', g: 'gateway' };

export const startWorld = (...shards: string[]): Promise<World> => worldOf(systemAmbient(), shards);

/** For tests that wait for who looks after nodes, or for the deadlines of calls to nodes that never answer. */
export const startHastyWorld = (...shards: string[]): Promise<World> => worldOf(hasty(systemAmbient()), shards);

async function worldOf(ambient: Ambient, shards: readonly string[]): Promise<World> {
  const platform = await startPlatform(...shards);
  const { uri, db } = freshDatabase();
  const mongo = await connectMongo(uri, db);
  const nats = await connectNats(platform.nats.url);
  const machine = systemAmbient();
  const metrics = new Registry();
  const tenants = new Map<string, string>();
  const engine = new EngineHarness(mongo);
  const audit = createAudit({ mongo, ambient: machine, replicaId: 'test', environment: 'dev' });
  await audit.prepare();
  const seeded = [...platform.nodes.values()].map(({ shard, url }) => ({
    shard_id: shard, kind: KINDS[shard[0]!]!, endpoint: url, labels: {}, capacity: { tenants: 50 }, region: 'eu',
  })); // prettier-ignore
  const logger = pino({ level: 'silent' });
  // A plan that people read measures for a second; here a moment is enough.
  const impatient: Ambient = { ...machine, sleep: (ms, signal) => machine.sleep(Math.min(ms, 20), signal) };
  const nodes = createNodes({ ambient, allowlist: '127.0.0.1:1-65535', token: TOKEN });
  const replica = (registry = new Registry()): WholePlacement =>
    wholePlacement({
      mongo, nats, ambient, metrics: registry, jobs: engine, nodes, logger, audit: audit.log,
      traffic: createNodeMetrics({ nodes, ambient: impatient, logger, shards: async () => seeded }),
      environment: { id: 'dev', placementSource: 'kv', shards: seeded },
      tenants: {
        async stateOf(id) {
          const state = tenants.get(id);
          return state ? { state, reason: 'as the test says' } : null;
        },
        stateSeen: (id) => tenants.get(id) ?? null,
        lagOf: (id) => (tenants.has(id) ? { events: 3 } : null),
      },
    }); // prettier-ignore
  const placement = replica(metrics);
  engine.definitionsOf = () => ({ ...placement.jobs });
  await placement.start();
  await engine.start();
  return {
    platform, mongo, nats, placement, engine, metrics, tenants, replica,
    store: createPlacementStore(mongo),
    async tenant(id, homes) {
      tenants.set(id, 'active');
      await nats.ensureConsumers(id);
      for (const [kind, shardId] of Object.entries(homes)) {
        await placement.book.assign(id, kind as ServiceKind, shardId, 'job_seed');
        await platform.node(shardId).post('/admin/reload');
      }
      for (const node of platform.nodes.values()) if (node.kind === 'gateway') await node.post('/admin/reload');
      return id;
    },
    async stop() {
      await engine.stop();
      await placement.stop();
      await nats.close();
      await mongo.close();
      await platform.stop();
    },
  }; // prettier-ignore
}

export interface Traffic {
  readonly acknowledged: Set<string>;
  readonly failed: string[];
  stop(): Promise<void>;
}

const DEPOSIT = { type: 'deposit', data: { account: 'a', amount: 1 } };

/** Commands of one tenant through the gateway, one every `everyMs`, until stopped. */
export async function traffic(
  platform: TestPlatform,
  tenant: string,
  everyMs: number,
  order: (n: number) => { type: string; data: object } = () => DEPOSIT,
): Promise<Traffic> {
  const acknowledged = new Set<string>();
  const failed: string[] = [];
  const pending = new Set<Promise<void>>();
  const authorization = `Bearer ${await platform.token()}`;
  let sent = 0;
  const send = async (): Promise<void> => {
    const command_id = `${tenant}-${++sent}`;
    const body = { command_id, ...order(sent) };
    const reply = await platform.command(tenant, body, { authorization });
    if (reply.status === 200) acknowledged.add(command_id);
    else failed.push(`${command_id} ${reply.status} ${JSON.stringify(reply.body)}`);
  };
  const timer = setInterval(() => {
    const one = send().catch((error: unknown) => void failed.push(String(error)));
    pending.add(one);
    void one.finally(() => pending.delete(one));
  }, everyMs);
  return {
    acknowledged,
    failed,
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
    },
  };
}

/** What a node's fault knobs are set to when nothing is wrong. */
export const NO_FAULTS = {
  slow_ms: 0, error_rate: 0, stuck: false, refuse_drain: false, lie_ready: null, hang: false, in_flight: 0,
}; // prettier-ignore

/** Where a tenant is, as `a1@2`: by the record, with which the publication has to agree. */
export async function placed({ store, nats }: World, tenant: string, kind: ServiceKind = 'aggregate'): Promise<string> {
  const record = await store.find(kind, tenant);
  const entry = await nats.placement.get(`${kind}.${tenant}`);
  const said = `${record?.shard_id}@${record?.revision}`;
  const published = `${entry?.value.shard}@${entry?.value.revision}`;
  if (said !== published) throw new Error(`${kind} of ${tenant} is recorded ${said}, published ${published}`);
  return said;
}

/** Acknowledged commands are in the log once each, and versions have no gap. */
export async function assertLog({ nats }: World, tenant: string, acknowledged: ReadonlySet<string>): Promise<void> {
  const events = await nats.eventsAfter(tenant, 0, 100_000);
  const gap = events.findIndex(({ version }, index) => version !== index + 1);
  if (gap !== -1) throw new Error(`version ${events[gap]!.version} of ${tenant} is at place ${gap + 1}`);
  const commands = new Set(events.map(({ command_id }) => command_id));
  if (commands.size !== events.length)
    throw new Error(`${events.length - commands.size} commands of ${tenant} doubled`);
  const lost = [...acknowledged].filter((command) => !commands.has(command));
  if (lost.length) throw new Error(`lost of ${tenant}: ${lost.join(', ')}`);
}
