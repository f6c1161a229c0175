// Several environments behind one control plane: the same tenants in each, and nothing of one is touched by what is asked of another.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Assignment, Client } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { carryOut, published, refusal } from './journey.ts';

/** One control plane over both; the first began with its own alone, as every store of the version before did. */
let dev: Stack;
let staging: Stack;
let owner: Client;

const ID = 'tenant-01';
const reason = 'both environments';
const moveTo = (to: string, environment?: string) =>
  ({ body: { tenant_id: ID, kind: 'aggregate', to, reason, ...(environment ? { environment } : {}) } }) as const;

beforeAll(async () => {
  const assignments: Assignment[] = [
    { principal: 'user:sam@b.test', role: 'operator', scope: { kind: 'environment', environment: 'staging' } },
    { principal: 'user:tom@b.test', role: 'operator', scope: { kind: 'tenant-in-environment', tenant_id: ID, environment: 'dev' } },
  ]; // prettier-ignore
  [dev, staging] = await Promise.all([startStack({ assignments }), startStack({ replicas: 0 })]);
  // Something on record from the time before.
  await carryOut(dev.as('owner'), 'tenants.pause', { params: { tenant_id: 'tenant-02' }, body: { reason: 'before' } });
  await dev.backend.kill();
  const of = (stack: Stack) => JSON.parse(readFileSync(stack.layout.platformFile, 'utf8')) as { shards: object[]; tenants: string[] }; // prettier-ignore
  const { shards, tenants } = of(dev);
  const platformFile = join(dev.layout.folder, 'several.json');
  const environments = [
    { id: 'dev', tier: 'dev', shards, tenants },
    {
      id: 'staging',
      tier: 'staging',
      nats_url: staging.nats.url,
      node_token: staging.layout.nodeToken,
      outbound_allowlist: '127.0.0.1:1-65535',
      gateway: { issuer: staging.layout.issuer, jwks_url: `${staging.layout.issuer}/.well-known/jwks.json` },
      shards: of(staging).shards,
      tenants: of(staging).tenants,
    },
  ];
  writeFileSync(platformFile, JSON.stringify({ environments }));
  await dev.addReplica({ PLATFORM_FILE: platformFile });
  owner = dev.as('owner', 1);
  await eventually('both tenants of staging live', async () => {
    const { items } = await owner.read('tenants.list', { query: { environment: 'staging', state: 'active' } });
    return items.length === 2;
  });
});
afterAll(async () => {
  await dev?.stop();
  await staging?.stop();
});

const states = async (): Promise<string[]> => {
  const { items, total } = await owner.read('tenants.list', { query: {} });
  expect(total).toBe(items.length);
  return items.map(({ environment, tenant_id, status }) => `${environment}/${tenant_id} ${status.state}`);
};

it('GEN-29 what was stored before is the first environment’s, and lists over all name where each thing is', async () => {
  expect(await states()).toEqual([
    'dev/tenant-01 active',
    'dev/tenant-02 suspended',
    'staging/tenant-01 active',
    'staging/tenant-02 active',
  ]);
  const { environments } = await owner.read('identity.me', {});
  expect(environments).toEqual([
    { id: 'dev', tier: 'dev' },
    { id: 'staging', tier: 'staging' },
  ]);
  const shards = await owner.read('scale.shards.list', { query: {} });
  expect(shards.items.map(({ environment }) => environment)).toEqual([...Array(7).fill('dev'), ...Array(7).fill('staging')]); // prettier-ignore
  expect(await owner.read('audit.verify', {}).catch(() => null)).not.toBeNull();
});

it('GEN-29 a change that does not say where is refused with the choices, and one to a place that is not there, too', async () => {
  const unsaid = await refusal(owner.preflight('scale.migrate', moveTo('a2')));
  expect(unsaid).toMatchObject({ code: 'environment.required', extra: { environments: ['dev', 'staging'] } });
  expect(await refusal(owner.read('tenants.get', { params: { tenant_id: ID } }))).toMatchObject({ code: 'environment.required' }); // prettier-ignore
  expect(await refusal(owner.preflight('scale.migrate', moveTo('a2', 'prod')))).toMatchObject({ code: 'environment.unknown' }); // prettier-ignore
});

