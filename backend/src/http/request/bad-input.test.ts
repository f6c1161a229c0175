import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApi, type TestApi } from '../test-api.fixture.ts';

let api: TestApi;
let token: string;
beforeAll(async () => {
  api = await startTestApi();
  token = await api.token('owner');
});
afterAll(async () => void (await api[Symbol.asyncDispose]()));

const MIGRATE = '/admin/v1/scale/migrations';
const BODY = { tenant_id: 'acme', kind: 'aggregate', to: 'a2', reason: 'full disk' };
const json = { 'content-type': 'application/json' };
const nested = (depth: number) => '{"tenant_id":' + '['.repeat(depth) + ']'.repeat(depth) + '}';

interface Case {
  name: string;
  path?: string;
  method?: string;
  body?: string | Uint8Array;
  headers?: Record<string, string>;
  status: number;
  code: string;
  issue?: string;
}

const post = (name: string, body: string | Uint8Array, status: number, code: string, issue?: string): Case => ({
  name, body, status, code, method: 'POST', path: `${MIGRATE}/preflight`, headers: json, ...(issue ? { issue } : {}),
}); // prettier-ignore
const get = (name: string, path: string, status: number, code: string, issue?: string): Case => ({
  name, path: `/admin/v1${path}`, status, code, ...(issue ? { issue } : {}),
}); // prettier-ignore

