// The gateway node: HTTP in, token and tenant checked, command or query sent to the shard that the placement names.
import { ambient } from '../platform/ambient.ts';
import type { Bus } from '../platform/bus.ts';
import { TENANT_ID, subjects } from '../platform/names.ts';
import { placementKey } from '../platform/placement.ts';
import { Problem } from '../platform/problem.ts';
import { parseCommand, type CommandResult } from '../platform/wire.ts';
import { only, type Answer, type Request, type Route } from '../node/http-server.ts';
import { guarded } from '../node/admin.ts';
import type { Node, Service } from '../node/node.ts';
import type { TenantGate } from '../node/tenant-gate.ts';
import { Parking } from './parking.ts';
import { routesPage } from './routes-page.ts';
import { TenantRouter } from './tenant-router.ts';
import { mayUse, type Tokens } from './tokens.ts';

/** Per tenant; beyond it 429, so that one noisy tenant cannot take every socket. */
const MAX_IN_FLIGHT = 1000;

export class Gateway implements Service {
  readonly routes: Route[];
  private readonly node: Node;
  private readonly tokens: Tokens;
  private readonly parking: Parking;
  private readonly requests;
  private readonly duration;
  private router: TenantRouter | undefined;

  constructor(node: Node, tokens: Tokens) {
    this.node = node;
    this.tokens = tokens;
    this.parking = new Parking(node.config.parkLimit);
    const { metrics } = node;
    const perTenant: ('tenant_id' | 'status_class')[] = ['tenant_id', 'status_class'];
    this.requests = metrics.counter('gateway_tenant_requests_total', 'Requests by tenant', perTenant);
    this.duration = metrics.histogram('gateway_tenant_request_duration_seconds', 'Time by tenant', ['tenant_id']);
    this.routes = [
      { method: 'GET', path: '/.well-known/jwks.json', handle: () => ({ body: tokens.jwks }) },
      { method: 'POST', path: '/v1/tenants/:tenant/commands', handle: this.forTenant((r, t) => this.command(r, t)) },
      { method: 'GET', path: '/v1/tenants/:tenant/views/:view', handle: this.forTenant((r, t) => this.query(r, t)) },
      { method: 'GET', path: '/admin/routes', handle: guarded(node, (request) => routesPage(node, request)) },
    ];
  }

  async start(bus: Bus): Promise<void> {
    this.router = new TenantRouter(this.node, bus, this.parking);
    bus.nc.subscribe(subjects.gates('*'), { callback: () => this.parking.wakeAll() });
    await this.node.follow(bus, 'iam_revocations', ['>'], this.tokens.revocations).reload();
  }

  arrive(gate: TenantGate): void {
    this.parking.wake(gate.tenant);
  }

  async stop(): Promise<void> {
    for (const gate of this.node.gates.all()) gate.set({ draining: true });
    const idle = async (): Promise<void> => {
      for (const gate of this.node.gates.all()) while (gate.inFlight > 0) await gate.changed();
    };
    await Promise.race([idle(), ambient.sleep(this.node.config.parkMs + 1000)]);
  }

  /** Identity, then tenant, then the gate; counts the request under its tenant whatever the answer. */
  private forTenant(handle: (request: Request, tenant: string) => Promise<Answer>): Route['handle'] {
    return async (request) => {
      const tenant = request.params['tenant'] ?? '';
      const start = ambient.ticks();
      let status = 500;
      try {
        await this.authorise(request, tenant);
        const answer = await this.throughGate(tenant, () => handle(request, tenant));
        status = answer.status ?? 200;
        return answer;
      } catch (err) {
        if (err instanceof Problem) status = err.status;
        throw err;
      } finally {
        this.count(tenant, status, (ambient.ticks() - start) / 1000);
      }
    };
  }

  private async authorise({ headers }: Request, tenant: string): Promise<void> {
    const caller = await this.tokens.caller(headers.authorization);
    if (!TENANT_ID.test(tenant)) throw new Problem('request.invalid', `tenant ids match ${TENANT_ID.source}`);
    const named = headers['x-tenant-id'];
    if (named !== undefined && named !== tenant)
      throw new Problem('tenant.mismatch', 'x-tenant-id names another tenant');
    if (!mayUse(caller, tenant)) throw new Problem('tenant.forbidden', 'the token does not carry this tenant');
  }

  private async throughGate(tenant: string, work: () => Promise<Answer>): Promise<Answer> {
    if (!this.node.gates.get(tenant)) await this.router?.knows('aggregate', tenant);
    const gate = this.node.gates.get(tenant);
    if (!gate) throw new Problem('tenant.unknown', `there is no tenant "${tenant}" here`);
    if (gate.draining) throw new Problem('tenant.draining', `${tenant} is draining on this gateway`);
    if (gate.inFlight >= MAX_IN_FLIGHT) throw new Problem('tenant.busy', `${MAX_IN_FLIGHT} requests are in flight`);
    const leave = gate.enter();
    try {
      await this.node.faults.strike();
      return await work();
    } finally {
      leave();
    }
  }

  private async command({ body }: Request, tenant: string): Promise<Answer> {
    only(body, 'command_id', 'type', 'data');
    const command = parseCommand(body);
    if (!command) throw new Problem('request.invalid', 'a command is {command_id, type, data}');
    const result = await this.ready().ask<CommandResult>('aggregate', tenant, { ...command });
    return { body: { command_id: command.command_id, tenant_id: tenant, ...result } };
  }

  private async query({ params }: Request, tenant: string): Promise<Answer> {
    const view = params['view'] ?? '';
    const model = await this.ready().ask<{ version: number; data: unknown }>('projection', tenant, { view });
    return { body: { tenant_id: tenant, view, version: model.version, data: model.data } };
  }

  private ready(): TenantRouter {
    if (!this.router) throw new Problem('nats.unavailable', 'the gateway is not connected to NATS yet');
    return this.router;
  }

  /** Names nobody placed share one label, so that a client cannot invent series; 429 is a class of its own. */
  private count(tenant: string, status: number, seconds: number): void {
    const { node } = this;
    const known = node.placements.get(placementKey('aggregate', tenant)) !== undefined;
    const tenant_id = known ? node.metrics.tenant(tenant) : 'other';
    const status_class = status === 429 ? '429' : `${Math.floor(status / 100)}xx`;
    this.requests.inc({ tenant_id, status_class });
    this.duration.observe({ tenant_id }, seconds);
  }
}
