// A node's configuration from its environment, checked as a whole before anything starts.
import { KINDS, TENANT_ID, type Kind } from '../platform/names.ts';

export interface NodeConfig {
  service: Kind;
  host: string;
  port: number;
  shard: string;
  natsUrl: string;
  adminToken: string | undefined;
  placementFile: string | undefined;
  gatewayKeyFile: string | undefined;
  gatewayIssuer: string;
  faults: boolean;
  gitSha: string;
  version: string;
  env: string;
  dataDir: string | undefined;
  tenantLabels: number;
  parkMs: number;
  parkLimit: number;
  logLevel: string;
}

export class ConfigError extends Error {}

export function readConfig(service: string | undefined, env: NodeJS.ProcessEnv): NodeConfig {
  const wrong: string[] = [];
  const kind = KINDS.find((k) => k === service);
  if (!kind) wrong.push(`the first argument must be one of ${KINDS.join(', ')}`);
  const whole = (name: string, fallback: number, min: number, max: number): number => {
    const value = env[name] === undefined || env[name] === '' ? fallback : Number(env[name]);
    if (!Number.isInteger(value) || value < min || value > max) wrong.push(`${name} must be a number ${min}..${max}`);
    return value;
  };
  const text = (name: string): string | undefined => env[name] || undefined;

  const shard = text('SHARD_ID') ?? '';
  if (!TENANT_ID.test(shard)) wrong.push(`SHARD_ID must match ${TENANT_ID.source}`);
  const natsUrl = text('NATS_URL') ?? '';
  if (!/^(nats|tls):\/\/\S+$/.test(natsUrl)) wrong.push('NATS_URL must be nats://host:port');
  const source = env['PLACEMENT_SOURCE'] ?? 'kv';
  if (source !== 'kv' && source !== 'static') wrong.push('PLACEMENT_SOURCE must be kv or static');
  if (source === 'static' && !text('PLACEMENT_FILE')) wrong.push('PLACEMENT_SOURCE=static needs PLACEMENT_FILE');
  if (kind === 'gateway' && !text('GATEWAY_KEY_FILE')) wrong.push('the gateway needs GATEWAY_KEY_FILE (a private JWK)');

  const config: NodeConfig = {
    service: kind ?? 'aggregate',
    host: text('HOST') ?? '127.0.0.1',
    port: whole('PORT', 0, 0, 65_535),
    shard,
    natsUrl,
    adminToken: text('NODE_ADMIN_TOKEN'),
    placementFile: source === 'static' ? text('PLACEMENT_FILE') : undefined,
    gatewayKeyFile: text('GATEWAY_KEY_FILE'),
    gatewayIssuer: text('GATEWAY_ISSUER') ?? 'cloudlysis-gateway',
    faults: env['DATAPLANE_FAULTS'] === '1',
    gitSha: text('GIT_SHA') ?? 'unknown',
    version: text('SERVICE_VERSION') ?? '0.1.0',
    env: text('DEPLOY_ENV') ?? 'dev',
    dataDir: text('DATA_DIR'),
    tenantLabels: whole('TENANT_LABELS', 50, 1, 10_000),
    parkMs: whole('PARK_MS', 5000, 0, 60_000),
    parkLimit: whole('PARK_LIMIT', 256, 0, 100_000),
    logLevel: text('LOG_LEVEL') ?? 'info',
  };
  if (wrong.length > 0) throw new ConfigError(wrong.join('; '));
  return config;
}
