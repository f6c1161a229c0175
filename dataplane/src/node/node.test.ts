import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { call, eventually, startPlatform, type TestPlatform } from '../../testing/platform.ts';
import { stopwatch } from '../../../testing/stopwatch.ts';

const send = (
  platform: TestPlatform,
  command_id: string,
  type = 'deposit',
  data: object = { account: 'a', amount: 9 },
) => platform.command('acme', { command_id, type, data });

describe('a node', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startPlatform('a1', 'p1', 'r1', 'g1');
    for (const shard of ['a1', 'p1', 'r1']) await platform.placed(shard, 'acme');
  });
  afterAll(() => platform.stop());
  const fault = (shard: string, faults: object) => platform.node(shard).post('/admin/faults', faults);

  it('OPS-07 a drained tenant finishes what is in flight and takes nothing new', async () => {
    const a1 = platform.node('a1');
    await fault('a1', { slow_ms: 300 });
    const inFlight = send(platform, 'slow-1');
    await eventually('in flight', async () => (await a1.tenant('acme')).in_flight === 1);
    expect((await a1.get('/metrics')).body).toMatch(/aggregate_in_flight_commands\{tenant_id="acme".*\} 1/);
    const drain = await a1.post('/admin/drain', { tenant_id: 'acme' });
    expect(drain).toMatchObject({
      status: 202,
      body: { draining: false, tenants: [{ state: 'draining', in_flight: 1 }] },
    });
    const waiting = send(platform, 'waits');
    expect((await inFlight).status).toBe(200);
    expect((await a1.get('/admin/drain')).body.tenants).toEqual([
      { tenant_id: 'acme', state: 'drained', in_flight: 0 },
    ]);
    await fault('a1', { slow_ms: 0 });
    await a1.post('/admin/resume', { tenant_id: 'acme' });
    expect((await waiting).body.version).toBe(2);
  });

  it('SCL-11 a stuck command keeps a drain from converging until it is freed', async () => {
    const a1 = platform.node('a1');
    await fault('a1', { stuck: true });
    const stuck = send(platform, 'stuck-1');
    await eventually('in flight', async () => (await a1.tenant('acme')).in_flight > 0);
    await a1.post('/admin/drain', {});
    await sleep(200);
    expect((await a1.get('/admin/state')).body).toMatchObject({ draining: true, tenants: [{ state: 'draining' }] });
    await fault('a1', { stuck: false });
    await eventually('drained', async () => (await a1.tenant('acme')).state === 'drained');
    await a1.post('/admin/resume', {});
    expect((await stuck).status).toBe(200);
  });

  it('GEN-05 GEN-06 OPS-08 projection and runner drain: the log moves on, the checkpoint stays; resumed they catch up', async () => {
    const jsm = await jetstreamManager(platform.nc);
    const pending = async (kind: string) => (await jsm.consumers.info('EVENTS', `${kind}-acme`)).num_pending;
    for (const shard of ['p1', 'r1']) await platform.node(shard).post('/admin/drain', {});
    const asks = async (kind: string) => (await jsm.consumers.info('EVENTS', `${kind}-acme`)).num_waiting;
    await eventually('no one asks for more', async () => (await asks('projection')) + (await asks('runner')) === 0);
    const { version } = (await send(platform, 'while-drained', 'transfer', { from: 'a', to: 'b', amount: 1 })).body;
    await sleep(300);
    expect([await pending('projection'), await pending('runner')]).toEqual([1, 1]);
    for (const shard of ['p1', 'r1']) await platform.node(shard).post('/admin/resume', {});
    await eventually('projected', async () => (await platform.view('acme', 'totals')).body.version === version);
    await eventually('effect', async () => (await jsm.streams.info('EFFECTS')).state.messages === 1);
  });

  it('GEN-05 OBS-31 a failing projection counts its errors, skips nothing, and a rebuild reaches the same model', async () => {
    const p1 = platform.node('p1');
    await fault('p1', { error_rate: 0.5 });
    for (let i = 0; i < 5; i++) await send(platform, `err-${i}`);
    const errors = /projection_processing_errors_total\{tenant_id="acme",view_type="balances".*\} [1-9]/;
    await eventually('errors counted', async () => errors.test((await p1.get('/metrics')).body));
    await fault('p1', { error_rate: 0 });
    const head = (await send(platform, 'err-last')).body.version;
    await eventually('projected', async () => (await platform.view('acme', 'balances')).body.version === head);
    const before = (await platform.view('acme', 'balances')).body;
    const { status, body } = await p1.post('/admin/rebuild', { tenant_id: 'acme' });
    expect(status).toBe(202);
    const rebuild = async () => (await p1.get(`/admin/rebuild/${body.rebuild_id}`)).body;
    await eventually('rebuilt', async () => (await rebuild()).state === 'succeeded');
    expect(await rebuild()).toMatchObject({ tenant_id: 'acme', processed: head, target: head });
    expect((await platform.view('acme', 'balances')).body).toEqual(before);
  });

  it('effects that keep failing end as dead letters and do not block the next', async () => {
    await fault('r1', { error_rate: 1 });
    await send(platform, 'dead', 'transfer', { from: 'a', to: 'b', amount: 1 });
    const dead = /runner_deadletter_total\{tenant_id="acme".*\} 1/;
    await eventually('dead letter', async () => dead.test((await platform.node('r1').get('/metrics')).body));
    await fault('r1', { error_rate: 0 });
    await send(platform, 'alive', 'transfer', { from: 'a', to: 'b', amount: 1 });
    const jsm = await jetstreamManager(platform.nc);
    const count = async (subject: string) =>
      (await jsm.streams.info('EFFECTS', { subjects_filter: '>' })).state.subjects?.[subject];
    await eventually('effect', async () => (await count('effects.acme')) === 2);
    expect(await count('effects.acme.dead')).toBe(1);
  });

  it('SCL-09 readiness is measured: a storage that cannot be written is not ready, and lies are possible only by fault', async () => {
    const r1 = platform.node('r1');
    const dir = `${platform.folder}/r1`;
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
    await writeFile(dir, 'a file where a folder should be');
    const { status, body } = await r1.get('/health/ready');
    expect([status, body.ready]).toEqual([503, false]);
    expect(body.dependencies.find((one: any) => one.name === 'storage').ok).toBe(false);
    await fault('r1', { lie_ready: 'ready' });
    expect((await r1.get('/health/ready')).status).toBe(200);
    await fault('r1', { lie_ready: null });
    await rm(dir);
    await mkdir(dir);
    await chmod(dir, 0o755);
    expect((await r1.get('/health/ready')).body.dependencies[1].detail).toMatch(/jetstream [\d.]+ ms, disk [\d.]+ ms/);
  });

  it('faults: refuses to drain, hangs, over-reports; unknown ones and strangers are refused', async () => {
    const a1 = platform.node('a1');
    await fault('a1', { refuse_drain: true, in_flight: 7 });
    expect((await a1.post('/admin/drain', {})).body.code).toBe('drain.refused');
    expect((await a1.tenant('acme')).in_flight).toBe(7);
    await fault('a1', { refuse_drain: false, in_flight: 0, hang: true });
    const hanging = a1.get('/admin/state');
    expect(await Promise.race([hanging.then(() => 'answered'), sleep(200, 'hangs')])).toBe('hangs');
    await fault('a1', { hang: false });
    expect((await hanging).status).toBe(200);
    expect((await fault('a1', { explode: true })).status).toBe(400);
    expect((await call(`${a1.url}/admin/faults`)).status).toBe(401);
    expect((await call(`${a1.url}/admin/state`)).status).toBe(401);
  });

  it('bounds bodies whether or not their length is told, and survives odd requests', async () => {
    const { port, url } = platform.node('a1');
    const big = JSON.stringify({ tenant_id: 'x'.repeat(1_100_000) });
    const headers = { authorization: 'Bearer node-secret' };
    const chunked = new Promise<number>((resolve, reject) => {
      const req = request({ port, path: '/admin/drain', method: 'POST', headers }, (res) => resolve(res.statusCode!));
      req.on('error', reject);
      req.write(big);
      req.end();
    });
    expect(await chunked).toBe(413);
    const raw = (path: string) =>
      new Promise<number>((resolve, reject) =>
        request({ port, path, headers }, (res) => resolve(res.statusCode!))
          .on('error', reject)
          .end(),
      );
    expect(await raw('//')).toBe(404);
    expect(await raw('http://[bad')).toBe(400);
    expect((await call(`${url}/health/live`, { method: 'DELETE' })).status).toBe(405);
    expect((await call(`${url}/health/live`)).status).toBe(200);
  });

  it('stops on SIGTERM with code 0, also without NATS, and says what is wrong with a bad configuration', async () => {
    expect(await platform.node('a1').signal('SIGTERM')).toBe(0);
    platform.nats.kill();
    await eventually('not ready', async () => (await platform.node('r1').get('/health/ready')).status === 503);
    const start = stopwatch();
    expect(await platform.node('r1').signal('SIGTERM')).toBe(0);
    expect(start()).toBeLessThan(2000);
    const broken = await platform.add('a3', { NATS_URL: 'nowhere' });
    broken.spawn();
    await eventually('message', async () => broken.output.includes('NATS_URL must be'));
  });
});
