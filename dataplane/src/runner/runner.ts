// The runner node: turns events into effects for the tenants placed on its shard, behind each tenant's gate.
import type { Bus } from '../platform/bus.ts';
import { EventWorker } from '../node/event-worker.ts';
import type { Node, Service } from '../node/node.ts';
import type { TenantGate } from '../node/tenant-gate.ts';
import { TenantEffects } from './tenant-effects.ts';

export class Runner implements Service {
  private readonly node: Node;
  private readonly workers = new Map<string, EventWorker>();
  private readonly depth;
  private readonly duration;
  private readonly failures;
  private readonly deadLetters;
  private readonly lag;
  private bus!: Bus;

  constructor(node: Node) {
    this.node = node;
    const { metrics } = node;
    this.depth = metrics.gauge('runner_outbox_depth', 'Effects owed and not yet published', ['tenant_id']);
    this.duration = metrics.histogram('runner_effect_duration_seconds', 'From first attempt to published');
    this.failures = metrics.counter('runner_outbox_dispatch_failures_total', 'Attempts that failed', ['tenant_id']);
    this.deadLetters = metrics.counter('runner_deadletter_total', 'Effects given up', ['tenant_id']);
    this.lag = metrics.gauge('runner_lag_events', 'Events in the log not yet looked at', ['tenant_id']);
  }

  start(bus: Bus): Promise<void> {
    this.bus = bus;
    return Promise.resolve();
  }

  arrive(gate: TenantGate): void {
    if (this.workers.has(gate.tenant)) return;
    const { node, bus } = this;
    const tenant_id = node.metrics.tenant(gate.tenant);
    for (const counter of [this.failures, this.deadLetters]) counter.inc({ tenant_id }, 0);
    const fold = new TenantEffects({
      bus,
      tenant: gate.tenant,
      before: () => node.faults.strike(),
      depth: (entries) => this.depth.set({ tenant_id }, entries),
      published: (seconds) => this.duration.observe(seconds),
      failed: () => this.failures.inc({ tenant_id }),
      deadLettered: () => this.deadLetters.inc({ tenant_id }),
    });
    const lag = (events: number): void => this.lag.set({ tenant_id }, events);
    const worker = new EventWorker({ bus, kind: 'runner', gate, fold, log: node.log, stopsWhenPaused: true, lag });
    this.workers.set(gate.tenant, worker);
  }

  left(tenant: string): void {
    void this.workers.get(tenant)?.stop();
    this.workers.delete(tenant);
    this.depth.remove({ tenant_id: tenant });
    this.lag.remove({ tenant_id: tenant });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.workers.values()].map((worker) => worker.stop()));
  }
}
