// What no client of ours would send, over the real service: a named problem, at once, without stack or secret, and on record if refused.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProblemDocument, PROBLEMS, reads, Timestamp, type Operation, type ProblemCode } from '@cloudlysis/contract';
import { root } from '../launch/machine/programs.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { stopwatch } from '../testing/stopwatch.ts';

let stack: Stack;
let secrets: string[];
beforeAll(async () => {
  stack = await startStack({ tenants: ['acme', 'globex'] });
  const key = JSON.parse(readFileSync(stack.layout.keyFile, 'utf8')) as { d: string };
  secrets = [stack.layout.nodeToken, key.d, stack.bearer('owner'), stack.layout.mongoUri, root];
});
afterAll(() => stack?.stop());

const API = '/admin/v1';
const MOVE = { tenant_id: 'acme', kind: 'aggregate', to: 'a2', reason: 'bad input' };
const JOB = `job_${randomUUID()}`;
const nested = (depth: number): string => `{"tenant_id":${'['.repeat(depth)}${']'.repeat(depth)}}`;
const AT_MOST_MS = 3_000;

interface Bad {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly raw?: string;
  readonly headers?: Record<string, string>;
  readonly token?: string | null;
}

async function send(bad: Bad) {
  const body = bad.raw ?? (bad.body === undefined ? undefined : JSON.stringify(bad.body));
  const token = bad.token === undefined ? stack.bearer('owner') : bad.token;
  const began = stopwatch();
  const response = await fetch(stack.url() + bad.path, {
    method: bad.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
      ...bad.headers,
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(20_000),
  });
  return { response, text: await response.text(), ms: began() };
}

