// The whole system for a test: MongoDB, NATS, the reference platform and the backend as real processes on free ports.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient, type Db, type UUID } from 'mongodb';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { createClient, ROLE_TEMPLATES, type Assignment, type Client, type RoleName } from '@cloudlysis/contract';
import { runLoad, tenantNames, type LoadOptions, type LoadResult } from '../../dataplane/src/load/run-load.ts';
import { natsReady } from '../../launch/servers/servers.ts';
import { signToken, type TokenRequest } from '../../launch/token.ts';
import { freshDatabase, startMongo, type TestMongo } from '../../testing/mongo.ts';
import { startNats, type TestNats } from '../../testing/nats.ts';
import { freePort, freeze, temporaryFolder } from '../../testing/processes.ts';
import { Child } from './child.ts';
import { warmCompileCache } from '../../testing/compile-cache.ts';
import { eventually } from './eventually.ts';
import { PlatformNode } from './platform-node.ts';
import { backendSpec, nodeSpec, shardsOf, writePlatform, type Layout, type ShardPlace } from './stack-layout.ts';

export interface StackOptions {
  /** How many of tenant-01, tenant-02 …, or their names; 2 unless told. */
  readonly tenants?: number | readonly string[];
  /** Backend processes; 1 unless told. */
  readonly replicas?: number;
  /** Of the backend. */
  readonly env?: NodeJS.ProcessEnv;
  /** Nodes by shard id, whose first letter says the kind; g1 (which publishes the signing keys), a1, a2, p1, p2, r1, r2 unless told. */
  readonly shards?: readonly string[];
  /** A MongoDB of one's own, durable, for tests that kill or freeze it. */
  readonly ownMongo?: boolean;
  /** Where NATS keeps its store, for tests that fill the disk. */
  readonly natsFolder?: string;
  readonly mongoFolder?: string;
  readonly assignments?: readonly Assignment[];
}

export type LoadWish = Partial<Omit<LoadOptions, 'gateway' | 'nats' | 'token'>>;

const ROLES = Object.keys(ROLE_TEMPLATES) as RoleName[];
const GATEWAY_AUDIENCE = 'cloudlysis-gateway';
const AUDIENCE = 'cloudlysis-control';

export class Stack {
  readonly layout: Layout;
  readonly tenants: readonly string[];
  readonly nodes = new Map<string, PlatformNode>();
  readonly backends: Child[] = [];
  mongo: TestMongo | undefined;
  nats!: TestNats;
  nc!: NatsConnection;
  #client!: MongoClient;
  #tokens = new Map<RoleName, string>();

  constructor(layout: Layout, tenants: readonly string[]) {
    this.layout = layout;
    this.tenants = tenants;
  }

  /** The first replica. */
  get backend(): Child {
    return this.backends[0]!;
  }

  get db(): Db {
    return this.#client.db(this.layout.db);
  }

  url(replica = 0): string {
    return `http://127.0.0.1:${this.layout.backendPorts[replica]!}`;
  }

  node(shard: string): PlatformNode {
    const node = this.nodes.get(shard);
    if (!node) throw new Error(`${shard} is not part of this stack`);
    return node;
  }

