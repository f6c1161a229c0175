/** Nodes for tests: the platform contract over HTTP, true to the boards unless they are told to lie, hang or go away. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServiceKind } from '@cloudlysis/contract';
import type { NatsPort } from '../ports/nats/index.ts';
import type { NodeRoute, NodeState, NodeTenant } from '../ports/nodes/index.ts';

export interface TestNode extends AsyncDisposable {
  readonly shardId: string;
  readonly kind: ServiceKind;
  readonly endpoint: string;
  /** Never answers. */
  hangs: boolean;
  /** Answers 503 to everything. */
  broken: boolean;
  /** Goes on reporting what it read last, until it is told to reload. */
  deaf: boolean;
  /** Does not obey the flag. */
  defies: boolean;
  /** Tenants it drains. */
  readonly drained: Set<string>;
  ready: boolean;
  /** Its dependencies, as it tells of them. */
  dependencies: { name: string; ok: boolean; detail: string }[];
  /** As a gateway: the shard it sends every command to, whatever is published; "nowhere" for a tenant it does not know. */
  misroutes: string | null;
}

export async function startTestNode(nats: NatsPort, kind: ServiceKind, shardId: string): Promise<TestNode> {
  let last: NodeState | undefined;
  const server = createServer((request, response) => {
    void answer(request.method ?? 'GET', request.url ?? '/', response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const node: TestNode = {
    shardId,
    kind,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hangs: false,
    broken: false,
    deaf: false,
    defies: false,
    drained: new Set(),
    ready: true,
    dependencies: [],
    misroutes: null,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function answer(method: string, url: string, response: ServerResponse): Promise<void> {
    if (node.hangs) return;
    const send = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url === '/health/live') return send(200, { live: true, service: kind, shard_id: shardId });
    if (node.broken) return send(503, { code: 'broken' });
    const { ready, dependencies } = node;
    if (url === '/health/ready') return send(ready ? 200 : 503, { ready, dependencies });
    if (url === '/metrics') {
      return void response.end(`gateway_tenant_requests_total{tenant_id="acme"} ${performance.now() / 10}\n`);
    }
    if (method === 'POST') node.deaf = false;
    if (!node.deaf || !last) last = await stateOf(nats, node);
    const asked = new URL(url, 'http://x').searchParams.get('tenant_id');
    if (asked === null) return send(200, { ...last, routes: undefined });
    const { misroutes } = node;
    const isThere = ({ tenant_id }: { tenant_id: string }): boolean => tenant_id === asked && misroutes !== 'nowhere';
    const routes = last.routes
      ?.filter(isThere)
      .map((route) => (misroutes && route.kind === 'aggregate' ? { ...route, shard_id: misroutes } : route));
    send(200, { ...last, tenants: last.tenants.filter(isThere), routes });
  }
  return node;
}

async function stateOf(nats: NatsPort, node: TestNode): Promise<NodeState> {
  const [placements, flags] = await Promise.all([nats.placement.all(), nats.config.all()]);
  const placedKind = node.kind === 'gateway' ? 'aggregate' : node.kind;
  const tenants = placements.flatMap(({ key, value }): NodeTenant[] => {
    const [kind, tenantId] = key.split('.') as [string, string];
    if (kind !== placedKind || (node.kind !== 'gateway' && value.shard !== node.shardId)) return [];
    const flag = flags.find((entry) => entry.key === `tenants.${tenantId}`)?.value;
    const state = node.drained.has(tenantId) ? 'drained' : flag?.paused && !node.defies ? 'paused' : 'serving';
    return [{ tenant_id: tenantId, placement_revision: value.revision, state, in_flight: 2 }];
  });
  return {
    service: node.kind,
    version: '1.0.0',
    git_sha: 'abc',
    shard_id: node.shardId,
    placement_revision: Math.max(0, ...placements.map(({ value }) => value.revision)),
    config_revision: Math.max(0, ...flags.map(({ value }) => value.revision)),
    draining: false,
    tenants,
    ...(node.kind === 'gateway' ? { routes: placements.flatMap(routeOf) } : {}),
  };
}

function routeOf({ key, value }: { key: string; value: { shard: string; revision: number } }): NodeRoute[] {
  const [kind, tenant_id] = key.split('.') as [string, string];
  return kind !== 'aggregate' && kind !== 'projection'
    ? []
    : [{ kind, tenant_id, shard_id: value.shard, revision: value.revision }];
}