/** Problem document, in time, of the catalogue, and nothing in it that is not for the client. */
async function expectProblem(bad: Bad, code: ProblemCode): Promise<ProblemDocument> {
  const { response, text, ms } = await send(bad);
  const problem = ProblemDocument.parse(JSON.parse(text));
  expect([problem.code, response.status]).toEqual([code, PROBLEMS[code].status]);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(problem.instance).toBe(response.headers.get('x-request-id'));
  expect(ms).toBeLessThan(AT_MOST_MS);
  expect(text).not.toMatch(/\bat .+:\d+:\d+|node_modules|MongoServerError|NatsError|stack"/);
  for (const secret of secrets) expect(text).not.toContain(secret);
  return problem;
}

const migrate = (body: unknown): Bad => ({ path: `${API}/scale/migrations`, body });
const raw = (text: string, headers: Record<string, string> = {}): Bad => ({
  path: `${API}/scale/migrations`, raw: text, headers,
}); // prettier-ignore

const CASES: [string, Bad, ProblemCode][] = [
  ['an unknown field', migrate({ ...MOVE, colour: 'red' }), 'request.invalid'],
  ['a wrong type', migrate({ ...MOVE, to: 7 }), 'request.invalid'],
  ['a missing reason', migrate({ ...MOVE, reason: undefined }), 'request.invalid'],
  ['a reason of blanks', migrate({ ...MOVE, reason: '      ' }), 'request.invalid'],
  ['a number out of range', migrate({ ...MOVE, drain_timeout_s: 1e9 }), 'request.invalid'],
  ['a list for an object', migrate([MOVE]), 'request.invalid'],
  ['null', migrate(null), 'request.invalid'],
  ['upper case and dots in a tenant id', migrate({ ...MOVE, tenant_id: 'Acme.>' }), 'request.invalid'],
  ['a NATS wildcard as tenant id', migrate({ ...MOVE, tenant_id: '*' }), 'request.invalid'],
  ['a tenant id of 64 characters', migrate({ ...MOVE, tenant_id: 'a'.repeat(64) }), 'request.invalid'],
  ['a query operator as tenant id', migrate({ ...MOVE, tenant_id: { $ne: null } }), 'request.invalid'],
  ['a NUL in a tenant id', migrate({ ...MOVE, tenant_id: 'ac\u0000me' }), 'request.invalid'],
  ['not JSON', raw('{"tenant_id": '), 'request.malformed'],
  ['not UTF-8 in JSON', raw('\ufffe{}'), 'request.malformed'],
  ['JSON 1 000 levels deep', raw(nested(1_000)), 'request.malformed'],
  ['JSON 30 000 levels deep', raw(nested(30_000)), 'request.malformed'],
  ['a body over 64 KiB', raw(JSON.stringify({ ...MOVE, reason: 'x'.repeat(70_000) })), 'request.too_large'],
  ['a prototype', raw('{"__proto__":{"admin":true}}'), 'request.malformed'],
  ['a body over 1 MiB', raw(JSON.stringify({ ...MOVE, reason: 'x'.repeat(1_100_000) })), 'request.too_large'],
  ['a form', raw('tenant_id=acme', { 'content-type': 'application/x-www-form-urlencoded' }), 'request.media_type'],
  ['an unknown tenant', migrate({ ...MOVE, tenant_id: 'nobody' }), 'plan.required'],
  ['an unknown tenant in a preflight', { path: `${API}/scale/migrations/preflight`, body: { ...MOVE, tenant_id: 'nobody' } }, 'tenant.unknown'],
  ['an unknown shard', { path: `${API}/scale/migrations/preflight`, body: { ...MOVE, to: 'a9' } }, 'shard.unknown'],
  ['a shard of another kind', { path: `${API}/scale/migrations/preflight`, body: { ...MOVE, to: 'p1' } }, 'shard.kind_mismatch'],
  ['a host off the allowlist', { method: 'POST', path: `${API}/scale/shards/x1/preflight`, body: { kind: 'runner', endpoint: 'http://169.254.169.254/', labels: {}, capacity: { tenants: 1 }, region: 'x', reason: 'bad input' } }, 'node.forbidden_host'],
  ['an unknown tenant in the path', { path: `${API}/tenants/nobody` }, 'tenant.unknown'],
  ['odd characters in the path', { path: `${API}/tenants/..%2f..%2fetc%2fpasswd` }, 'request.invalid'],
  ['a wildcard in the path', { path: `${API}/tenants/%3E` }, 'request.invalid'],
  ['a broken escape in the path', { path: `${API}/tenants/%zz` }, 'request.invalid'],
  ['an unknown job', { path: `${API}/jobs/${JOB}` }, 'job.unknown'],
  ['an unknown record', { path: `${API}/audit/records/aud_${randomUUID()}` }, 'record.unknown'],
  ['an unknown field in the query', { path: `${API}/tenants?limt=5` }, 'request.invalid'],
  ['a limit of 0', { path: `${API}/tenants?limit=0` }, 'request.invalid'],
  ['a limit of 201', { path: `${API}/jobs?limit=201` }, 'request.invalid'],
  ['a cursor of garbage: tenants', { path: `${API}/tenants?cursor=garbage` }, 'cursor.invalid'],
  ['a cursor of garbage: jobs', { path: `${API}/jobs?cursor=e30` }, 'cursor.invalid'],
  ['a cursor of garbage: audit', { path: `${API}/audit/records?cursor=AAAA` }, 'cursor.invalid'],
  ['a cursor with U+0000, by the rule for all text', { path: `${API}/audit/records?cursor=%00` }, 'request.invalid'],
  ['a cursor of garbage: placements', { path: `${API}/scale/placements?cursor=WyJ4Il0` }, 'cursor.invalid'],
  ['a cursor of garbage: shards', { path: `${API}/scale/shards?cursor=!!` }, 'cursor.invalid'],
  ['a date that is none', { path: `${API}/audit/records?from=yesterday` }, 'request.invalid'],
  ['no such operation', { path: `${API}/tenantz` }, 'route.unknown'],
  ['a method it does not take', { method: 'DELETE', path: `${API}/tenants/acme` }, 'method.not_allowed'],
  ['no idempotency key', { ...migrate(MOVE), headers: { 'idempotency-key': '' } }, 'request.malformed'],
  ['no token', { path: `${API}/tenants`, token: null }, 'token.missing'],
  ['half a token', { path: `${API}/tenants`, token: 'eyJhbGciOiJub25lIn0.e30.' }, 'token.invalid'],
]; // prettier-ignore

describe('bad input, over the real service', () => {
  // Before the others: of refusals that repeat, the first alone has a record of its own.
  it('AUD-01 what was refused (401, 403, 409, 423) is on record by its request, what was not understood is not', async () => {
    const owner = stack.as('owner');
    const body = { reason: 'bad input' };
    const recordsOf = async ({ instance }: ProblemDocument) =>
      (await owner.read('audit.records.list', { query: { request_id: instance! } })).items;
    const unauthorised = await expectProblem({ path: `${API}/jobs`, token: null }, 'token.missing');
    const viewer = stack.bearer('read-only');
    const forbidden = await expectProblem(
      { path: `${API}/tenants/acme/pause`, body, token: viewer },
      'permission.missing',
    );
    const twice = { tenant_id: 'acme', metadata: { name: 'Acme' }, ...body };
    const conflict = await expectProblem({ path: `${API}/tenants`, body: twice }, 'tenant.exists');
    for (const [problem, actor] of [
      [unauthorised, 'anonymous'],
      [forbidden, 'user:read-only@b.test'],
      [conflict, 'user:owner@b.test'],
    ] as const)
      expect(await recordsOf(problem)).toMatchObject([{ actor, outcome: 'refused', problem: problem.code }]);
    // The same again is counted, and told of at the end of its window.
    expect(await recordsOf(await expectProblem({ path: `${API}/jobs`, token: null }, 'token.missing'))).toEqual([]);
    expect(await recordsOf(await expectProblem(migrate(7), 'request.invalid'))).toEqual([]);
  });

  it.each(CASES)('NFR-04 %s', async (_name, bad, code) => {
    const before = await stack.db.collection('jobs').countDocuments();
    await expectProblem(bad, code);
    expect(await stack.db.collection('jobs').countDocuments()).toBe(before);
  });

  it('NFR-01 a token that has expired, of another audience, or signed by nobody we know is refused', async () => {
    const path = `${API}/me`;
    const expired = await stack.token({ email: 'late@b.test', role: 'owner', minutes: -5 });
    await expectProblem({ path, token: expired }, 'token.expired');
    const elsewhere = await stack.token({ email: 'x@b.test', role: 'owner', audience: 'cloudlysis-gateway' });
    await expectProblem({ path, token: elsewhere }, 'token.invalid');
    const [head, , signature] = stack.bearer('read-only').split('.');
    const claims = Buffer.from(JSON.stringify({ email: 'x@b.test', role: 'owner', exp: 4e9 })).toString('base64url');
    await expectProblem({ path, token: `${head}.${claims}.${signature}` }, 'token.invalid');
  });
});

describe('API-16 the contract it serves', () => {
  it('is the committed one, byte for byte in meaning', async () => {
    const { response, text } = await send({ path: `${API}/openapi.json`, token: null });
    expect(response.status).toBe(200);
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(join(root, 'docs', 'openapi.json'), 'utf8')));
  });
});

