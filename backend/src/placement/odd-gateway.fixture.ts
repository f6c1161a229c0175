// A gateway for tests that answers by the contract and routes where the test says, whatever is published.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Shard } from '@cloudlysis/contract';
import type { NodeRoute } from '../ports/nodes/index.ts';

export interface OddGateway extends AsyncDisposable {
  readonly shard: Shard;
  /** What it says of a tenant; null for a body that is not of the contract, undefined for no route. */
  routes: (tenantId: string) => readonly NodeRoute[] | null;
  /** Reads that it was told to make. */
  reloads: number;
}

export async function startOddGateway(shard_id: string): Promise<OddGateway> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    if (request.method === 'POST') odd.reloads++;
    const routes = odd.routes(url.searchParams.get('tenant_id') ?? '');
    const state = {
      service: 'gateway', version: '1', git_sha: 'x', shard_id, placement_revision: 9, config_revision: 0, draining: false,
      tenants: [], ...(routes ? { routes } : {}),
    }; // prettier-ignore
    const body = url.pathname === '/admin/routes' ? { routes: routes ?? [], next: null } : state;
    const ready = { ready: true, dependencies: [] };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(url.pathname === '/health/ready' ? ready : body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const odd: OddGateway = {
    shard: { shard_id, kind: 'gateway', endpoint, labels: {}, capacity: { tenants: 50 }, region: 'eu' },
    routes: () => [],
    reloads: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  return odd;
}
