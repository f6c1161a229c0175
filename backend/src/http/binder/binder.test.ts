import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mutations, Problem, reads } from '@cloudlysis/contract';
import { systemAmbient } from '../../kernel/ambient.ts';
import { PermissionTable } from '../../identity/index.ts';
import { constantMutations, constantReads, JOB, JOB_ID, TENANT } from '../answers.fixture.ts';
import { startTestApi, type TestApi } from '../test-api.fixture.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';

const MIGRATE = '/admin/v1/scale/migrations';
const BODY = { tenant_id: 'acme', kind: 'aggregate', to: 'a2', reason: 'full disk' } as const;
const submit = (headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', 'idempotency-key': 'k1', ...headers },
  body: JSON.stringify(BODY),
});
const table = new PermissionTable([{ id: 'dev', tier: 'dev' }]);

describe('API-16 the envelope', () => {
  let api: TestApi;
  let token: string;
  beforeAll(async () => {
    api = await startTestApi();
    token = await api.token('owner');
  });
  afterAll(async () => void (await api[Symbol.asyncDispose]()));

  it('keeps a sane request id and trace id, and makes its own otherwise', async () => {
    const kept = await api.fetch('/admin/v1/me', { token, headers: { 'x-request-id': 'abc-1' } });
    expect(kept.headers.get('x-request-id')).toBe('abc-1');
    const odd = await api.fetch('/admin/v1/me', { token, headers: { 'x-request-id': 'a b{}' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^req_[0-9a-f-]{36}$/);
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    await api.fetch('/admin/v1/me', {
      headers: { 'x-request-id': 'traced', traceparent: `00-${trace}-00f067aa0ba902b7-01` },
    });
    expect((await api.records()).find((record) => record['request_id'] === 'traced')).toMatchObject({
      trace_id: trace,
    });
  });

  it('NFR-04 sets the headers of an API, no cookie and no CORS', async () => {
    const { headers } = await api.fetch('/admin/v1/me', { token, headers: { origin: 'https://evil.test' } });
    expect(headers.get('content-security-policy')).toMatch("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect([
      headers.get('set-cookie'),
      headers.get('access-control-allow-origin'),
      headers.get('x-powered-by'),
    ]).toEqual([null, null, null]);
  });

  it('NFR-11 counts by operation and status class, and logs no token', async () => {
    await api.fetch('/admin/v1/tenants/acme', { token });
    await api.fetch('/admin/v1/nothing-of-ours', { token });
    const metrics = await (await api.fetch('/metrics')).text();
    expect(metrics).toMatch(/cp_http_request_duration_seconds_count\{operation="tenants.get",status_class="2xx"\} 1/);
    expect(metrics).toMatch(/cp_http_request_duration_seconds_count\{operation="unknown",status_class="4xx"\} 1/);
    expect(metrics).not.toMatch(/acme|nothing-of-ours/);
    expect(api.log()).toContain('"operation":"tenants.get"');
    expect(api.log()).not.toContain(token);
  });

  it('answers 202 with the job’s place, and grants a wait of at most 60 s', async () => {
    const accepted = await api.fetch(MIGRATE, { ...submit({ prefer: 'respond-async, wait=900' }), token });
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get('location')).toBe(`/admin/v1/jobs/${JOB_ID}`);
    expect(accepted.headers.get('preference-applied')).toBe('wait=60');
    expect(await accepted.json()).toEqual({ job_id: JOB_ID, state: 'queued' });
    const plain = await api.fetch(MIGRATE, { ...submit(), token });
    expect(plain.headers.get('preference-applied')).toBeNull();
  });

  it('HEAD of a read has a head only, also of a stream', async () => {
    for (const path of ['/admin/v1/me', '/admin/v1/audit/export']) {
      const response = await api.fetch(path, { method: 'HEAD', token });
      expect([response.status, await response.text()]).toEqual([200, '']);
    }
  });
});

