/** Requests per second of a tenant, from two readings of the gateways' counters about a second apart. */
import type { Ambient } from '../ambient.ts';
import type { PlacementBook } from '../placement/placement-book.ts';
import type { NodesPort } from '../ports/nodes/index.ts';

export interface Traffic {
  readonly perSecond: number;
  /** Share of the platform's traffic, 0 to 1; null while there is none. */
  readonly share: number | null;
}

export interface TrafficMeter {
  /** Null where no gateway exports the tenant's counter. */
  of(tenantId: string): Promise<Traffic | null>;
}

const COUNTER = 'gateway_tenant_requests_total';
const INTERVAL_MS = 1_000;
/** A preflight's reading is the submission's first one, so that only the preflight waits. */
const KEPT_MS = 60_000;
const KEPT = 1_000;

interface Measured {
  readonly last: Reading;
  readonly traffic: Traffic;
}

interface Reading {
  readonly at: number;
  readonly tenant: number;
  readonly all: number;
}

export function createTrafficMeter(deps: {
  placement: PlacementBook;
  nodes: NodesPort;
  ambient: Ambient;
}): TrafficMeter {
  const { placement, nodes, ambient } = deps;
  const measured = new Map<string, Measured>();

  async function read(tenantId: string): Promise<Reading | null> {
    const gateways = await placement.shards('gateway');
    const counts = await Promise.all(
      gateways.map(async ({ endpoint }) => {
        const node = nodes.at(endpoint);
        return Promise.all([node.metric(COUNTER, { tenant_id: tenantId }), node.metric(COUNTER)]);
      }),
    );
    const sum = (values: (number | null)[]): number => values.reduce<number>((total, value) => total + (value ?? 0), 0);
    if (counts.every(([tenant]) => tenant === null)) return null;
    return { at: ambient.monotonic(), tenant: sum(counts.map(([own]) => own)), all: sum(counts.map(([, all]) => all)) };
  }

  return {
    async of(tenantId) {
      const kept = measured.get(tenantId);
      const age = kept ? ambient.monotonic() - kept.last.at : Infinity;
      if (kept && age < INTERVAL_MS) return kept.traffic;
      const first = kept && age < KEPT_MS ? kept.last : await read(tenantId);
      if (!first) return null;
      if (first !== kept?.last) await ambient.sleep(INTERVAL_MS);
      const last = await read(tenantId);
      if (!last) return null;
      if (measured.size >= KEPT) measured.clear();
      const traffic = between(first, last);
      measured.set(tenantId, { last, traffic });
      return traffic;
    },
  };
}

function between(first: Reading, last: Reading): Traffic {
  const seconds = (last.at - first.at) / 1_000;
  // A gateway that was restarted counts from zero.
  const own = Math.max(0, last.tenant - first.tenant);
  const all = Math.max(0, last.all - first.all);
  return { perSecond: Math.round((own / seconds) * 10) / 10, share: all > 0 ? Math.min(1, own / all) : null };
}