describe('a time in a query', () => {
  const isTime = (schema: unknown): boolean =>
    (schema as { def?: { innerType?: unknown } }).def?.innerType === Timestamp;
  const places = (Object.values(reads) as Operation[]).flatMap(({ path, query }) =>
    Object.entries(query.shape).flatMap(([name, schema]) => (isTime(schema) ? [[path, name] as const] : [])),
  );
  const SERVED = ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999999999Z', '2024-02-29T00:00:00Z']; // prettier-ignore
  const REFUSED = ['2026-06-30T23:59:60Z', '2026-01-01T00:00:00+25:00', '2026-01-01T00:00:00+01:00', '10000-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', '2025-02-29T00:00:00Z', '2026-01-01', 'NaN', '0', '']; // prettier-ignore

  it.each(places)(
    'API-16 %s %s is served or refused, from the year 0 to the last, and is never an outage',
    async (path, name) => {
      for (const text of SERVED) {
        const { response, text: body } = await send({ path: `${API}${path}?${name}=${encodeURIComponent(text)}` });
        expect([text, response.status]).toEqual([text, 200]);
        const isEmpty = name === 'to' && Date.parse(text) <= 0;
        if (isEmpty && response.headers.get('content-type')!.includes('json;'))
          expect(JSON.parse(body)).toMatchObject({ items: [] });
      }
      for (const text of REFUSED)
        await expectProblem({ path: `${API}${path}?${name}=${encodeURIComponent(text)}` }, 'request.invalid');
    },
  );

  it('API-16 there are such places', () => expect(places.length).toBeGreaterThanOrEqual(6));
});