describe('what a handler does', () => {
  it('its final job is answered whole with 200, and its errors without their message', async () => {
    const secret = 'mongodb://user:hunter2@db';
    await using api = await startTestApi({
      mutations: constantMutations(() => ({ ...JOB, state: 'succeeded' })),
      reads: {
        ...constantReads(table),
        'tenants.get': async () => Promise.reject(new Error(secret)),
        'jobs.get': async () =>
          Promise.reject(new Problem('job.unknown', 'There is no job x', { job_id: 'x' }, new Error(secret))),
      },
    });
    const token = await api.token('owner');
    const final = await api.fetch(MIGRATE, { ...submit({ prefer: 'wait=5' }), token });
    expect([final.status, ((await final.json()) as { state: string }).state]).toEqual([200, 'succeeded']);
    const broken = await (await api.fetch('/admin/v1/tenants/acme', { token })).text();
    expect(JSON.parse(broken)).toMatchObject({ code: 'internal', status: 500, instance: expect.any(String) });
    const unknown = await (await api.fetch(`/admin/v1/jobs/${JOB_ID}`, { token })).text();
    expect(JSON.parse(unknown)).toMatchObject({ code: 'job.unknown', job_id: 'x' });
    expect(broken + unknown).not.toMatch(/hunter2|stack|at /);
    expect(api.log()).toContain('hunter2');
  });

  it('an answer outside the contract is 500 in development; in production undeclared fields are taken out', async () => {
    const wrong = { ...TENANT, password: 'hunter2', metadata: { ...TENANT.metadata, salt: 'x' } };
    const options = { reads: { ...constantReads(table), 'tenants.get': async () => wrong } };
    await using development = await startTestApi(options);
    const refused = await development.fetch('/admin/v1/tenants/acme', { token: await development.token('owner') });
    expect(refused.status).toBe(500);
    const assignments = [{ principal: 'op@example.test', role: 'owner', scope: { kind: 'global' } }] as const;
    await using production = await startTestApi({ ...options, mode: 'production', assignments });
    const key = await import('../../identity/tokens/issuer.fixture.ts').then(({ testKey }) => testKey('prod-1'));
    production.issuer.keys = [key];
    const served = await production.fetch('/admin/v1/tenants/acme', { token: await production.token() });
    expect(await served.json()).toEqual(TENANT);
    expect(await (await production.fetch('/metrics')).text()).toMatch(
      /cp_answer_violations_total\{operation="tenants.get"\} 1/,
    );
  });

  it('API-16 a text longer than the contract tells, such as what a node says of itself, is cut and says so', async () => {
    const status = { ...TENANT.status, reason: 'x'.repeat(100_000) };
    await using api = await startTestApi({
      reads: { ...constantReads(table), 'tenants.get': async () => ({ ...TENANT, status }) },
    });
    const response = await api.fetch('/admin/v1/tenants/acme', { token: await api.token('owner') });
    const { reason } = ((await response.json()) as typeof TENANT).status;
    expect([response.status, reason.length]).toEqual([200, 8_192]);
    expect(reason).toMatch(/xx … \(100000 characters\)$/);
  });

  it('GEN-11 NFR-03 step-up: asked for with its age, and enough when recent', async () => {
    const operation = mutations['scale.migrate'].submit as { stepUp?: number };
    operation.stepUp = 600;
    try {
      await using api = await startTestApi();
      const stale = await api.fetch(MIGRATE, { ...submit(), token: await api.token('owner') });
      expect(stale.headers.get('www-authenticate')).toBe(
        'Bearer error="insufficient_user_authentication", max_age=600',
      );
      expect(await stale.json()).toMatchObject({ code: 'step_up.required', max_age_s: 600 });
      const auth_time = Math.floor(Date.now() / 1000) - 60;
      const recent = await api.token('owner', { auth_time, amr: ['pwd', 'otp'] });
      expect((await api.fetch(MIGRATE, { ...submit(), token: recent })).status).toBe(202);
      const old = await api.token('owner', { auth_time: auth_time - 600, amr: ['otp'] });
      expect((await api.fetch(MIGRATE, { ...submit(), token: old })).status).toBe(401);
    } finally {
      delete operation.stepUp;
    }
  });
});