it('GEN-29 GEN-30 SCL-05 a tenant is moved in staging, by its nodes and its bus, while the same one of dev is where it was', async () => {
  const at = async () => [await published(dev, 'aggregate', ID), await published(staging, 'aggregate', ID)];
  const [before, there] = await at();
  const to = there!.shard === 'a1' ? 'a2' : 'a1';
  const job = await carryOut(owner, 'scale.migrate', moveTo(to, 'staging'));
  expect([job.state, job.input]).toEqual(['succeeded', expect.objectContaining({ environment: 'staging' })]);
  expect(await at()).toEqual([before, { shard: to, revision: there!.revision + 1, job_id: job.job_id }]);
  expect(await staging.node(to).tenant(ID)).toMatchObject({ state: 'serving' });
  // Its undo is of the same place.
  expect(job.undo?.body).toMatchObject({ environment: 'staging', to: there!.shard });
  // The same name in both: neither stands in the other's way.
  const both = await Promise.all(
    (['dev', 'staging'] as const).map((environment) =>
      carryOut(owner, 'tenants.pause', { params: { tenant_id: ID }, body: { environment, reason } }),
    ),
  );
  expect(both.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
  await carryOut(owner, 'tenants.bulk_resume', { body: { tenant_ids: [ID], environment: 'dev', reason } });
  expect(await states()).toEqual([
    'dev/tenant-01 active',
    'dev/tenant-02 suspended',
    'staging/tenant-01 suspended',
    'staging/tenant-02 active',
  ]);
});

it('IAM-32 who may in one environment may there alone, and sees nothing of another', async () => {
  const as = async (email: string) => dev.client(await dev.token({ email }), 1);
  const [sam, tom] = [await as('sam@b.test'), await as('tom@b.test')];
  const pause = (environment: string) => ({ params: { tenant_id: 'tenant-02' }, body: { environment, reason } });
  expect((await carryOut(sam, 'tenants.pause', pause('staging'))).state).toBe('succeeded');
  const missing = { code: 'permission.missing', message: 'tenants.pause is missing in environment dev on tenant tenant-02' };
  expect(await refusal(sam.preflight('tenants.pause', pause('dev')))).toMatchObject(missing);
  // Nobody is told where something is by leaving out where.
  expect(await refusal(sam.preflight('tenants.pause', { ...pause('dev'), body: { reason } }))).toMatchObject({ code: 'environment.required' });
  const seenBy = async (client: Client) => {
    const { items, total } = await client.read('tenants.list', { query: {} });
    return [total, items.map(({ environment, tenant_id }) => `${environment}/${tenant_id}`)];
  };
  expect(await seenBy(sam)).toEqual([2, ['staging/tenant-01', 'staging/tenant-02']]);
  expect(await seenBy(tom)).toEqual([1, ['dev/tenant-01']]);
  const shards = async (client: Client) => (await client.read('scale.shards.list', { query: {} })).items;
  expect(new Set((await shards(sam)).map(({ environment }) => environment))).toEqual(new Set(['staging']));
  // Shards are nobody's who sees some tenants only.
  expect(await refusal(shards(tom))).toMatchObject({ code: 'permission.missing' });
  const jobsOf = async (client: Client) => new Set((await client.read('jobs.list', { query: {} })).items.map(({ environment }) => environment));
  expect(await jobsOf(sam)).toEqual(new Set(['staging']));
  const logOf = async (client: Client) => new Set((await client.read('audit.records.list', { query: {} })).items.map(({ environment }) => environment));
  expect(await logOf(sam)).toEqual(new Set(['staging']));
}); // prettier-ignore

it('IAM-32 a token of one environment’s Gateway has effect there alone, whatever its owner holds', async () => {
  const bound = dev.client(await staging.token({ email: 'owner@b.test', role: 'owner' }), 1);
  const pause = (environment: string) => ({ params: { tenant_id: 'tenant-02' }, body: { environment, reason } });
  expect((await bound.preflight('tenants.resume', pause('staging'))).blockers).toEqual([]);
  const refused = await refusal(bound.preflight('tenants.resume', pause('dev')));
  expect(refused).toMatchObject({ code: 'permission.missing', message: expect.stringContaining('staging') });
  const { items } = await bound.read('tenants.list', { query: {} });
  expect(new Set(items.map(({ environment }) => environment))).toEqual(new Set(['staging']));
  // What is everybody's is none of its business.
  expect(await refusal(bound.read('audit.verify', {}))).toMatchObject({ code: 'permission.missing' });
});

it('IAM-23 a session that is ended in one environment is refused, and those of the others are not', async () => {
  const [one, other] = [await staging.token({ email: 'ended@b.test' }), await dev.token({ email: 'ended@b.test' })];
  const status = async (token: string): Promise<number> =>
    (await fetch(`${dev.url(1)}/admin/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect([await status(one), await status(other)]).toEqual([200, 200]);
  const bucket = await new Kvm(jetstream(staging.nc)).open('iam_revocations');
  await bucket.put(decodeJwt(one).jti!, 'signed out');
  await eventually('it is refused', async () => (await status(one)) === 401);
  expect(await status(other)).toBe(200);
});

it('GEN-29 NFR-07 the bus of one environment away: its pages say so, the other is served and says nothing of it', async () => {
  staging.nats.kill();
  await eventually('it is told', async () => {
    const { services } = await owner.read('overview.get', {});
    return services.some(({ environment, kind, state }) => environment === 'staging' && kind === 'jetstream' && state === 'down'); // prettier-ignore
  });
  const { services, attention } = await owner.read('overview.get', {});
  expect(services.find(({ environment, kind }) => environment === 'dev' && kind === 'jetstream')?.state).toBe('ok');
  expect(attention.filter(({ id }) => id.includes('jetstream')).map(({ environment }) => environment)).toEqual(['staging']); // prettier-ignore
  expect((await fetch(`${dev.url(1)}/readyz`)).status).toBe(200);
  const drift = await owner.read('scale.drift.get', { query: {} });
  expect(drift.missing).toMatchObject([{ environment: 'staging' }]);
  expect(drift.checked).toBe(6);
  expect((await owner.read('scale.drift.get', { query: { environment: 'dev' } })).missing).toBeUndefined();
  const body = { tenant_ids: ['tenant-02'], environment: 'dev', reason };
  expect((await carryOut(owner, 'tenants.bulk_resume', { body })).state).toBe('succeeded');
  expect((await owner.preflight('scale.migrate', moveTo('a1', 'staging'))).blockers).not.toEqual([]);
  await staging.restartNats();
  await eventually('its drift is known again', async () => (await owner.read('scale.drift.get', { query: {} })).missing === undefined); // prettier-ignore
});
