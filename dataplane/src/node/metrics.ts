// A node's own Prometheus registry: closed label sets, and a tenant label that cannot grow without bound (OBS-07..10, OBS-12..14).
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { NodeConfig } from './config.ts';

/** The first `limit` tenants keep their label, every later one counts as `other`; a tenant that leaves frees its place. */
export class TenantLabels {
  private readonly limit: number;
  private readonly kept = new Set<string>();
  constructor(limit: number) {
    this.limit = limit;
  }

  of(tenant: string): string {
    if (this.kept.has(tenant)) return tenant;
    if (this.kept.size >= this.limit) return 'other';
    this.kept.add(tenant);
    return tenant;
  }

  forget(tenant: string): void {
    this.kept.delete(tenant);
  }
}

export interface Metrics {
  registry: Registry;
  tenant: (tenant: string) => string;
  forget: (tenant: string) => void;
  counter: <L extends string>(name: string, help: string, labels?: L[]) => Counter<L>;
  gauge: <L extends string>(name: string, help: string, labels?: L[]) => Gauge<L>;
  histogram: <L extends string>(name: string, help: string, labels?: L[]) => Histogram<L>;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(config: NodeConfig): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service: config.service, env: config.env });
  collectDefaultMetrics({ register: registry });
  const labels = new TenantLabels(config.tenantLabels);
  const registers = [registry];
  const metrics: Metrics = {
    registry,
    tenant: (tenant) => labels.of(tenant),
    forget: (tenant) => labels.forget(tenant),
    counter: (name, help, labelNames = []) => new Counter({ name, help, labelNames, registers }),
    gauge: (name, help, labelNames = []) => new Gauge({ name, help, labelNames, registers }),
    histogram: (name, help, labelNames = []) => new Histogram({ name, help, labelNames, buckets: SECONDS, registers }),
  };
  metrics
    .gauge(`${config.service}_build_info`, 'Always 1; the labels say what runs', ['service', 'version', 'git_sha'])
    .set({ service: config.service, version: config.version, git_sha: config.gitSha }, 1);
  return metrics;
}
