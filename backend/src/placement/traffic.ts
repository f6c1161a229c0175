/** Requests per second of a tenant, and its share of the platform's, from two readings of the gateways' counters. */
import type { Shard } from '@cloudlysis/contract';
import type { Ambient } from '../ambient.ts';
import type { NodesPort } from '../ports/nodes/index.ts';

export interface Traffic {
  readonly perSecond: number | null;
  /** 0 to 1; null while there is no traffic or it cannot be known. */
  readonly share: number | null;
}

export interface TrafficMeter {
  /** `wait`: a second reading is worth about a second; without it only a reading kept from before is used. */
  of(tenantId: string, wait: boolean): Promise<Traffic>;
}

const COUNTER = 'gateway_tenant_requests_total';
const APART_MS = 1_000;
/** A preflight's reading is the submission's first one, so that only the preflight waits. */
const KEPT_MS = 60_000;
const KEPT = 1_000;
const UNKNOWN: Traffic = { perSecond: null, share: null };

interface Reading {
  readonly at: number;
  readonly tenant: number;
  readonly all: number;
}

export interface TrafficDeps {
  readonly nodes: NodesPort;
  readonly ambient: Ambient;
  gateways(): Promise<Shard[]>;
}

export function createTrafficMeter({ nodes, ambient, gateways }: TrafficDeps): TrafficMeter {
  const kept = new Map<string, Reading>();
  const read = async (tenantId: string): Promise<Reading | null> => {
    const readings = await Promise.all(
      (await gateways()).map(async ({ endpoint }) => {
        const node = nodes.at(endpoint);
        return Promise.all([node.metric(COUNTER, { tenant_id: tenantId }), node.metric(COUNTER)]);
      }),
    ).catch(() => []);
    const known = readings.filter(([, all]) => all !== null);
    if (known.length === 0) return null;
    const sum = (index: 0 | 1): number => known.reduce((total, reading) => total + (reading[index] ?? 0), 0);
    return { at: ambient.monotonic(), tenant: sum(0), all: sum(1) };
  };
  return {
    async of(tenantId, wait) {
      const before = kept.get(tenantId);
      const age = before ? ambient.monotonic() - before.at : Infinity;
      let first: Reading | null | undefined = before && age < KEPT_MS && (age >= APART_MS || wait) ? before : undefined;
      if (!first && !wait) return UNKNOWN;
      first ??= await read(tenantId);
      if (!first) return UNKNOWN;
      if (wait) await ambient.sleep(Math.max(0, APART_MS - (ambient.monotonic() - first.at)));
      const second = await read(tenantId);
      if (!second) return UNKNOWN;
      if (kept.size >= KEPT) kept.clear();
      kept.set(tenantId, second);
      return rate(first, second);
    },
  };
}

/** A counter that fell was restarted with its gateway: the reading then says nothing. */
function rate(first: Reading, second: Reading): Traffic {
  const seconds = (second.at - first.at) / 1_000;
  const own = second.tenant - first.tenant;
  const all = second.all - first.all;
  if (seconds <= 0 || own < 0 || all < 0) return UNKNOWN;
  return { perSecond: Math.round((own / seconds) * 10) / 10, share: all > 0 ? Math.min(1, own / all) : null };
}
