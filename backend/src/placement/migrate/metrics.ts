/** What placement counts about itself. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { ServiceKind } from '@cloudlysis/contract';

export interface PlacementMetrics {
  drained(kind: ServiceKind, seconds: number): void;
  /** SCL-11: the alert on drains that do not converge stands on this. */
  overran(kind: ServiceKind): void;
  paused(seconds: number): void;
}

const OVERRUNS = 'cp_drain_overruns_total';
const DRAINS = 'cp_drain_duration_seconds';
const PAUSES = 'cp_migration_write_pause_seconds';

/** One of each for all environments: who is second finds what the first made. */
export function createPlacementMetrics(registry: Registry, environment: string): PlacementMetrics {
  const registers = [registry];
  const known = <M>(name: string): M | undefined => registry.getSingleMetric(name) as M | undefined;
  const overruns =
    known<Counter>(OVERRUNS) ??
    new Counter({
      name: OVERRUNS,
      help: 'Drains that did not converge in their time',
      labelNames: ['environment', 'kind'],
      registers,
    });
  const drains =
    known<Histogram>(DRAINS) ??
    new Histogram({
      name: DRAINS,
      help: 'From the drain request until nothing was in flight',
      labelNames: ['environment', 'kind'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300],
      registers,
    });
  const pauses =
    known<Histogram>(PAUSES) ??
    new Histogram({
      name: PAUSES,
      help: 'Between the last event before a tenant’s move and the first after it, by the stream’s timestamps',
      labelNames: ['environment'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
  // So that the alert's rate() has a zero to start from.
  for (const kind of ['aggregate', 'projection', 'runner', 'gateway']) overruns.inc({ environment, kind }, 0);
  return {
    drained: (kind, seconds) => drains.observe({ environment, kind }, seconds),
    overran: (kind) => overruns.inc({ environment, kind }),
    paused: (seconds) => pauses.observe({ environment }, seconds),
  };
}