const CASES: Case[] = [
  post('an unknown field', JSON.stringify({ ...BODY, extra: 1 }), 422, 'request.invalid', 'body.extra'),
  post('an unknown field of __proto__', '{"__proto__":{"admin":true}}', 400, 'request.malformed'),
  post('an escaped __proto__', '{"\\u005f_proto__":{"admin":true}}', 400, 'request.malformed'),
  post('a wrong type', JSON.stringify({ ...BODY, to: 7 }), 422, 'request.invalid', 'body.to'),
  post('a missing field', JSON.stringify({ tenant_id: 'acme' }), 422, 'request.invalid', 'body.kind'),
  post('an array for an object', '[]', 422, 'request.invalid', 'body'),
  post('an odd id', JSON.stringify({ ...BODY, tenant_id: '../x' }), 422, 'request.invalid', 'body.tenant_id'),
  post('a NATS wildcard in an id', JSON.stringify({ ...BODY, to: 'a.>' }), 422, 'request.invalid', 'body.to'),
  post('a newline at the end of an id', JSON.stringify({ ...BODY, to: 'a1\n' }), 422, 'request.invalid', 'body.to'),
  post('JSON cut off', '{"tenant_id":', 400, 'request.malformed'),
  post('bytes that are not UTF-8', new Uint8Array([123, 34, 0xff, 34, 58, 49, 125]), 400, 'request.malformed'),
  post('33 levels', nested(32), 400, 'request.malformed'),
  post('30 000 levels', nested(30_000), 400, 'request.malformed'),
  post('32 levels', nested(31), 422, 'request.invalid', 'body.tenant_id'),
  post('more than 64 KiB', JSON.stringify({ ...BODY, reason: 'x'.repeat(64 * 1024) }), 413, 'request.too_large'),
  post('more than 1 MiB', JSON.stringify({ ...BODY, reason: 'x'.repeat(1024 * 1024) }), 413, 'request.too_large'),
  {
    ...post('a form', 'tenant_id=acme', 415, 'request.media_type'),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  { ...post('plain text', '{}', 415, 'request.media_type'), headers: { 'content-type': 'text/plain' } },
  {
    ...post('another charset', '{}', 415, 'request.media_type'),
    headers: { 'content-type': 'application/json; charset=utf-16' },
  },
  { ...post('a compressed body', '{}', 415, 'request.media_type'), headers: { ...json, 'content-encoding': 'gzip' } },
  get('an unknown query parameter', '/tenants?x=1', 422, 'request.invalid', 'query.x'),
  get('a limit that is no number', '/tenants?limit=ten', 422, 'request.invalid', 'query.limit'),
  get('a limit above 200', '/tenants?limit=201', 422, 'request.invalid', 'query.limit'),
  get('a parameter twice', '/tenants?limit=1&limit=2', 422, 'request.invalid', 'query.limit'),
  get('a cursor that is too long', `/tenants?cursor=${'a'.repeat(600)}`, 422, 'request.invalid', 'query.cursor'),
  get('a query named __proto__', '/tenants?__proto__=1', 422, 'request.invalid', 'query.__proto__'),
  get('traversal in an id', '/tenants/..%2f..%2fetc', 422, 'request.invalid', 'params.tenant_id'),
  get('a NUL in an id', '/tenants/a%00', 422, 'request.invalid', 'params.tenant_id'),
  get('a broken escape in an id', '/tenants/%zz', 422, 'request.invalid', 'params.tenant_id'),
  get('upper case in an id', '/tenants/ACME', 422, 'request.invalid', 'params.tenant_id'),
  get('64 characters in an id', `/tenants/${'a'.repeat(64)}`, 422, 'request.invalid', 'params.tenant_id'),
  get('an unknown path', '/nothing', 404, 'route.unknown'),
  get('a doubled slash', '//tenants', 404, 'route.unknown'),
  { ...get('a method the path does not take', '/tenants', 405, 'method.not_allowed'), method: 'DELETE' },
  { ...get('a probe by POST', '/me', 405, 'method.not_allowed'), method: 'POST' },
];

describe('API-16 bad input gets its named problem', () => {
  it.each(CASES)('$name: $status $code', async ({ path, method = 'GET', body, headers = {}, status, code, issue }) => {
    const response = await api.fetch(path!, { method, headers, token, ...(body === undefined ? {} : { body }) });
    const problem = (await response.json()) as { issues?: { path: string }[] };
    expect({ ...problem }).toMatchObject({ status, code, type: `/problems/${code}`, instance: expect.any(String) });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch('application/problem+json');
    if (issue) expect(problem.issues!.map(({ path }) => path)).toContain(issue);
    if (status === 405) expect(response.headers.get('allow')).toMatch(/GET/);
    expect(JSON.stringify(problem)).not.toMatch(/node_modules|at .*\.ts:|Bearer/);
  });

  it('a chunked body above 1 MiB is refused before it is read to its end', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${api.url}${MIGRATE}/preflight`, {
        method: 'POST',
        headers: { ...json, authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' },
      });
      sent.on('response', (response) => resolve(response.statusCode)).on('error', reject);
      const chunk = Buffer.alloc(64 * 1024, 'x');
      for (let index = 0; index < 18; index++) sent.write(chunk);
    });
    expect(status).toBe(413);
  });

  it('a header that decides something may stand only once', async () => {
    const repeated = [
      ['Authorization', `Bearer ${token}`, `Bearer ${token}`],
      ['Idempotency-Key', 'a', 'b'],
      ['Plan-Hash', 'a', 'b'],
      ['X-Grafana-Id', 'a', 'b'],
    ];
    for (const [name, ...values] of repeated) {
      const { hostname, port } = new URL(api.url);
      const lines = values.map((value) => `${name}: ${value}\r\n`).join('');
      const socket = connect(Number(port), hostname);
      socket.write(`GET /admin/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}\r\n`);
      const answer = (await socket.toArray()).join('');
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('request.malformed');
    }
  });

  it.each([
    ['no key', {}, 400, 'idempotency.key_missing'],
    ['an empty key', { 'idempotency-key': '' }, 400, 'request.malformed'],
    ['201 characters', { 'idempotency-key': 'k'.repeat(201) }, 400, 'request.malformed'],
    ['a key outside ASCII', { 'idempotency-key': 'é' }, 400, 'request.malformed'],
    [
      'a plan hash that is too long',
      { 'idempotency-key': 'k', 'plan-hash': 'h'.repeat(201) },
      400,
      'request.malformed',
    ],
  ])('API-17 a submit with %s', async (_, headers: Record<string, string>, status, code) => {
    const init = { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(BODY), token };
    const response = await api.fetch(MIGRATE, init);
    expect(await response.json()).toMatchObject({ status, code });
  });
});
