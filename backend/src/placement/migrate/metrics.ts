/** What placement counts about itself. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { ServiceKind } from '@cloudlysis/contract';

export interface PlacementMetrics {
  drained(kind: ServiceKind, seconds: number): void;
  /** SCL-11: the alert on drains that do not converge stands on this. */
  overran(kind: ServiceKind): void;
  paused(seconds: number): void;
}

export function createPlacementMetrics(registry: Registry): PlacementMetrics {
  const registers = [registry];
  const overruns = new Counter({
    name: 'cp_drain_overruns_total',
    help: 'Drains that did not converge in their time',
    labelNames: ['kind'],
    registers,
  });
  const drains = new Histogram({
    name: 'cp_drain_duration_seconds',
    help: 'From the drain request until nothing was in flight',
    labelNames: ['kind'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300],
    registers,
  });
  const pauses = new Histogram({
    name: 'cp_migration_write_pause_seconds',
    help: 'Between the last event before a tenant’s move and the first after it, by the stream’s timestamps',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  // So that the alert's rate() has a zero to start from.
  for (const kind of ['aggregate', 'projection', 'runner', 'gateway']) overruns.inc({ kind }, 0);
  return {
    drained: (kind, seconds) => drains.observe({ kind }, seconds),
    overran: (kind) => overruns.inc({ kind }),
    paused: (seconds) => pauses.observe(seconds),
  };
}
