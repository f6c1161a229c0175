// Open-loop load on a gateway: commands leave on schedule whether or not earlier ones were answered, as clients do.
import { Agent, request } from 'node:http';
import { ambient } from '../platform/ambient.ts';
import { seeded, type Random } from './random.ts';
import { Tally, type TenantTally } from './tally.ts';
import { verifyLogs } from './verify-log.ts';

export interface LoadOptions {
  gateway: string;
  nats: string;
  /** Names, or how many of tenant-01, tenant-02 … */
  tenants: string[] | number;
  /** Commands per second over all tenants. */
  rate: number;
  seconds: number;
  seed: number;
  token: string;
  /** This tenant sends half of everything. */
  noisy?: string;
}
export interface LoadResult {
  acknowledged: number;
  declined: number;
  failed: number;
  lost: number;
  duplicated: number;
  gaps: number;
  failures: Record<string, number>;
  per_tenant: Record<string, TenantTally>;
  latency_ms: { p50: number; p99: number; max: number };
  write_pause_ms: Record<string, number>;
}

const ACCOUNTS = 10;
const CLIENT_TIMEOUT_MS = 15_000;

export const tenantNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `tenant-${String(index + 1).padStart(2, '0')}`);

export async function runLoad(options: LoadOptions, signal?: AbortSignal): Promise<LoadResult> {
  const tenants = typeof options.tenants === 'number' ? tenantNames(options.tenants) : options.tenants;
  const random = seeded(options.seed);
  const tally = new Tally(tenants);
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const run = `load-${options.seed}-${ambient.id().slice(0, 8)}`;
  const pending = new Set<Promise<void>>();
  const total = Math.round(options.rate * options.seconds);
  const start = ambient.ticks();
  for (let sent = 0; sent < total && !signal?.aborted; sent++) {
    const due = start + (sent * 1000) / options.rate;
    if (due > ambient.ticks()) await ambient.sleep(due - ambient.ticks(), signal);
    const noisy = options.noisy && random.next() < 0.5 ? options.noisy : undefined;
    const tenant = noisy ?? tenants[random.below(tenants.length)]!;
    const command = { command_id: `${run}-${sent}`, ...nextCommand(random) };
    const one = send(agent, options, tenant, command, tally).finally(() => pending.delete(one));
    pending.add(one);
  }
  await Promise.all(pending);
  agent.destroy();
  return summarise(tally, options.nats);
}

export function nextCommand(random: Random): { type: string; data: Record<string, unknown> } {
  const kind = random.next();
  const amount = 1 + random.below(100);
  const account = `account-${random.below(ACCOUNTS)}`;
  if (kind < 0.6) return { type: 'deposit', data: { account, amount } };
  if (kind < 0.8) return { type: 'withdraw', data: { account, amount } };
  const to = `account-${ACCOUNTS + random.below(ACCOUNTS)}`;
  return { type: 'transfer', data: { from: account, to, amount } };
}

async function send(
  agent: Agent,
  options: LoadOptions,
  tenant: string,
  command: { command_id: string },
  tally: Tally,
): Promise<void> {
  const sentAt = ambient.ticks();
  tally.sent(tenant, sentAt);
  try {
    const { status, body } = await post(agent, options, tenant, command);
    const now = ambient.ticks();
    if (status === 200) tally.acknowledged(tenant, command.command_id, Number(body['version']), sentAt, now);
    else if (status === 422) tally.declined(tenant, sentAt, now);
    else tally.failed(tenant, String(body['code'] ?? status), now);
  } catch (err) {
    tally.failed(tenant, (err as NodeJS.ErrnoException).code ?? (err as Error).message, ambient.ticks());
  }
}

/** node:http rather than fetch: a third of its CPU per request, which on a small machine is part of the latency. */
function post(
  agent: Agent,
  options: LoadOptions,
  tenant: string,
  command: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${options.token}`, 'content-type': 'application/json' };
    const url = new URL(`/v1/tenants/${tenant}/commands`, options.gateway);
    const req = request(url, { method: 'POST', agent, headers, timeout: CLIENT_TIMEOUT_MS }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        try {
          const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
          resolve({ status: res.statusCode ?? 0, body });
        } catch (err) {
          reject(err as Error);
        }
      });
    });
    req.on('timeout', () => req.destroy(new Error('client timeout')));
    req.on('error', reject);
    req.end(JSON.stringify(command));
  });
}

async function summarise(tally: Tally, natsUrl: string): Promise<LoadResult> {
  const { lost, duplicated, gaps } = await verifyLogs(natsUrl, tally.acknowledgedIds);
  const tallies = [...tally.perTenant];
  const sum = (pick: (one: TenantTally) => number): number => tallies.reduce((all, [, one]) => all + pick(one), 0);
  return {
    acknowledged: sum((one) => one.acknowledged),
    declined: sum((one) => one.declined),
    failed: sum((one) => one.failed),
    lost,
    duplicated,
    gaps,
    failures: Object.fromEntries(tally.failures),
    per_tenant: Object.fromEntries(tallies),
    latency_ms: tally.latency(),
    write_pause_ms: Object.fromEntries(tallies.map(([tenant, one]) => [tenant, one.write_pause_ms])),
  };
}
