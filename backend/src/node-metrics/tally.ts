/** Pure: what one reading of a node's metrics amounts to, and what two readings say about the time between them. */
import type { ServiceKind } from '@cloudlysis/contract';
import type { MetricSample } from '../ports/nodes/index.ts';

export interface Requests {
  readonly all: number;
  /** Answered with a 5xx status. */
  readonly failed: number;
}

/** One node's metrics, summed: counters as they stand, gauges as they are. */
export interface Tally {
  /** Requests by tenant label; gateways only. */
  readonly tenants: ReadonlyMap<string, Requests>;
  /** Sum of each family over its labels. */
  readonly sums: ReadonlyMap<string, number>;
  /** Largest value of each family. */
  readonly peaks: ReadonlyMap<string, number>;
  /** Upper bound in seconds → commands at or below it; aggregates only. */
  readonly buckets: ReadonlyMap<number, number>;
}

export const REQUESTS = 'gateway_tenant_requests_total';
const COMMAND_SECONDS = 'aggregate_command_duration_seconds_bucket';
/** Tenants beyond a node's bound of labels share this one. */
export const OTHER = 'other';

/** What is asked of a node of each kind: these families and no others. */
export const FAMILIES: Readonly<Record<ServiceKind, readonly string[]>> = {
  gateway: [REQUESTS],
  aggregate: ['aggregate_in_flight_commands', COMMAND_SECONDS],
  projection: ['projection_lag_events', 'projection_processing_errors_total'],
  runner: ['runner_outbox_depth', 'runner_lag_events', 'runner_deadletter_total'],
};

export function tallyOf(samples: readonly MetricSample[]): Tally {
  const tenants = new Map<string, { all: number; failed: number }>();
  const sums = new Map<string, number>();
  const peaks = new Map<string, number>();
  const buckets = new Map<number, number>();
  for (const { name, labels, value } of samples) {
    sums.set(name, (sums.get(name) ?? 0) + value);
    peaks.set(name, Math.max(peaks.get(name) ?? value, value));
    if (name === COMMAND_SECONDS) {
      const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le']);
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    }
    if (name === REQUESTS) {
      const tenant = labels['tenant_id'] ?? OTHER;
      const count = tenants.get(tenant) ?? { all: 0, failed: 0 };
      count.all += value;
      if (labels['status_class'] === '5xx') count.failed += value;
      tenants.set(tenant, count);
    }
  }
  return { tenants, sums, peaks, buckets };
}

/** Growth of a counter. One that fell began anew with its node, as Prometheus reads it, too. */
export const growth = (before: number | undefined, now: number | undefined): number => {
  const grown = (now ?? 0) - (before ?? 0);
  return grown < 0 ? (now ?? 0) : grown;
};

/** The value below which `share` of what was counted between two readings lies, interpolated within its bucket. */
export function quantile(
  before: ReadonlyMap<number, number>,
  now: ReadonlyMap<number, number>,
  share: number,
): number | null {
  const bounds = [...now.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => growth(before.get(bound), now.get(bound)));
  const total = counts.at(-1) ?? 0;
  if (total === 0) return null;
  const wanted = total * share;
  const at = counts.findIndex((count) => count >= wanted);
  const [low, high] = [bounds[at - 1] ?? 0, bounds[at]!];
  if (high === Infinity) return low;
  const below = counts[at - 1] ?? 0;
  const within = counts[at]! - below;
  return low + (high - low) * (within > 0 ? (wanted - below) / within : 1);
}
