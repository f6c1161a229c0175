/** Everything the environment may say, parsed once; all that is wrong is told at once. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { listed, readPlatform, type Platform } from './platform-file.ts';

const Text = z.string().min(1);

const Settings = z.object({
  HOST: Text.default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(4000),
  MODE: z.enum(['development', 'production']).default('production'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Name of this replica, of no other; a restart under the same name takes its own jobs back at once. Host name and port unless told. */
  REPLICA_ID: Text.optional(),
  /** Commit this was built from, for people. */
  GIT_SHA: Text.optional(),
  MONGODB_URI: Text,
  MONGODB_DB: Text.default('cloudlysis_control'),
  /** Of the one environment whose `nats_url` the platform file leaves out. */
  NATS_URL: Text.optional(),
  PLACEMENT_SOURCE: z.enum(['kv', 'static']).default('kv'),
  PLACEMENT_FILE: Text.optional(),
  PLATFORM_FILE: Text.optional(),
  GATEWAY_ISSUER: Text.optional(),
  GATEWAY_JWKS_URL: z.url().optional(),
  GATEWAY_AUDIENCE: Text.default('cloudlysis-control'),
  /** Where the keys of Grafana's ID tokens are read: an address that this service can reach. */
  GRAFANA_URL: z.url().optional(),
  /** `iss` of those tokens: Grafana's `root_url`, where that is another address; GRAFANA_URL unless told. */
  GRAFANA_ISSUER: z.url().optional(),
  GRAFANA_ORG_ID: z.coerce.number().int().default(1),
  /** Role of a user whom only Grafana knows, by org role: `Admin=operator,Viewer=read-only`. */
  GRAFANA_ROLE_MAP: z.string().default(''),
  PLUGIN_BEARER: Text.optional(),
  NODE_ADMIN_TOKEN: Text.optional(),
  /** File with the 32 bytes of the control plane's own secret (docs/control-key.md); required in production. */
  CONTROL_KEY_FILE: Text.optional(),
  /** Where nodes may live: `host:port` or `host:first-last`, comma-separated. Nowhere unless told. */
  OUTBOUND_ALLOWLIST: z.string().default('').superRefine(listed),
  ARCHIVE_COOLING_DAYS: z.coerce.number().min(0).default(30),
  REQUESTS_PER_SECOND: z.coerce.number().positive().default(200),
});

export type Config = z.infer<typeof Settings> & Platform & { readonly version: string };

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** `NAME_FILE` holds the value of `NAME` in a file, as container secrets are mounted. */
function withFiles(env: NodeJS.ProcessEnv): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '') continue;
    const target = name.endsWith('_FILE') && !(name in Settings.shape) ? name.slice(0, -5) : null;
    if (target && target in Settings.shape) values[target] = readFileSync(value, 'utf8').trim();
    else values[name] ??= value;
  }
  return values;
}

/** @throws Error that lists every setting that is missing or wrong. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const settings = Settings.safeParse(withFiles(env));
  if (!settings.success) throw new Error(`Configuration:\n${z.prettifyError(settings.error)}`);
  const platform = readPlatform(settings.data.PLATFORM_FILE, settings.data);
  return { ...settings.data, ...platform, version };
}
