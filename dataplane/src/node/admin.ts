// The node endpoints of the platform contract, the same for every kind of node.
import { timingSafeEqual, createHash } from 'node:crypto';
import { ambient } from '../platform/ambient.ts';
import { TENANT_ID } from '../platform/names.ts';
import { placementKey } from '../platform/placement.ts';
import { Problem } from '../platform/problem.ts';
import { only, type Answer, type Request, type Route } from './http-server.ts';
import type { Node } from './node.ts';

type Handle = Route['handle'];

/** Behind the node token, and behind the fault that makes admin endpoints hang. */
export const guarded = (node: Node, handle: Handle): Handle => {
  return async (request) => {
    authorise(node.config.adminToken, request);
    await node.faults.hang();
    return handle(request);
  };
};

export function adminRoutes(node: Node): Route[] {
  const admin = (handle: Handle): Handle => guarded(node, handle);
  return [
    { method: 'GET', path: '/health/live', handle: () => ({ body: live(node) }) },
    { method: 'GET', path: '/health/ready', handle: () => ready(node) },
    { method: 'GET', path: '/metrics', handle: () => metrics(node) },
    { method: 'GET', path: '/admin/state', handle: admin(({ query }) => ({ body: state(node, asked(query)) })) },
    { method: 'GET', path: '/admin/drain', handle: admin(() => ({ body: drainState(node) })) },
    { method: 'POST', path: '/admin/drain', handle: admin((request) => drain(node, request)) },
    { method: 'POST', path: '/admin/resume', handle: admin((request) => resume(node, request)) },
    { method: 'POST', path: '/admin/reload', handle: admin((request) => reload(node, request)) },
    ...(node.config.faults ? faultRoutes(node) : []),
  ];
}

function faultRoutes(node: Node): Route[] {
  const path = '/admin/faults';
  const guard = (request: Request): void => authorise(node.config.adminToken, request);
  return [
    { method: 'GET', path, handle: (request) => (guard(request), { body: node.faults.settings }) },
    { method: 'POST', path, handle: (request) => (guard(request), { body: node.faults.merge(request.body) }) },
  ];
}

function authorise(token: string | undefined, request: Request): void {
  if (!token) return;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (!timingSafeEqual(digest(given), digest(token))) {
    throw new Problem('auth.required', 'admin endpoints need the node token as a bearer');
  }
}

/** Says who it is to whoever asks: the control plane sends its token to no other. */
const live = ({ config: { service, shard } }: Node): unknown => ({ live: true, service, shard_id: shard });

async function ready(node: Node): Promise<Answer> {
  const body = await node.ready();
  return { status: body.ready ? 200 : 503, body };
}

async function metrics(node: Node): Promise<Answer> {
  node.measureFollowers();
  const text = await node.metrics.registry.metrics();
  return { text, headers: { 'content-type': node.metrics.registry.contentType } };
}

/** The one tenant that is asked for: on a node of 10 000 the whole state is more than a megabyte. */
function asked(query: URLSearchParams): string | undefined {
  const unknown = [...query.keys()].find((name) => name !== 'tenant_id');
  if (unknown !== undefined) throw new Problem('request.invalid', `unknown parameter "${unknown.slice(0, 64)}"`);
  const tenant = query.get('tenant_id') ?? undefined;
  if (tenant !== undefined && !TENANT_ID.test(tenant)) throw new Problem('request.invalid', 'bad tenant_id');
  return tenant;
}

function state(node: Node, tenant?: string): unknown {
  const { service, version, gitSha, shard } = node.config;
  const gates = node.gates.all().filter((gate) => tenant === undefined || gate.tenant === tenant);
  return {
    service,
    version,
    git_sha: gitSha,
    shard_id: shard,
    placement_revision: node.placements.revision,
    config_revision: node.flags.revision,
    draining: node.gates.nodeDraining,
    now: new Date(ambient.now() + node.faults.settings.clock_ms).toISOString(),
    followers: node.followerStates(),
    tenants: gates.map((gate) => ({
      ...gate.report(node.faults.settings.in_flight),
      placement_revision: node.placements.get(placementKey(node.placedKind, gate.tenant))?.revision ?? 0,
    })),
    ...(service === 'gateway' && tenant !== undefined ? { routes: routesOf(node, tenant) } : {}),
  };
}

/** What decides where the tenant's next command and query go. */
function routesOf(node: Node, tenant: string): unknown {
  return (['aggregate', 'projection'] as const).flatMap((kind) => {
    const at = node.placements.get(placementKey(kind, tenant));
    return at ? [{ kind, tenant_id: tenant, shard_id: at.shard, revision: at.revision }] : [];
  });
}

function drainState(node: Node, tenant?: string): unknown {
  const gates = node.gates.all().filter((gate) => tenant === undefined || gate.tenant === tenant);
  return {
    draining: node.gates.nodeDraining,
    tenants: gates.map((gate) => gate.report(node.faults.settings.in_flight)),
  };
}

function drain(node: Node, { body }: Request): Answer {
  const tenant = tenantHere(node, body);
  if (node.faults.settings.refuse_drain) throw new Problem('drain.refused', 'this node refuses to drain');
  node.gates.drain(tenant);
  for (const gate of node.gates.all()) if (gate.draining) node.service.draining?.(gate);
  node.log.info({ tenant_id: tenant ?? '*' }, 'draining');
  return { status: 202, body: drainState(node, tenant) };
}

function resume(node: Node, { body }: Request): Answer {
  const tenant = tenantHere(node, body);
  node.gates.resume(tenant);
  node.announce();
  node.log.info({ tenant_id: tenant ?? '*' }, 'resumed');
  return { body: drainState(node, tenant) };
}

/** `lost=kept`: what a bucket that was lost and made anew does not have is kept; otherwise the bucket is taken as it is. */
async function reload(node: Node, { body, query }: Request): Promise<Answer> {
  only(body);
  const lost = query.get('lost');
  if (lost !== null && lost !== 'kept') throw new Problem('request.invalid', '"lost" is "kept" or absent');
  await (lost === null ? node.reload() : node.heal());
  return { body: state(node) };
}

/** No tenant_id means the whole node; one that is not here is refused, since "drained" would be a dangerous answer. */
function tenantHere(node: Node, body: Record<string, unknown>): string | undefined {
  only(body, 'tenant_id');
  const tenant = body['tenant_id'];
  if (tenant === undefined) return undefined;
  if (typeof tenant !== 'string' || !TENANT_ID.test(tenant)) throw new Problem('request.invalid', 'bad tenant_id');
  if (!node.gates.get(tenant)) throw new Problem('tenant.unknown', `${tenant} is not placed on ${node.config.shard}`);
  return tenant;
}