  /** The client of somebody who holds one role template on the whole platform. */
  as(role: RoleName, replica = 0): Client {
    return this.client(this.#tokens.get(role)!, replica);
  }

  client(token: string, replica = 0): Client {
    const headers = (): Record<string, string> => ({ authorization: `Bearer ${token}` });
    return createClient({ baseUrl: this.url(replica), fetch, headers, pauseMs: 100 });
  }

  bearer(role: RoleName): string {
    return this.#tokens.get(role)!;
  }

  token(request: Partial<TokenRequest> & { email: string }): Promise<string> {
    const { issuer, keyFile } = this.layout;
    return signToken({ audience: AUDIENCE, minutes: 120, ...request }, issuer, keyFile);
  }

  /** Commands through the gateway, counted; the result says what was lost or doubled. */
  async load(wish: LoadWish = {}, signal?: AbortSignal): Promise<LoadResult> {
    const token = await this.token({ email: 'load@b.test', audience: GATEWAY_AUDIENCE, tenants: '*' });
    const options = { tenants: [...this.tenants], rate: 100, seconds: 2, seed: 1, ...wish };
    return runLoad({ ...options, gateway: this.node('g1').url, nats: this.nats.url, token }, signal);
  }

  async command(tenantId: string, commandId: string): Promise<{ status: number; body: any }> {
    const token = await this.token({ email: 'load@b.test', audience: GATEWAY_AUDIENCE, tenants: '*' });
    const response = await fetch(`${this.node('g1').url}/v1/tenants/${tenantId}/commands`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ command_id: commandId, type: 'deposit', data: { account: 'a', amount: 1 } }),
      signal: AbortSignal.timeout(20_000),
    });
    return { status: response.status, body: await response.json() };
  }

  /** Every tenant of the configuration is served by its nodes. */
  async untilActive(ms = 20_000): Promise<void> {
    const operator = this.as('operator');
    await eventually(
      'every tenant is active',
      async () => {
        const { items } = await operator.read('tenants.list', { query: { limit: 200, state: 'active' } });
        return this.tenants.every((tenant) => items.some((one) => one.tenant_id === tenant));
      },
      ms,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.backend.log()}`);
    });
  }

  natsAnswers(): Promise<boolean> {
    return natsReady(this.nats.url).then(
      () => true,
      () => false,
    );
  }

  /** Starts NATS again on its port and store, as after a crash. */
  async restartNats(): Promise<void> {
    const { port, storeDir } = this.nats;
    this.nats = await startNats({ port, storeDir });
  }

  /** Starts MongoDB again on its port and store. */
  async restartMongo(): Promise<void> {
    if (!this.mongo) throw new Error('only a MongoDB of its own can be killed');
    const { port, storeDir } = this.mongo;
    this.mongo = await startMongo({ port, storeDir });
  }

  mongoRuns(): boolean {
    try {
      return this.mongo !== undefined && process.kill(this.mongo.pid, 0);
    } catch {
      return false;
    }
  }

  /** SIGSTOP: MongoDB keeps its connections and answers nothing. */
  pauseMongo(): Promise<void> {
    return freeze(this.mongo!.pid);
  }

  resumeMongo(): void {
    process.kill(this.mongo!.pid, 'SIGCONT');
  }

  async addReplica(env: NodeJS.ProcessEnv = {}): Promise<Child> {
    const index = this.backends.length;
    this.layout.backendPorts.push(await freePort());
    const child = new Child(backendSpec(this.layout, index, env));
    this.backends.push(child);
    return child.start();
  }

  /** One more than there are, on the port of the first, where it cannot listen; not started. */
  replicaInTheWay(): Child {
    const layout = { ...this.layout, backendPorts: [...this.layout.backendPorts, this.layout.backendPorts[0]!] };
    return new Child(backendSpec(layout, layout.backendPorts.length - 1));
  }

  async begin(options: StackOptions): Promise<void> {
    const { folder, places } = this.layout;
    for (const role of ROLES) this.#tokens.set(role, await this.token({ email: `${role}@b.test`, role }));
    [this.nats, this.mongo] = await Promise.all([
      startNats({ storeDir: options.natsFolder ?? join(folder, 'nats') }),
      options.ownMongo ? startMongo({ storeDir: options.mongoFolder ?? join(folder, 'mongo') }) : undefined,
      warmCompileCache(),
    ]);
    this.layout.natsUrl = this.nats.url;
    if (this.mongo) this.layout.mongoUri = this.mongo.uri;
    this.nc = await connect({ servers: this.nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    this.#client = new MongoClient(this.layout.mongoUri);
    for (const place of places) {
      const spec = nodeSpec(this.layout, place);
      const node = new PlatformNode(spec, place.endpoint, this.layout.nodeToken);
      this.nodes.set(place.shard_id, node);
    }
    for (let index = 0; index < (options.replicas ?? 1); index++)
      this.backends.push(new Child(backendSpec(this.layout, index, options.env)));
    // The first replica seeds; everything else may come up beside it in any order.
    await Promise.all([...this.nodes.values(), ...this.backends].map((child) => child.start()));
    if (this.backends.length > 0) await this.untilActive();
  }

  /** What was killed inside a transaction would hold its locks for a minute, and the drop would wait for them. */
  async #leaveSharedMongo(): Promise<void> {
    const recorded = await this.db.collection<{ _id: string; ids: UUID[] }>('sessions').find().toArray();
    const killSessions = recorded.flatMap(({ ids }) => ids.map((id) => ({ id })));
    if (killSessions.length > 0) await this.#client.db('admin').command({ killSessions });
    await this.db.dropDatabase();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.backends, ...this.nodes.values()].map((child) => child.kill()));
    await this.nc?.close().catch(() => undefined);
    if (!this.mongo) await this.#leaveSharedMongo().catch(() => undefined);
    await this.#client?.close().catch(() => undefined);
    this.nats?.kill();
    this.mongo?.kill();
    await this.nats?.stop();
    await this.mongo?.stop();
    if (process.env['KEEP_STACK']) process.stderr.write(`stack kept in ${this.layout.folder}\n`);
    else rmSync(this.layout.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Ready in about 2 s on two idle cores: every tenant active, every process answering. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { tenants = 2 } = options;
  const names = typeof tenants === 'number' ? tenantNames(tenants) : tenants;
  const folder = temporaryFolder('stack');
  mkdirSync(join(folder, 'log'));
  const places: ShardPlace[] = await shardsOf(options.shards);
  const backendPorts = await Promise.all(Array.from({ length: options.replicas ?? 1 }, freePort));
  const { uri, db } = options.ownMongo ? { uri: '', db: 'control' } : freshDatabase();
  const layout = await writePlatform({ folder, db, mongoUri: uri, places, backendPorts }, names, options.assignments);
  const stack = new Stack(layout, names);
  try {
    await stack.begin(options);
    return stack;
  } catch (error) {
    await stack.stop().catch(() => undefined);
    throw error;
  }
}
