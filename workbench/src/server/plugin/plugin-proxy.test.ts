import { once } from 'node:events';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { ID, ISSUER, runBackend, runHost } from '../running-host.fixture.ts';

const API = { path: 'api/*', url: '{{ .JsonData.apiUrl }}/v1' };

it('MIS-04: what reaches the backend is the request, the route’s bearer and nothing of the browser’s', async () => {
  let seen: { method: string; url: string; headers: IncomingHttpHeaders; body: string } | undefined;
  await using backend = await runBackend(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    response.writeHead(201, { 'x-own': 'kept', 'set-cookie': 'grafana_session=stolen' }).end('{"ok":true}');
  });
  const headers = [{ name: 'Authorization', content: 'Bearer {{ .SecureJsonData.apiToken }}' }];
  await using host = await runHost({ routes: [{ ...API, headers }], jsonData: { apiUrl: backend.url } });
  const answer = await fetch(`${host.proxy}/api/tenants/a%2Fb?limit=3`, {
    method: 'POST',
    body: '{"a":1}',
    headers: {
      ...host.as('editor'),
      'idempotency-key': 'k1',
      cookie: 'grafana_session=x',
      origin: 'http://evil.test',
      referer: 'http://127.0.0.1/a/some-app',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-for': '6.6.6.6',
      'x-grafana-user': 'admin',
      'x-grafana-id': 'forged',
      'x-grafana-device-id': 'forged',
    },
  });
  expect([answer.status, await answer.json()]).toEqual([201, { ok: true }]);
  expect(answer.headers.get('x-own')).toBe('kept');
  expect(answer.headers.get('set-cookie')).toBeNull();
  expect(seen).toMatchObject({ method: 'POST', url: '/v1/tenants/a%2Fb?limit=3', body: '{"a":1}' });
  const got = seen?.headers ?? {};
  expect(got).toMatchObject({
    host: new URL(backend.url).host,
    authorization: 'Bearer s3cret',
    'idempotency-key': 'k1',
    'x-forwarded-for': '127.0.0.1',
    'x-grafana-referer': 'http://127.0.0.1/a/some-app',
  });
  const dropped = ['cookie', 'origin', 'referer', 'x-forwarded-host', 'x-grafana-user', 'x-grafana-device-id'];
  expect(Object.keys(got).filter((name) => dropped.includes(name))).toEqual([]);
  expect(JSON.parse(String(got['x-grafana-context']))).toMatchObject({ Login: 'editor', OrgRole: 'Editor', OrgID: 1 });
});

it('MIS-04: the identity token verifies against the published keys and says who asks, for ten minutes', async () => {
  let token = '';
  await using backend = await runBackend((request, response) => {
    token = String(request.headers['x-grafana-id']);
    response.end();
  });
  await using host = await runHost({ routes: [API], jsonData: { apiUrl: backend.url } });
  await fetch(`${host.proxy}/api/me`, { headers: host.as('viewer') });
  const keys = createRemoteJWKSet(new URL(`${host.url}/api/signing-keys/keys`));
  const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: ISSUER, audience: 'org:1' });
  expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: expect.stringMatching(/^id-\d{4}-\d\d-es256$/) });
  expect(payload).toMatchObject({
    sub: 'user:3',
    type: 'user',
    username: 'viewer',
    email: 'viewer@localhost',
    role: 'Viewer',
    namespace: 'default',
    authenticatedBy: 'password',
  });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600);
  const published = await (await fetch(`${host.url}/api/signing-keys/keys`)).json();
  expect(published).toEqual({ keys: [expect.not.objectContaining({ d: expect.anything() })] });
});

it('a backend that is down is a 502 without a body', async () => {
  await using host = await runHost({ routes: [API], jsonData: { apiUrl: 'http://127.0.0.1:1' } });
  const answer = await fetch(`${host.proxy}/api/x`, { headers: host.as('viewer') });
  expect([answer.status, await answer.text()]).toEqual([502, '']);
});

it('a backend that dies in the middle of its answer cuts the caller’s', async () => {
  await using backend = await runBackend((_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half');
    setTimeout(() => response.destroy(), 20);
  });
  await using host = await runHost({ routes: [API], jsonData: { apiUrl: backend.url } });
  const answer = await fetch(`${host.proxy}/api/x`, { headers: host.as('viewer') });
  await expect(answer.text()).rejects.toThrow();
});

it('a connection that the backend closed while idle costs a reader nothing and a writer a 502', async () => {
  const used = new WeakSet<object>();
  await using backend = await runBackend((request, response) => {
    if (used.has(request.socket)) return void request.socket.destroy();
    used.add(request.socket);
    response.end('fresh');
  });
  await using host = await runHost({ routes: [API], jsonData: { apiUrl: backend.url } });
  const ask = async (method: string) => {
    const answer = await fetch(`${host.proxy}/api/x`, { method, headers: host.as('viewer') });
    return [answer.status, await answer.text()];
  };
  expect(await ask('GET')).toEqual([200, 'fresh']);
  expect(await ask('GET')).toEqual([200, 'fresh']);
  expect(await ask('POST')).toEqual([502, '']);
});

it('an event stream passes event by event, and the backend sees the reader leave at once', async () => {
  let stream: ServerResponse | undefined;
  await using backend = await runBackend((_request, response) => {
    stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
    stream.flushHeaders();
  });
  await using host = await runHost({ routes: [API], jsonData: { apiUrl: backend.url } });
  const leave = new AbortController();
  const answer = await fetch(`${host.proxy}/api/events`, { headers: host.as('viewer'), signal: leave.signal });
  // Open before the first event was sent.
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const reader = answer.body?.getReader();
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    stream?.write(event);
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(event);
  }
  const left = performance.now();
  leave.abort();
  await once(stream as ServerResponse, 'close');
  expect(performance.now() - left).toBeLessThan(1_000);
});

it('without a sign-in, a fitting route or an enabled app nothing is forwarded', async () => {
  let calls = 0;
  await using backend = await runBackend((_request, response) => {
    calls += 1;
    response.end();
  });
  const routes = [{ path: 'only', url: backend.url, reqRole: 'Editor' }];
  await using host = await runHost({ routes });
  await using off = await runHost({ routes, enabled: false });
  const ask = async (url: string, headers = {}) => {
    const answer = await fetch(url, { headers });
    return [answer.status, ((await answer.json()) as { message: string }).message];
  };
  expect(await ask(`${host.proxy}/only`)).toEqual([401, 'Unauthorized']);
  expect(await ask(`${host.proxy}/only`, host.as('viewer'))).toEqual([403, 'plugin proxy route access denied']);
  expect(await ask(`${host.proxy}/only/below`, host.as('admin'))).toEqual([404, 'plugin route match not found']);
  expect(await ask(host.proxy.replace(ID, 'other-app'), host.as('admin'))).toEqual([
    404,
    'plugin route match not found',
  ]);
  expect(await ask(`${off.proxy}/only`, off.as('admin'))).toEqual([404, 'plugin route match not found']);
  expect(calls).toBe(0);
});
