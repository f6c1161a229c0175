// Values at the edge of what is let in, over the whole service: kept exactly, found again, and no burden on anybody else.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import {
  createClient,
  JobSummary,
  MAX_BODY,
  mutations,
  Problem,
  TenantMetadata,
  type Client,
  type Job,
} from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { startIssuer, type TestIssuer } from '../backend/src/identity/tokens/issuer.fixture.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { stopwatch } from '../testing/stopwatch.ts';

const PLUGIN = 'the-plugin-of-this-test';
const MANY = Array.from({ length: 20 }, (_, at) => `heavy-${String(at).padStart(2, '0')}`);

let stack: Stack;
let grafana: TestIssuer;
let owner: Client;
beforeAll(async () => {
  grafana = await startIssuer('grafana-1', '/api/signing-keys/keys');
  const env = {
    GRAFANA_URL: grafana.url,
    PLUGIN_BEARER: PLUGIN,
    GRAFANA_ROLE_MAP: 'Admin=operator',
    REQUESTS_PER_SECOND: '500',
  };
  stack = await startStack({ tenants: ['acme', 'token-shop', ...MANY], env });
  owner = stack.as('owner');
});
afterAll(async () => {
  await stack?.stop();
  await grafana?.[Symbol.asyncDispose]();
});

type Metadata = Partial<TenantMetadata>;
const reason = 'edge values';
/** Generous: both cores may be busy with other suites. */
const AT_MOST_MS = 15_000;

/** As a client is told to: what is not available now is asked for again, within the time. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const began = stopwatch();
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const isAway = error instanceof Problem && error.status === 503;
      if (!isAway || began() > AT_MOST_MS) throw error;
      await setTimeout(250);
    }
  }
}

/** Waits for the end. */
const change = async (client: Client, tenant_id: string, metadata: Metadata): Promise<Job> => {
  const asked = { params: { tenant_id }, body: { metadata, reason }, idempotencyKey: randomUUID() };
  const { job } = await patiently(() => client.submit('tenants.update', asked as never));
  return client.follow(job.job_id, () => undefined, AbortSignal.timeout(50_000));
};
const metadataOf = async (tenant_id: string): Promise<TenantMetadata> =>
  (await owner.read('tenants.get', { params: { tenant_id } })).metadata;

const key = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$/),
  fc.constantFrom(
    ...Object.getOwnPropertyNames(Object.prototype).filter((name) => !name.startsWith('__')),
    'then',
    'toJSON',
    'toBSON',
    'length',
    'prototype',
  ),
  fc.constantFrom('a.b', 'a..b', 'a.', '0', '10', 'tokens_per_day', 'password', 'pin'),
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.constantFrom('e\u0301', '\u00e9', '\u212b', '\ufb01', '\u0130', '1e3', '-0', 'null', '\ud83d\ude00'.repeat(60)),
);
const number = fc.oneof(
  fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true }).map((value) => value + 0),
  fc.constantFrom(0, 1e3, 0.1, 5e-324, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, 1e-7),
);
const metadata: fc.Arbitrary<Metadata> = fc.record(
  {
    name: text,
    plan: fc.constantFrom(...TenantMetadata.shape.plan.options),
    quotas: fc.dictionary(key, number, { maxKeys: 8, noNullPrototype: true }),
    feature_flags: fc.dictionary(key, fc.boolean(), { maxKeys: 8, noNullPrototype: true }),
    billing: fc.dictionary(key, text, { maxKeys: 8, noNullPrototype: true }),
    contact: fc.record({ email: fc.constantFrom(null, 'A.b+c@X.test'), phone: fc.option(text) }),
    environments: fc.uniqueArray(fc.constantFrom('local', 'preview', 'staging', 'prod', 'dev'), { minLength: 1 }),
  },
  { requiredKeys: [] },
);
const isAsked = (value: Metadata): boolean =>
  mutations['tenants.update'].submit.body.safeParse({ metadata: value, reason }).success;

it('API-16 TEN-05 what a change of metadata accepts is read back exactly as it was sent, and its plan told of it', async () => {
  await fc.assert(
    fc.asyncProperty(metadata.filter(isAsked), fc.constantFrom('acme', 'token-shop'), async (sent, tenantId) => {
      const before = await metadataOf(tenantId);
      const job = await change(owner, tenantId, JSON.parse(JSON.stringify(sent)) as Metadata);
      expect([job.state, job.problem]).toEqual(['succeeded', null]);
      const after = await metadataOf(tenantId);
      expect(after).toEqual({ ...before, ...JSON.parse(JSON.stringify(sent)) });
      expect(job.plan.diff_total > 0).toBe(JSON.stringify(sorted(before)) !== JSON.stringify(sorted(after)));
    }),
    { numRuns: 50 },
  );
});

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, sorted(inner)]) // prettier-ignore
    : value;

