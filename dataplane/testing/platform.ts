// A real platform for tests: NATS and every node its own OS process, steered by hand as the control plane would.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kvm, type KV } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey } from 'jose';
import { COMPILE_CACHE, warmCompileCache } from '../../testing/compile-cache.ts';
import { startNats, type TestNats } from '../../testing/nats.ts';
import { freePort, freeze } from '../../testing/processes.ts';
import type { Kind } from '../src/platform/names.ts';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;
const KIND_OF: Record<string, Kind> = { a: 'aggregate', p: 'projection', r: 'runner', g: 'gateway' };
export const TOKEN = 'node-secret';

export interface Reply {
  status: number;
  body: any;
}

export class TestNode {
  readonly shard: string;
  readonly kind: Kind;
  readonly port: number;
  private readonly env: NodeJS.ProcessEnv;
  private child: ChildProcess | undefined;
  output = '';

  constructor(shard: string, port: number, env: NodeJS.ProcessEnv) {
    this.shard = shard;
    this.kind = KIND_OF[shard[0]!]!;
    this.port = port;
    this.env = { ...env, SHARD_ID: shard, PORT: String(port) };
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  spawn(): void {
    const child = spawn(process.execPath, [MAIN, this.kind], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (this.output = (this.output + String(chunk)).slice(-20_000)));
    }
    this.child = child;
  }

  async start(): Promise<this> {
    this.spawn();
    const ready = async (): Promise<boolean> => this.ended || (await this.get('/health/ready')).status === 200;
    await eventually(`${this.shard} ready`, ready).catch((err: Error) => {
      throw new Error(`${err.message}\n${this.output}`);
    });
    if (this.ended) throw new Error(`${this.shard} ended while starting\n${this.output}`);
    return this;
  }

  get ended(): boolean {
    return !this.child || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async signal(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.child;
    if (!child || this.ended) return child?.exitCode ?? null;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    return child.exitCode;
  }

  /** SIGSTOP: the process keeps its connections and does nothing, until it is thawed. */
  freeze(): Promise<void> {
    return freeze(this.child!.pid!);
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  kill(): Promise<number | null> {
    return this.signal('SIGKILL');
  }

  get(path: string): Promise<Reply> {
    return call(this.url + path, { headers: { authorization: `Bearer ${TOKEN}` } });
  }

  post(path: string, body: unknown = {}): Promise<Reply> {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    return call(this.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  async tenant(tenant: string): Promise<any> {
    return (await this.get('/admin/state')).body.tenants.find((one: any) => one.tenant_id === tenant);
  }
}

export class TestPlatform {
  readonly nodes = new Map<string, TestNode>();
  readonly folder: string;
  nats: TestNats;
  readonly nc: NatsConnection;
  private readonly key: CryptoKey;
  private readonly revisions = new Map<string, number>();

  constructor(folder: string, nats: TestNats, nc: NatsConnection, key: CryptoKey) {
    this.folder = folder;
    this.nats = nats;
    this.nc = nc;
    this.key = key;
  }

  node(shard: string): TestNode {
    return this.nodes.get(shard)!;
  }

  get gateway(): TestNode {
    return this.node('g1');
  }

  async add(shard: string, env: NodeJS.ProcessEnv = {}): Promise<TestNode> {
    const own = {
      NATS_URL: this.nats.url,
      NODE_ADMIN_TOKEN: TOKEN,
      GATEWAY_KEY_FILE: join(this.folder, 'key.json'),
      DATA_DIR: join(this.folder, shard),
      DATAPLANE_FAULTS: '1',
      GIT_SHA: 'abc1234',
      LOG_LEVEL: 'warn',
    };
    const node = new TestNode(shard, await freePort(), {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...own,
      ...env,
    });
    this.nodes.set(shard, node);
    return node;
  }

  kv(bucket: string): Promise<KV> {
    return new Kvm(this.nc).open(bucket, { allow_direct: false });
  }

  /** What the control plane writes: one more than the placement's last revision. */
  async place(kind: Kind, tenant: string, shard: string): Promise<number> {
    const key = `${kind}.${tenant}`;
    const revision = (this.revisions.get(key) ?? 0) + 1;
    this.revisions.set(key, revision);
    await (await this.kv('placement')).put(key, JSON.stringify({ shard, revision, job_id: `job-${revision}` }));
    return revision;
  }

  async placed(shard: string, ...tenants: string[]): Promise<void> {
    const node = this.node(shard);
    for (const tenant of tenants) await this.place(node.kind, tenant, shard);
    await node.post('/admin/reload');
    for (const one of this.nodes.values()) if (one.kind === 'gateway') await one.post('/admin/reload');
  }

  async pause(tenant: string, paused: boolean, revision: number): Promise<void> {
    await (await this.kv('config')).put(`tenants.${tenant}`, JSON.stringify({ paused, reason: 'test', revision }));
  }

  token(tenants: string[] = ['*'], claims: Record<string, unknown> = {}): Promise<string> {
    return new SignJWT({ tenants, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'test-key' })
      .setIssuer('cloudlysis-gateway')
      .setAudience('cloudlysis-gateway')
      .setExpirationTime('10m')
      .sign(this.key);
  }

  async command(tenant: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const authorization = headers['authorization'] ?? `Bearer ${await this.token()}`;
    const url = `${this.gateway.url}/v1/tenants/${tenant}/commands`;
    return call(url, { method: 'POST', headers: { ...headers, authorization }, body: JSON.stringify(body) });
  }

  async view(tenant: string, view: string): Promise<Reply> {
    const headers = { authorization: `Bearer ${await this.token()}` };
    return call(`${this.gateway.url}/v1/tenants/${tenant}/views/${view}`, { headers });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.kill()));
    await this.nc.close();
    await this.nats.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

export async function startPlatform(...shards: string[]): Promise<TestPlatform> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlysis-dataplane-'));
  const [nats] = await Promise.all([startNats(), warmCompileCache()]);
  const nc = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'test-key', alg: 'ES256' };
  await writeFile(join(folder, 'key.json'), JSON.stringify(jwk));
  const platform = new TestPlatform(folder, nats, nc, privateKey);
  for (const shard of shards) await platform.add(shard);
  try {
    await Promise.all(shards.map((shard) => platform.node(shard).start()));
  } catch (err) {
    await platform.stop();
    throw err;
  }
  return platform;
}

export async function call(url: string, init: RequestInit = {}): Promise<Reply> {
  const res = await fetch(url, { ...init, signal: AbortSignal.timeout(20_000) });
  const text = await res.text();
  const json = res.headers.get('content-type')?.includes('json');
  return { status: res.status, body: json ? JSON.parse(text) : text };
}

/** Asks again until it is true; a refused connection is a "not yet". */
export async function eventually(what: string, check: () => Promise<boolean>, ms = 60_000): Promise<void> {
  for (const end = performance.now() + ms; ; await sleep(20)) {
    if (await check().catch(() => false)) return;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
  }
}

/** drain → converged → placement → reload: what the control plane's migration does, step by step. */
export async function moveTenant(platform: TestPlatform, tenant: string, from: string, to: string): Promise<number> {
  const [source, target] = [platform.node(from), platform.node(to)];
  const start = performance.now();
  await source.post('/admin/drain', { tenant_id: tenant });
  await eventually('drained', async () =>
    (await source.get('/admin/drain')).body.tenants.some(
      (one: any) => one.tenant_id === tenant && one.state === 'drained',
    ),
  );
  await platform.place(source.kind, tenant, to);
  await Promise.all([target.post('/admin/reload'), source.post('/admin/reload')]);
  return performance.now() - start;
}
