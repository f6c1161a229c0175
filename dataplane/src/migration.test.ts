import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { startNats } from '../../testing/nats.ts';
import { eventually, moveTenant, startPlatform, type TestPlatform } from '../testing/platform.ts';
import { readLog } from './load/verify-log.ts';
import { runLoad, tenantNames } from './load/run-load.ts';

const TENANTS = tenantNames(12);

const RATE = 60;

describe('moving live tenants', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startPlatform('a1', 'a2', 'p1', 'r1', 'r2', 'g1');
    for (const [index, tenant] of TENANTS.entries()) {
      await platform.place('aggregate', tenant, `a${(index % 2) + 1}`);
      await platform.place('projection', tenant, 'p1');
      await platform.place('runner', tenant, `r${(index % 2) + 1}`);
    }
    for (const node of platform.nodes.values()) await node.post('/admin/reload');
  });
  afterAll(() => platform.stop());

  const load = async (seed: number, seconds: number) =>
    runLoad({
      gateway: platform.gateway.url,
      nats: platform.nats.url,
      tenants: TENANTS,
      // Enough to be in flight at every step; how fast it can be is what the benchmark says.
      rate: RATE,
      seconds,
      seed,
      noisy: 'tenant-01',
      token: await platform.token(),
    });

  it('SCL-06 a tenant moves back and forth under load: nothing refused, lost or doubled', async () => {
    const running = load(1, 5);
    await sleep(500);
    for (let turn = 0; turn < 4; turn++) {
      const [from, to] = turn % 2 === 0 ? ['a1', 'a2'] : ['a2', 'a1'];
      await moveTenant(platform, 'tenant-01', from!, to!);
      expect(await platform.node(from!).tenant('tenant-01')).toBeUndefined();
      expect(await platform.node(to!).tenant('tenant-01')).toMatchObject({ state: 'serving' });
      await sleep(300);
    }
    const result = await running;
    expect(result).toMatchObject({ failed: 0, lost: 0, duplicated: 0, gaps: 0 });
    expect(result.acknowledged + result.declined).toBe(RATE * 5);
  });

  it('SCL-06 kill -9 of an aggregate and a runner, then of NATS, under load: nothing lost, nothing doubled', async () => {
    const running = load(2, 6);
    await sleep(700);
    await Promise.all([platform.node('a1').kill(), platform.node('r1').kill()]);
    await Promise.all([platform.node('a1').start(), platform.node('r1').start()]);
    await sleep(500);
    const { port, storeDir } = platform.nats;
    platform.nats.kill();
    await eventually('not ready', async () => (await platform.node('a2').get('/health/ready')).status === 503);
    platform.nats = await startNats({ port, storeDir });
    for (const node of platform.nodes.values()) {
      await eventually(`${node.shard} ready`, async () => (await node.get('/health/ready')).status === 200);
    }
    const result = await running;
    expect(result).toMatchObject({ lost: 0, duplicated: 0, gaps: 0 });
    expect(result.acknowledged).toBeGreaterThan(0);
  });

  it('GEN-06 OPS-07 after all that every transfer has exactly one effect, and read models match the log', async () => {
    const jsm = await jetstreamManager(platform.nc);
    let transfers = 0;
    for (const tenant of TENANTS) {
      const events = await readLog(platform.nc, tenant);
      transfers += events.filter((event) => event.type === 'transferred').length;
      await eventually(
        `${tenant} projected`,
        async () => {
          const { body } = await platform.view(tenant, 'totals');
          return body.version === events.length && body.data.events === events.length;
        },
        20_000,
      );
    }
    const effects = async () => (await jsm.streams.info('EFFECTS')).state.messages;
    await eventually('effects done', async () => (await effects()) >= transfers);
    await sleep(300);
    expect(await effects()).toBe(transfers);
  });
});

describe('a shard that does not know it lost its tenant', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startPlatform('a2', 'g1');
    const file = `${platform.folder}/static.json`;
    const { writeFile } = await import('node:fs/promises');
    await writeFile(file, JSON.stringify({ 'aggregate.acme': { shard: 'a1', revision: 1, job_id: null } }));
    await (await platform.add('a1', { PLACEMENT_SOURCE: 'static', PLACEMENT_FILE: file })).start();
    await platform.placed('a2', 'acme');
  });
  afterAll(() => platform.stop());

  it('SCL-06 its stale state is refused by JetStream, and duplicates are known across shards', async () => {
    const ask = async (shard: string, command_id: string) => {
      const body = { command_id, type: 'deposit', data: { account: 'a', amount: 1 } };
      const reply = await platform.nc.request(`commands.${shard}.acme`, JSON.stringify(body), { timeout: 5000 });
      return reply.json<any>();
    };
    expect(await ask('a1', 'c1')).toMatchObject({ ok: true, result: { version: 1 } });
    expect(await ask('a2', 'c1')).toMatchObject({ ok: true, result: { version: 1, duplicate: true } });
    expect(await ask('a2', 'c2')).toMatchObject({ ok: true, result: { version: 2 } });
    // a1 still believes version 1 is the head, and decides on it.
    expect(await ask('a1', 'c2')).toMatchObject({ ok: true, result: { version: 2, duplicate: true } });
    await Promise.all(Array.from({ length: 40 }, (_, i) => ask(i % 2 ? 'a1' : 'a2', `race-${i >> 1}`).catch(() => 0)));
    const events = await readLog(platform.nc, 'acme');
    expect(events.map((event) => event.version)).toEqual(events.map((_, index) => index + 1));
    expect(new Set(events.map((event) => event.command_id)).size).toBe(events.length);
  });

  it('SCL-03 static placement is read again on reload only', async () => {
    const { writeFile } = await import('node:fs/promises');
    const entry = (shard: string, revision: number) => JSON.stringify({ 'aggregate.acme': { shard, revision } });
    const file = `${platform.folder}/static.json`;
    await writeFile(file, entry('a9', 2));
    expect(await platform.node('a1').tenant('acme')).toBeDefined();
    const reloaded = await platform.node('a1').post('/admin/reload');
    expect(reloaded.body).toMatchObject({ placement_revision: 2, tenants: [] });
    await writeFile(file, '{ not json');
    expect((await platform.node('a1').post('/admin/reload')).status).toBe(400);
  });
});