describe('GEN-11 AUD-01 NFR-02 refusals', () => {
  it('of 401, 403, 409, 423 and a reused key are recorded once each, others are not', async () => {
    const refusals = [
      'plan.stale',
      'tenant.locked',
      'idempotency.key_reused',
      'tenant.unknown',
      'plan.required',
    ] as const;
    let next = 0;
    await using api = await startTestApi({
      mutations: constantMutations(() => {
        throw new Problem(refusals[next++]!);
      }),
    });
    const owner = await api.token('owner');
    for (const code of refusals)
      expect(await (await api.fetch(MIGRATE, { ...submit(), token: owner })).json()).toMatchObject({ code });
    await api.fetch(MIGRATE, { ...submit({ 'user-agent': 'curl/8' }), token: await api.token('read-only') });
    await api.fetch(MIGRATE, submit());
    const records = await api.records();
    expect(records.map(({ problem }) => problem)).toEqual([
      ...refusals.slice(0, 3),
      'permission.missing',
      'token.missing',
    ]);
    expect(records[3]).toMatchObject({
      code: 'request.refused', action: 'scale.migrate', actor: 'user:op@example.test', tenant_id: 'acme',
      resource: 'tenant:acme', outcome: 'refused', agent: 'curl/8', ip: '127.0.0.1',
    }); // prettier-ignore
    expect(records[4]).toMatchObject({ actor: 'anonymous', tenant_id: null });
  });

  it('of one address and reason become one record with a count, without a word of the credential', async () => {
    let ahead = 0;
    const system = systemAmbient();
    await using api = await startTestApi({ ambient: { ...system, monotonic: () => system.monotonic() + ahead } });
    const secret = 'c2VjcmV0LXRva2Vu';
    for (let n = 0; n < 30; n++) await api.fetch(n % 2 === 0 ? '/admin/v1/me' : `/admin/v1/tenants/${secret}`);
    for (let n = 0; n < 30; n++) await api.fetch('/admin/v1/me', { token: `${secret}${n}` });
    expect((await api.records()).map(({ problem }) => problem)).toEqual(['token.missing', 'token.invalid']);
    ahead = 11_000;
    await api.fetch('/admin/v1/me');
    await api.server.stop();
    const records = await api.records();
    const told = records.map(({ problem, action, count, v }) => [problem, action, count ?? 0, v].join(' '));
    const one = 'identity.me 0 1';
    expect(told.slice(0, 2)).toEqual([`token.missing ${one}`, `token.invalid ${one}`]);
    expect(told[2]).toBe('token.missing several 29 2');
    // What was counted last is written when the server stops, in whatever order.
    expect(told.slice(3).sort()).toEqual(['token.invalid identity.me 29 2', 'token.missing identity.me 1 2']);
    expect(JSON.stringify(records)).not.toContain(secret);
  });

  it('repeated by one principal become one record with a count, told apart by resource and code', async () => {
    await using api = await startTestApi();
    const token = await api.token('read-only');
    const refused = (tenant_id: string) =>
      api.fetch(MIGRATE, { method: 'POST', token, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ tenant_id }) }); // prettier-ignore
    for (let n = 0; n < 40; n++) await refused('acme');
    await refused('other');
    expect((await api.records()).map(({ tenant_id }) => tenant_id)).toEqual(['acme', 'other']);
    await api.server.stop();
    const [, , more, ...rest] = await api.records();
    expect(rest).toEqual([]);
    expect(more).toMatchObject({ code: 'request.refused', tenant_id: 'acme', problem: 'permission.missing' });
    expect(more).toMatchObject({ v: 2, count: 39, first_at: expect.any(Date), last_at: expect.any(Date) });
  });

  it('are given all the same when the audit log is away', async () => {
    const audit = { append: async () => Promise.reject(new Problem('audit.unavailable')), wake: () => undefined };
    await using api = await startTestApi({ audit });
    expect((await api.fetch('/admin/v1/me')).status).toBe(401);
    expect(await (await api.fetch('/metrics')).text()).toMatch(
      /cp_refusals_unrecorded_total\{cause="audit_unavailable"\} 1/,
    );
  });
});

it('a principal above its rate is told when to come back; another is not held up', async () => {
  let ms = 0;
  await using api = await startTestApi({ requestsPerSecond: 5, ambient: { ...systemAmbient(), monotonic: () => ms } });
  const token = await api.token('owner');
  const served = async (): Promise<number> => {
    const asked = Array.from({ length: 20 }, async () => (await api.fetch('/admin/v1/me', { token })).status);
    return (await Promise.all(asked)).filter((status) => status === 200).length;
  };
  expect(await served()).toBe(10);
  ms += 1_000;
  expect(await served()).toBe(5);
  const limited = await api.fetch('/admin/v1/me', { token });
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '1']);
  const other = await api.token('owner', { email: 'other@example.test' });
  expect((await api.fetch('/admin/v1/me', { token: other })).status).toBe(200);
});

it('NFR-11 health, readiness and the description need no token', async () => {
  let ready: () => Promise<Record<string, { ok: boolean; detail: string }>> = async () => ({
    nats: { ok: true, detail: '1 ms' },
  });
  await using api = await startTestApi({ ready: () => ready() });
  expect((await api.fetch('/healthz')).status).toBe(200);
  expect((await api.fetch('/readyz')).status).toBe(200);
  ready = async () => ({ nats: { ok: false, detail: 'no answer' } });
  const down = await api.fetch('/readyz');
  expect([down.status, await down.json()]).toEqual([
    503,
    { status: 'not-ready', dependencies: { nats: { ok: false, detail: 'no answer' } } },
  ]);
  ready = () => new Promise(() => undefined);
  const started = stopwatch();
  expect((await api.fetch('/readyz')).status).toBe(503);
  expect(started()).toBeLessThan(4_000);
  const document = (await (await api.fetch('/admin/v1/openapi.json')).json()) as { paths: object };
  expect(Object.keys(document.paths)).toContain('/admin/v1/scale/migrations/preflight');
  expect((await api.fetch('/healthz', { method: 'POST' })).status).toBe(405);
  expect(reads['identity.me'].permission).toBe('signed-in');
});

it('NFR-01 a refusal about tenants says nothing of where a node is; one about the platform does', async () => {
  const said = 'http://10.0.0.7:8101/admin/state did not answer';
  const fail = async (): Promise<never> => {
    throw new Problem('node.timeout', said, { failed: [said] });
  };
  const all = constantReads(table);
  await using api = await startTestApi({ reads: { ...all, 'tenants.get': fail, 'jobs.get': fail, 'scale.shards.list': fail } });
  const token = await api.token('owner');
  const asked = async (path: string) => (await api.fetch(path, { token })).text();
  for (const path of ['/admin/v1/tenants/acme', `/admin/v1/jobs/${JOB_ID}`])
    expect(await asked(path)).toMatch(/^(?!.*(10\.0\.0\.7|8101)).*node\.timeout/);
  expect(await asked('/admin/v1/scale/shards')).toContain(said);
}); // prettier-ignore
