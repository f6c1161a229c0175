import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { call, eventually, moveTenant, startPlatform, type TestPlatform } from '../../testing/platform.ts';
import { LONGEST_TOKEN_MS, Revocations } from './tokens.ts';
import { stopwatch } from '../../../testing/stopwatch.ts';

const deposit = (command_id: string, amount = 5) => ({ command_id, type: 'deposit', data: { account: 'a', amount } });

describe('gateway', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startPlatform('a1', 'p1');
    await (await platform.add('g1', { PARK_MS: '1500', PARK_LIMIT: '3' })).start();
    await platform.placed('a1', 'acme', 'globex');
    await platform.placed('p1', 'acme');
  });
  afterAll(() => platform.stop());

  it('accepts a command once, answers its repetition, declines what the domain declines', async () => {
    expect(await platform.command('acme', deposit('c1'))).toEqual({
      status: 200,
      body: { command_id: 'c1', tenant_id: 'acme', version: 1 },
    });
    expect((await platform.command('acme', deposit('c1'))).body).toMatchObject({ version: 1, duplicate: true });
    expect((await platform.command('globex', deposit('c1'))).body).toMatchObject({ version: 1 });
    expect((await platform.command('globex', deposit('c1'))).body).toMatchObject({ duplicate: true });
    const withdraw = { command_id: 'c2', type: 'withdraw', data: { account: 'b', amount: 1 } };
    const declined = await platform.command('acme', withdraw);
    expect([declined.status, declined.body.code]).toEqual([422, 'command.declined']);
    expect(declined.body.detail).toMatch(/^funds.insufficient/);
  });

  it('GEN-05 answers queries of the tenant that asks, and of no other', async () => {
    await eventually('projected', async () => (await platform.view('acme', 'balances')).body.version === 1);
    expect((await platform.view('acme', 'balances')).body.data).toEqual({ a: 5 });
    expect((await platform.view('acme', 'secrets')).body.code).toBe('view.unknown');
    const authorization = `Bearer ${await platform.token(['globex'])}`;
    const url = `${platform.gateway.url}/v1/tenants/acme/views/balances`;
    expect((await call(url, { headers: { authorization } })).status).toBe(403);
  });

  it('refuses bad tokens, ids, bodies and mismatched tenants, each by name', async () => {
    const other = { authorization: `Bearer ${await platform.token(['globex'])}` };
    const codes = async (tenant: string, body: unknown, headers?: Record<string, string>) => {
      const reply = await platform.command(tenant, body, headers);
      return `${reply.status} ${reply.body.code}`;
    };
    expect(await codes('acme', deposit('x'), { authorization: 'Bearer nonsense' })).toBe('401 auth.required');
    expect(await codes('acme', deposit('x'), other)).toBe('403 tenant.forbidden');
    expect(await codes('acme', deposit('x'), { 'x-tenant-id': 'globex' })).toBe('400 tenant.mismatch');
    expect(await codes('ACME', deposit('x'))).toBe('400 request.invalid');
    expect(await codes('a%2e%3e', deposit('x'))).toBe('400 request.invalid');
    expect(await codes('nobody', deposit('x'))).toBe('404 tenant.unknown');
    expect(await codes('acme', deposit('bad id'))).toBe('400 request.invalid');
    expect(await codes('acme', { ...deposit('x'), extra: 1 })).toBe('400 request.invalid');
    expect(await codes('acme', deposit('x', -1))).toBe('400 request.invalid');
    // A body that is allowed, and no more than a few bytes short of what a message carries.
    const data = { account: 'x', amount: 5, note: '' };
    data.note = 'x'.repeat(1_048_570 - JSON.stringify({ ...deposit('x'), data }).length);
    expect(await codes('acme', { ...deposit('x'), data })).toBe('413 body.too_large');
    expect(await codes('acme', [])).toBe('400 request.invalid');
  });

  it('a revoked session is refused at once', async () => {
    const authorization = `Bearer ${await platform.token(['*'], { jti: 'session-1' })}`;
    expect((await platform.command('acme', deposit('r1'), { authorization })).status).toBe(200);
    await (await platform.kv('iam_revocations')).put('session-1', '{}');
    await eventually(
      'refused',
      async () => (await platform.command('acme', deposit('r2'), { authorization })).status === 401,
    );
  });

  it('ENV-88 a revocation that vanishes from the bucket counts as long as a token may live; one that is deleted is taken back', async () => {
    const kv = await platform.kv('iam_revocations');
    const status = async (authorization: string): Promise<number> =>
      (await platform.command('acme', deposit('r3'), { authorization })).status;
    const [lost, back] = await Promise.all(
      ['lost', 'back'].map(async (jti) => `Bearer ${await platform.token(['*'], { jti })}`),
    );
    await Promise.all(['lost', 'back'].map((id) => kv.put(id, '')));
    await eventually('refused', async () => (await status(lost!)) === 401 && (await status(back!)) === 401);
    await kv.delete('back');
    await eventually('taken back', async () => (await status(back!)) === 200);
    await (await jetstreamManager(platform.nc)).streams.purge('KV_iam_revocations');
    await platform.node('g1').post('/admin/reload');
    expect(await status(lost!)).toBe(401);
    let now = 0;
    const revocations = new Revocations(() => now);
    revocations.apply('a', null);
    revocations.missing('a');
    const caller = { tenants: [], ids: ['a'], expires: 0 };
    now = 7 * 86_400_000;
    expect(revocations.revoked(caller)).toBe(true);
    now = LONGEST_TOKEN_MS;
    expect(revocations.revoked(caller)).toBe(false);
  });

  it('SCL-06 a draining tenant parks its commands within bounds and sends them on at resume', async () => {
    const a1 = platform.node('a1');
    await a1.post('/admin/drain', { tenant_id: 'acme' });
    const sent = ['p1', 'p2', 'p3', 'p4'].map((id) => platform.command('acme', deposit(id)));
    const over = await Promise.race(sent);
    expect([over.status, over.body.code]).toEqual([503, 'tenant.draining']);
    await a1.post('/admin/resume', { tenant_id: 'acme' });
    expect((await Promise.all(sent)).map((reply) => reply.status).sort()).toEqual([200, 200, 200, 503]);
    await a1.post('/admin/drain', { tenant_id: 'acme' });
    expect((await platform.command('acme', deposit('p5'))).body.code).toBe('tenant.draining');
    await a1.post('/admin/resume', { tenant_id: 'acme' });
  });

  it('a paused tenant is answered 423 and served again when the flag goes', async () => {
    await platform.pause('acme', true, 1);
    await eventually('paused', async () => (await platform.command('acme', deposit('q1'))).status === 423);
    await platform.pause('acme', false, 2);
    await eventually('served', async () => (await platform.command('acme', deposit('q2'))).status === 200);
  });

  it('publishes the public key that its tokens verify with', async () => {
    const url = `${platform.gateway.url}/.well-known/jwks.json`;
    expect((await call(url)).body.keys[0]).not.toHaveProperty('d');
    const verified = await jwtVerify(await platform.token(), createRemoteJWKSet(new URL(url)));
    expect(verified.payload.aud).toBe('cloudlysis-gateway');
  });

  it('OBS-11 OBS-12 OBS-13 OBS-14 OBS-15 OBS-33 counts by tenant without path and by route without tenant; whatever is asked for is no path of its own', async () => {
    for (const path of ['/made-up', '/v1/tenants/acme/views/made-up', '/v1/tenants/made-up/commands'])
      await call(platform.gateway.url + path);
    const text: string = (await call(`${platform.gateway.url}/metrics`)).body;
    expect(text).toMatch(
      /gateway_tenant_requests_total\{tenant_id="acme",status_class="2xx",service="gateway",env="dev"\}/,
    );
    expect(text).toMatch(/gateway_tenant_request_duration_seconds_bucket\{le="0.5",.*tenant_id="acme"/);
    expect(text).toMatch(/gateway_requests_total\{path="\/v1\/tenants\/:tenant\/commands",status="200"/);
    expect(text).not.toMatch(/nobody|ACME|made-up/);
    expect(text).not.toMatch(/^(?=.*[{,]path=)(?=.*[{,]tenant_id=)/m);
  });
});

describe('a gateway whose watch tells it nothing', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startPlatform('a1', 'a2', 'p1', 'g1');
    await platform.placed('a1', 'acme');
    await platform.placed('p1', 'acme');
  });
  afterAll(() => platform.stop());

  /** What a watch is to the server; its client hears nothing of it. */
  async function forgetWatches(bucket: string): Promise<number> {
    const jsm = await jetstreamManager(platform.nc);
    const consumers = await jsm.consumers.list(`KV_${bucket}`).next();
    await Promise.all(consumers.map(({ name }) => jsm.consumers.delete(`KV_${bucket}`, name)));
    return consumers.length;
  }

  it('GEN-04 NFR-07 SCL-06 sends the first command after a move to the new shard, and says where it routes', async () => {
    expect((await platform.command('acme', deposit('w1'))).status).toBe(200);
    const routes = async () => (await platform.gateway.get('/admin/state?tenant_id=acme')).body.routes;
    expect(await routes()).toMatchObject([
      { kind: 'aggregate', shard_id: 'a1', revision: 1 },
      { kind: 'projection', shard_id: 'p1', revision: 1 },
    ]);
    for (const [turn, to] of ['a2', 'a1', 'a2', 'a1'].entries()) {
      expect(await forgetWatches('placement')).toBeGreaterThan(0);
      await moveTenant(platform, 'acme', to === 'a2' ? 'a1' : 'a2', to);
      const start = stopwatch();
      expect((await platform.command('acme', deposit(`moved-${turn}`))).status).toBe(200);
      expect(start()).toBeLessThan(3000);
      expect((await routes())[0]).toMatchObject({ shard_id: to, revision: turn + 2 });
    }
  });

  it('NFR-07 finds a tenant that was placed while its copy was in doubt, and a bucket made anew fails no command', async () => {
    const jsm = await jetstreamManager(platform.nc);
    await jsm.streams.delete('KV_placement');
    expect((await platform.command('acme', deposit('lost-1'))).status).toBe(200);
    const kv = await new Kvm(platform.nc).create('placement', { history: 1 });
    const behind = async () =>
      (await platform.gateway.get('/admin/state')).body.followers.find((one: any) => one.bucket === 'placement');
    await eventually('said', async () => (await behind()).detail?.includes('does not have 2 keys'));
    const metrics = (await platform.gateway.get('/metrics')).body;
    expect(metrics).toMatch(/gateway_follower_behind_seconds\{bucket="placement",.*\} [0-9.]*[1-9]/);
    expect(metrics).toMatch(/gateway_follower_behind_seconds\{bucket="iam_revocations",.*\} 0/);
    await kv.put('aggregate.fresh', JSON.stringify({ shard: 'a2', revision: 1, job_id: null }));
    expect((await platform.command('fresh', deposit('f1'))).status).toBe(200);
    expect((await platform.command('acme', deposit('lost-2'))).status).toBe(200);
    // Published again on the other shard, at a revision far below the one before.
    await kv.put('aggregate.acme', JSON.stringify({ shard: 'a2', revision: 1, job_id: null }));
    await kv.put('projection.acme', JSON.stringify({ shard: 'p1', revision: 1, job_id: null }));
    expect((await platform.command('acme', deposit('lost-3'))).status).toBe(200);
    await eventually('vouched for', async () => (await behind()).behind_since === null);
    expect((await platform.gateway.get('/admin/state?tenant_id=acme')).body.routes[0]).toMatchObject({
      shard_id: 'a2',
    });
  });

  it('GEN-04 lists its routes page by page, and refuses what it was not asked for', async () => {
    const page = (query: string) => platform.gateway.get(`/admin/routes${query}`);
    const { body } = await page('?limit=2');
    expect(body.routes.map((one: any) => `${one.kind}.${one.tenant_id}`)).toEqual([
      'aggregate.acme',
      'aggregate.fresh',
    ]);
    const rest = await page(`?limit=2&after=${body.next}`);
    expect(rest.body).toEqual({
      routes: [{ kind: 'projection', tenant_id: 'acme', shard_id: 'p1', revision: 1 }],
      next: null,
    });
    expect((await page('?limit=0')).status).toBe(400);
    expect((await page('?tenant=x')).status).toBe(400);
    expect((await platform.gateway.get('/admin/state?tenant=acme')).status).toBe(400);
    expect((await call(`${platform.gateway.url}/admin/routes`)).status).toBe(401);
    expect((await platform.node('a1').get('/admin/state?tenant_id=nobody')).body).toMatchObject({ tenants: [] });
  });
});
