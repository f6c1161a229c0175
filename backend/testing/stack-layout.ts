// Where everything of a test's stack is and what each process is told: ports, folders, keys, environment.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assignment, ServiceKind } from '@cloudlysis/contract';
import { controlKey, gatewayKey } from '../../launch/platform/keys.ts';
import { root } from '../../launch/machine/programs.ts';
import { LEAN, LEAN_ENV } from '../../launch/platform/specs.ts';
import { freePort } from '../../testing/processes.ts';
import { COMPILE_CACHE } from '../../testing/compile-cache.ts';
import type { ChildSpec } from './child.ts';

export interface ShardPlace {
  readonly shard_id: string;
  readonly kind: ServiceKind;
  readonly port: number;
  readonly endpoint: string;
}

export interface Layout {
  readonly folder: string;
  readonly db: string;
  mongoUri: string;
  natsUrl: string;
  readonly places: readonly ShardPlace[];
  readonly backendPorts: number[];
  readonly keyFile: string;
  readonly controlKeyFile: string;
  readonly platformFile: string;
  readonly issuer: string;
  readonly nodeToken: string;
}

const KIND_OF = { a: 'aggregate', p: 'projection', r: 'runner', g: 'gateway' } as const;
const SHARDS = ['g1', 'a1', 'a2', 'p1', 'p2', 'r1', 'r2'];

export async function shardsOf(shards: readonly string[] = SHARDS): Promise<ShardPlace[]> {
  const ports = await Promise.all(shards.map(freePort));
  return shards.map((shard_id, index) => {
    const port = ports[index]!;
    const kind = KIND_OF[shard_id[0] as keyof typeof KIND_OF];
    return { shard_id, kind, port, endpoint: `http://127.0.0.1:${port}` };
  });
}

type Drawn = Pick<Layout, 'folder' | 'db' | 'mongoUri' | 'places' | 'backendPorts'>;

/** Keys and the seed file; the addresses of servers are filled in when they run. */
export async function writePlatform(
  drawn: Drawn,
  tenants: readonly string[],
  assignments: readonly Assignment[] = [],
): Promise<Layout> {
  const keyFile = join(drawn.folder, 'keys', 'gateway.json');
  await gatewayKey(keyFile);
  const controlKeyFile = await controlKey(join(drawn.folder, 'keys', 'control_key'));
  const platformFile = join(drawn.folder, 'platform.json');
  const shards = drawn.places.map(({ shard_id, kind, endpoint }) => ({
    shard_id,
    kind,
    endpoint,
    labels: { zone: shard_id.endsWith('1') ? 'a' : 'b' },
    capacity: { tenants: 1_000 },
    region: 'local',
  }));
  writeFileSync(platformFile, JSON.stringify({ environment: 'dev', shards, assignments, tenants }));
  const issuer = drawn.places.find((place) => place.kind === 'gateway')!.endpoint;
  const nodeToken = randomBytes(16).toString('hex');
  return { ...drawn, natsUrl: '', keyFile, controlKeyFile, platformFile, issuer, nodeToken };
}

const inherited = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], NODE_COMPILE_CACHE: COMPILE_CACHE });

export function nodeSpec(layout: Layout, { shard_id, kind, port, endpoint }: ShardPlace): ChildSpec {
  return {
    name: shard_id,
    args: [join(root, 'dataplane', 'src', 'main.ts'), kind],
    env: {
      ...inherited(),
      HOST: '127.0.0.1',
      PORT: String(port),
      SHARD_ID: shard_id,
      NATS_URL: layout.natsUrl,
      NODE_ADMIN_TOKEN: layout.nodeToken,
      GATEWAY_KEY_FILE: layout.keyFile,
      GATEWAY_ISSUER: layout.issuer,
      DATA_DIR: join(layout.folder, shard_id),
      DATAPLANE_FAULTS: '1',
      LOG_LEVEL: 'warn',
    },
    logFile: join(layout.folder, 'log', shard_id),
    ready: () => answers(`${endpoint}/health/ready`),
  };
}

export function backendSpec(layout: Layout, index: number, env: NodeJS.ProcessEnv = {}): ChildSpec {
  const port = layout.backendPorts[index]!;
  return {
    name: `backend-${index + 1}`,
    args: [...LEAN, join(root, 'backend', 'src', 'main.ts')],
    env: {
      ...inherited(),
      ...LEAN_ENV,
      HOST: '127.0.0.1',
      PORT: String(port),
      MODE: 'development',
      LOG_LEVEL: 'info',
      REPLICA_ID: `replica-${index + 1}`,
      MONGODB_URI: layout.mongoUri,
      MONGODB_DB: layout.db,
      NATS_URL: layout.natsUrl,
      PLATFORM_FILE: layout.platformFile,
      GATEWAY_ISSUER: layout.issuer,
      GATEWAY_JWKS_URL: `${layout.issuer}/.well-known/jwks.json`,
      NODE_ADMIN_TOKEN: layout.nodeToken,
      OUTBOUND_ALLOWLIST: '127.0.0.1:1-65535',
      CONTROL_KEY_FILE: layout.controlKeyFile,
      REQUESTS_PER_SECOND: '5000',
      ...env,
    },
    logFile: join(layout.folder, 'log', `backend-${index + 1}`),
    ready: () => answers(`http://127.0.0.1:${port}/readyz`),
  };
}

async function answers(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${text.slice(0, 300)}`);
}