const LOGINS = [
  'bob', 'Zo\u00eb M\u00fcller', '\u674e \u96f7', 'a:b', '100% mine', 'domain\\user', "o'neil", 'x+y&z=1#?/', '\u0130brahim', 'token=abcdef',
  'Basic abcdefgh', 'e\u0301', '\u05d3\u05d5\u05d3',
]; // prettier-ignore

it('AUD-05 API-05 whoever acts, whatever their login has in it, is found by it in jobs and audit log, and nobody else is', async () => {
  const actors: string[] = [];
  for (const username of LOGINS) {
    const token = await grafana.token({ aud: 'org:1', sub: 'user:1', type: 'user', namespace: 'default', role: 'Admin', username }); // prettier-ignore
    const headers = () => ({ authorization: `Bearer ${PLUGIN}`, 'x-grafana-id': token });
    const client = createClient({ baseUrl: stack.url(), fetch, headers, pauseMs: 100 });
    const { principal } = await client.read('identity.me');
    const { job_id } = await change(client, 'acme', { name: `of ${actors.length}` });
    const query = { actor: principal.id };
    const jobs = await client.read('jobs.list', { query });
    expect([username, jobs.items.map((job) => [job.job_id, job.actor])]).toEqual([username, [[job_id, principal.id]]]);
    await eventually(`the records of ${username} are found`, async () => {
      const { items } = await owner.read('audit.records.list', { query: { ...query, job_id } });
      return items.map(({ code }) => code).join() === 'job.succeeded,job.submitted';
    });
    actors.push(principal.id);
  }
  expect(new Set(actors).size).toBe(LOGINS.length);
});

/** The biggest that is let in: every key and every value differs from that of another round. */
function biggest(round: number): Metadata {
  const keys = (count: number) => Array.from({ length: count }, (_, at) => `${round}-${at}-`.padEnd(64, 'k'));
  const map = <T>(count: number, value: T) => Object.fromEntries(keys(count).map((name) => [name, value]));
  return {
    name: `${round}`.padEnd(120, 'n'),
    quotas: map(100, Number.MAX_SAFE_INTEGER - round),
    feature_flags: map(200, true),
    billing: map(50, `${round}`.padEnd(256, '\u20ac')),
  };
}

it('NFR-07 API-02 20 of the biggest changes at once: lists answer everybody meanwhile, and the store recovers', async () => {
  expect(Buffer.byteLength(JSON.stringify({ metadata: biggest(1), reason }))).toBeGreaterThan(MAX_BODY / 2);
  const asked = MANY.map((tenant_id, at) => {
    const input = { params: { tenant_id }, body: { metadata: biggest(at), reason }, idempotencyKey: randomUUID() };
    return patiently(() => owner.submit('tenants.update', input as never));
  });
  const slow: string[] = [];
  const lists = async (): Promise<void> => {
    for (const role of ['read-only', 'operator', 'owner'] as const)
      for (const id of ['jobs.list', 'tenants.list', 'overview.get'] as const) {
        const began = stopwatch();
        const answer = await patiently(() => stack.as(role).read(id, {} as never));
        const ms = Math.round(began());
        if (ms > AT_MOST_MS) slow.push(`${id} of ${role}: ${ms} ms`);
        if (id === 'jobs.list') for (const job of (answer as { items: unknown[] }).items) JobSummary.parse(job);
      }
  };
  await lists();
  const ids = (await Promise.all(asked)).map(({ job }) => job.job_id);
  const query = { limit: 200, kind: 'tenants.update', state: 'succeeded' } as const;
  for (let left = ids.length; left > 0;) {
    await lists();
    const { items } = await patiently(() => owner.read('jobs.list', { query }));
    left = ids.filter((id) => !items.some(({ job_id }) => job_id === id)).length;
  }
  expect(slow).toEqual([]);
  // A change of everybody's is as before.
  expect((await change(owner, 'acme', { name: 'Acme again' })).state).toBe('succeeded');
  expect((await owner.read('audit.verify')).ok).toBe(true);
}, 120_000);
