import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createClient, EXAMPLES, Problem, type Client } from '../index.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function clientOf(serve: (request: IncomingMessage, response: ServerResponse) => void): Promise<Client> {
  const server = createServer(serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return createClient({ baseUrl, fetch, headers: () => ({ authorization: 'Bearer t' }), pauseMs: 10 });
}
const json = (response: ServerResponse, status: number, body: unknown, type = 'application/json') =>
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));

const TICKET = EXAMPLES['scale.migrate']!.answers![202];
const body = { tenant_id: 'acme', kind: 'aggregate', to: 'a2', reason: 'full disk' } as const;

describe('API-16 the typed client', () => {
  it('fills paths and queries, and leaves out what is undefined', async () => {
    const urls: string[] = [];
    const client = await clientOf((request, response) => {
      urls.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      json(response, 200, { items: [], next_cursor: null });
    });
    await client.read('tenants.list', { query: { limit: 10, search: 'a b&c', state: undefined as never } });
    await client.read('tenants.get', { params: { tenant_id: '../x' } });
    await client.read('identity.me');
    expect(urls).toEqual([
      'GET /admin/v1/tenants?limit=10&search=a+b%26c Bearer t',
      'GET /admin/v1/tenants/..%2Fx Bearer t',
      'GET /admin/v1/me Bearer t',
    ]);
  });

  it('API-17 submits again under the same key when the connection breaks, three times at most', async () => {
    const keys: unknown[] = [];
    let breaks = 2;
    const client = await clientOf((request, response) => {
      keys.push(request.headers['idempotency-key'], request.headers['plan-hash'], request.headers['prefer']);
      if (breaks-- > 0) request.socket.destroy();
      else json(response, 202, TICKET);
    });
    const input = { body, idempotencyKey: 'k1', planHash: 'h1', wait: 2.5 };
    expect(await client.submit('scale.migrate', input)).toEqual({ status: 202, job: TICKET });
    expect(keys).toEqual(['k1', 'h1', 'wait=3', 'k1', 'h1', 'wait=3', 'k1', 'h1', 'wait=3']);
    breaks = 3;
    await expect(client.submit('scale.migrate', input)).rejects.toThrow('fetch failed');
  });

  it('throws the server’s problem with everything it said, and does not try a refusal again', async () => {
    let asked = 0;
    const client = await clientOf((_, response) => {
      asked++;
      const document = new Problem('plan.stale', 'acme has moved', { moved: ['acme'] }).toDocument('req_1');
      json(response, 409, document, 'application/problem+json');
    });
    const error = await client.submit('scale.migrate', { body, idempotencyKey: 'k' }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({
      code: 'plan.stale',
      status: 409,
      message: 'acme has moved',
      extra: { moved: ['acme'], instance: 'req_1' },
    });
    expect(asked).toBe(1);
  });

  it('names the status where something in between answered', async () => {
    const client = await clientOf((_, response) => response.writeHead(502).end('<html>Bad gateway</html>'));
    await expect(client.read('identity.me')).rejects.toMatchObject({ code: 'internal', extra: { http_status: 502 } });
  });
});
