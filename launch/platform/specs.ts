// How each process of the local platform is run: its environment, when it is ready, how long it may take to stop.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { GrafanaChoice } from '../grafana/grafana-choice.ts';
import type { AppSettings } from '../grafana/grafana-specs.ts';
import { controlKey, gatewayKey, gatewayKeyFile, secrets } from './keys.ts';
import type { ShardPlace } from './platform.ts';
import type { Port, PortName } from '../machine/ports.ts';
import { root, stateDir } from '../machine/programs.ts';
import type { Command } from '../servers/servers.ts';
import type { Spec } from '../supervisor/supervised.ts';

export interface World {
  readonly ports: Record<PortName, Port>;
  readonly places: readonly ShardPlace[];
  readonly mongoUri: string;
  readonly natsUrl: string;
  readonly grafana: GrafanaChoice;
}

// A cold start on two busy cores; when warm each is ready within a second or two.
const readyWithin = 30_000;

export function serverSpec(name: string, { program, args }: Command, ready: () => Promise<void>): Spec {
  return { name, program, args, ready, readyWithin, stopWithin: 10_000 };
}

export async function nodeSpecs(world: World): Promise<Spec[]> {
  await gatewayKey();
  const shared = {
    HOST: '127.0.0.1',
    NATS_URL: world.natsUrl,
    NODE_ADMIN_TOKEN: (await secrets()).node_admin_token,
    GATEWAY_KEY_FILE: gatewayKeyFile,
    GATEWAY_ISSUER: gatewayUrl(world),
    GIT_SHA: gitSha(),
  };
  return world.places.map(({ shard_id, kind, port, endpoint }) => ({
    name: shard_id,
    program: process.execPath,
    args: [join(root, 'dataplane', 'src', 'main.ts'), kind],
    env: { ...shared, PORT: String(port), SHARD_ID: shard_id, DATA_DIR: join(stateDir, 'nodes', shard_id) },
    ready: () => answers(`${endpoint}/health/live`),
    readyWithin,
    stopWithin: 10_000,
  }));
}

/**
 * Keeps the backend small: V8's young generation alone grows to 134 MB under load otherwise (100 000 requests:
 * 370 MB resident without, see bench/RESULTS.md).
 */
export const LEAN = ['--max-semi-space-size=2', '--max-old-space-size=256'];
export const LEAN_ENV = { MALLOC_ARENA_MAX: '2' };

export async function backendSpec(world: World): Promise<Spec> {
  const { plugin_bearer, node_admin_token } = await secrets();
  const gateway = gatewayUrl(world);
  const { port } = world.ports.PORT_BACKEND;
  return {
    name: 'backend',
    program: process.execPath,
    args: [...LEAN, join(root, 'backend', 'src', 'main.ts')],
    env: {
      ...LEAN_ENV,
      HOST: '127.0.0.1',
      PORT: String(port),
      MODE: process.env['MODE'] ?? 'development',
      MONGODB_URI: world.mongoUri,
      MONGODB_DB: process.env['MONGODB_DB'] ?? 'cloudlysis',
      NATS_URL: world.natsUrl,
      PLACEMENT_SOURCE: process.env['PLACEMENT_SOURCE'] ?? 'kv',
      PLATFORM_FILE: join(stateDir, 'platform.json'),
      GATEWAY_ISSUER: gateway,
      GATEWAY_JWKS_URL: `${gateway}/.well-known/jwks.json`,
      GATEWAY_AUDIENCE: 'cloudlysis-control',
      GRAFANA_URL: world.grafana.url,
      GRAFANA_ISSUER: world.grafana.issuer,
      GRAFANA_ROLE_MAP: process.env['GRAFANA_ROLE_MAP'] ?? 'Admin=owner,Editor=operator,Viewer=read-only',
      PLUGIN_BEARER: plugin_bearer,
      NODE_ADMIN_TOKEN: node_admin_token,
      OUTBOUND_ALLOWLIST: nodeAddresses(world),
      CONTROL_KEY_FILE: await controlKey(),
    },
    ready: () => answers(`http://127.0.0.1:${port}/readyz`),
    readyWithin,
    // It drains for at most 10 s.
    stopWithin: 12_000,
  };
}

/** What the app in Grafana is set up with. */
export async function appSettings({ ports }: World): Promise<AppSettings> {
  const { plugin_bearer } = await secrets();
  return { CONTROL_API_URL: `http://127.0.0.1:${ports.PORT_BACKEND.port}`, PLUGIN_BEARER: plugin_bearer };
}

/** The ports of the nodes alone: what else listens here is not sent their token. More can be named. */
const nodeAddresses = ({ places }: World): string =>
  [...places.map(({ port }) => `127.0.0.1:${port}`), process.env['OUTBOUND_ALLOWLIST'] ?? ''].filter(Boolean).join(',');

const gatewayUrl = ({ ports }: World): string => `http://127.0.0.1:${ports.PORT_GATEWAY.port}`;

async function answers(url: string): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  await answer.body?.cancel();
}

function gitSha(): string {
  try {
    return execFileSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], { stdio: 'pipe' }).toString().trim();
  } catch {
    return 'unknown';
  }
}
