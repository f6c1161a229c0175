// The projection node: keeps the read models of the tenants placed on its shard and answers queries from them.
import type { Msg } from '@nats-io/transport-node';
import type { Bus } from '../platform/bus.ts';
import { TENANT_ID, subjects } from '../platform/names.ts';
import { placementKey } from '../platform/placement.ts';
import { Problem } from '../platform/problem.ts';
import { lastToken, readJson, refuse, type Reply } from '../platform/wire.ts';
import { guarded } from '../node/admin.ts';
import { EventWorker } from '../node/event-worker.ts';
import { only, type Answer, type Request, type Route } from '../node/http-server.ts';
import type { Node, Service } from '../node/node.ts';
import type { TenantGate } from '../node/tenant-gate.ts';
import { Rebuilds } from './rebuilds.ts';
import { TenantModels } from './tenant-models.ts';
import { VIEW_NAMES, isView, type ReadModel, type ViewName } from './views.ts';

interface Tenant {
  models: TenantModels;
  worker: EventWorker;
}

export class Projection implements Service {
  readonly routes: Route[];
  private readonly node: Node;
  private readonly tenants = new Map<string, Tenant>();
  private readonly rebuilds = new Rebuilds();
  private readonly errors;
  private readonly processed;
  private readonly lag;
  private readonly duration;
  private bus!: Bus;

  constructor(node: Node) {
    this.node = node;
    const { metrics } = node;
    const labels: ('tenant_id' | 'view_type')[] = ['tenant_id', 'view_type'];
    this.errors = metrics.counter('projection_processing_errors_total', 'Events that failed and were retried', labels);
    this.processed = metrics.counter('projection_events_processed_total', 'Events folded', labels);
    this.lag = metrics.gauge('projection_lag_events', 'Events in the log not yet in the read model', ['tenant_id']);
    this.duration = metrics.histogram('projection_query_duration_seconds', 'Time to answer a query', ['view_type']);
    this.routes = [
      { method: 'POST', path: '/admin/rebuild', handle: guarded(node, (request) => this.requestRebuild(request)) },
      { method: 'GET', path: '/admin/rebuild/:id', handle: guarded(node, (request) => this.showRebuild(request)) },
    ];
  }

  start(bus: Bus): Promise<void> {
    this.bus = bus;
    const { shard } = this.node.config;
    bus.nc.subscribe(subjects.queries(shard, '*'), { queue: shard, callback: (_err, msg) => void this.receive(msg) });
    return Promise.resolve();
  }

  arrive(gate: TenantGate): void {
    if (this.tenants.has(gate.tenant)) return;
    const { node, bus } = this;
    const tenant_id = node.metrics.tenant(gate.tenant);
    for (const view_type of VIEW_NAMES) this.errors.inc({ tenant_id, view_type }, 0); // quiet reads 0, not nothing
    const models = new TenantModels({
      bus,
      tenant: gate.tenant,
      before: (view_type) =>
        node.faults.strike().catch((err: unknown) => {
          this.errors.inc({ tenant_id, view_type });
          throw err;
        }),
      processed: (view_type) => this.processed.inc({ tenant_id, view_type }),
    });
    const lag = (events: number): void => this.lag.set({ tenant_id }, events);
    const common = { bus, gate, log: node.log, lag };
    const worker = new EventWorker({ ...common, kind: 'projection', fold: models, stopsWhenPaused: false });
    this.tenants.set(gate.tenant, { models, worker });
  }

  left(tenant: string): void {
    void this.tenants.get(tenant)?.worker.stop();
    this.tenants.delete(tenant);
    this.lag.remove({ tenant_id: tenant });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.tenants.values()].map(({ worker }) => worker.stop()));
  }

  private async receive(msg: Msg): Promise<void> {
    const reply = await this.answer(lastToken(msg.subject), readJson(msg)).catch((err: unknown) =>
      refuse('tenant.unavailable', (err as Error).message),
    );
    msg.respond(JSON.stringify(reply));
  }

  /** Draining stops the fold, not the reads: what was projected stays true. */
  private async answer(tenant: string, body: Record<string, unknown>): Promise<Reply<ReadModel>> {
    const view = body['view'];
    if (!TENANT_ID.test(tenant) || !isView(view)) return refuse('view.unknown', 'no such view');
    const known = this.node.placements.get(placementKey('projection', tenant))?.revision ?? 0;
    if (Number(body['placement_revision'] ?? 0) > known) await this.node.catchUp(tenant);
    const found = this.tenants.get(tenant);
    if (!found) return refuse('tenant.moved', `${tenant} is not projected on ${this.node.config.shard}`);
    return { ok: true, result: await this.timed(view, () => found.models.read(view)) };
  }

  private async timed<T>(view_type: ViewName, work: () => Promise<T>): Promise<T> {
    const stop = this.duration.startTimer({ view_type });
    return work().finally(stop);
  }

  private requestRebuild({ body }: Request): Answer {
    only(body, 'tenant_id');
    const tenant = body['tenant_id'];
    if (typeof tenant !== 'string' || !TENANT_ID.test(tenant)) throw new Problem('request.invalid', 'bad tenant_id');
    const found = this.tenants.get(tenant);
    if (!found) throw new Problem('tenant.unknown', `${tenant} is not projected on ${this.node.config.shard}`);
    const { rebuild, isNew } = this.rebuilds.request(tenant);
    if (isNew) found.worker.interleave(() => this.rebuilds.run(rebuild, (progress) => found.models.rebuild(progress)));
    return { status: 202, body: { rebuild_id: rebuild.rebuild_id } };
  }

  private showRebuild({ params }: Request): Answer {
    return { body: this.rebuilds.get(params['id'] ?? '') };
  }
}
