// The NATS port against a real server: boards, streams, logs, and a server that goes away.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstream, jetstreamManager, type JetStreamClient } from '@nats-io/jetstream';
import { Registry } from 'prom-client';
import { startNats, type TestNats } from '../../../../testing/nats.ts';
import { connectNats, type NatsPort } from './index.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';

let server: TestNats;
let port: NatsPort;
const metrics = new Registry();

beforeAll(async () => {
  server = await startNats();
  port = await connectNats(server.url, { metrics });
});
afterAll(async () => {
  await port.close();
  await server.stop();
});

const placed = (shard: string, revision: number) => ({ shard, revision, job_id: null });

async function raw<T>(work: (js: JetStreamClient, nc: NatsConnection) => Promise<T>): Promise<T> {
  const nc = await connect({ servers: server.url });
  try {
    return await work(jetstream(nc), nc);
  } finally {
    await nc.close();
  }
}

async function publish(tenant: string, versions: number[]): Promise<void> {
  await raw(async (js) => {
    for (const version of versions) {
      const event = {
        event_id: `e${version}`,
        tenant_id: tenant,
        version,
        command_id: `c${version}`,
        type: 't',
        data: {},
      };
      await js.publish(`events.${tenant}.log`, JSON.stringify({ ...event, at: 'now', shard_id: 'a1' }));
    }
  });
}

test('SCL-04 a board swaps on the revision: one of two writers wins', async () => {
  expect(await port.placement.get('aggregate.acme')).toBeNull();
  expect(await port.placement.put('aggregate.acme', placed('a1', 1), 0)).toBe(true);
  expect(await port.placement.put('aggregate.acme', placed('a2', 1), 0)).toBe(false);
  const { kvRevision } = (await port.placement.get('aggregate.acme'))!;
  const writers = ['a2', 'a3', 'a4'].map((shard) => port.placement.put('aggregate.acme', placed(shard, 2), kvRevision));
  expect((await Promise.all(writers)).filter(Boolean)).toHaveLength(1);
  await port.placement.delete('aggregate.acme');
  expect(await port.placement.get('aggregate.acme')).toBeNull();
  expect(await port.placement.put('aggregate.acme', placed('a1', 3), 0)).toBe(true);
  expect(await port.placement.all()).toMatchObject([{ key: 'aggregate.acme', value: placed('a1', 3) }]);
});

test('SCL-04 a bucket that is not there is made at the first call, and 2 500 keys are read without a consumer', async () => {
  await raw(async (_js, nc) => {
    const jsm = await jetstreamManager(nc);
    await jsm.streams.delete('KV_config').catch(() => undefined);
  });
  const flags = { paused: false, reason: '', revision: 1 };
  expect(await port.config.put('tenants.t0', flags, 0)).toBe(true);
  // A hundred at a time: every write is synced to disk.
  for (let from = 1; from < 2500; from += 100) {
    const keys = Array.from({ length: Math.min(100, 2500 - from) }, (_, index) => `tenants.t${from + index}`);
    await raw((js) => Promise.all(keys.map((key) => js.publish(`$KV.config.${key}`, JSON.stringify(flags)))));
  }
  await port.config.delete('tenants.t7');
  expect(await port.config.all()).toHaveLength(2499);
  await raw(async (_js, nc) => {
    const jsm = await jetstreamManager(nc);
    expect((await jsm.streams.info('KV_config')).state.consumer_count).toBe(0);
  });
});

test('a value that is not as the contract says is counted, ignored, and can be written over', async () => {
  await raw((js) => js.publish('$KV.placement.aggregate.bad', '{"shard":'));
  await raw((js) => js.publish('$KV.placement.aggregate.odd', '{"shard":7}'));
  expect(await port.placement.get('aggregate.bad')).toBeNull();
  expect((await port.placement.all()).map(({ key }) => key)).not.toContain('aggregate.odd');
  expect(await metrics.metrics()).toMatch(/cp_bus_unreadable_total\{source="placement"\} 3/);
  expect(await port.placement.put('aggregate.bad', placed('a1', 1), 0)).toBe(true);
  expect((await port.placement.get('aggregate.bad'))?.value).toEqual(placed('a1', 1));
});

test('SCL-10 the lag of a consumer is what is pending plus what is not acknowledged', async () => {
  await port.ensureStreams();
  expect(await port.consumer('acme', 'projection')).toBeNull();
  expect(await port.ensureConsumers('acme')).toEqual(['projection-acme', 'runner-acme']);
  expect(await port.ensureConsumers('acme')).toEqual([]);
  await publish('acme', [1, 2, 3]);
  await raw(async (js) => {
    await (await js.consumers.get('EVENTS', 'projection-acme')).next();
    expect(await port.consumer('acme', 'projection')).toMatchObject({ lag: 3, pending: 2, ackPending: 1 });
  });
  await port.deleteConsumers('acme', ['projection-acme', 'runner-acme']);
  await port.deleteConsumers('acme', ['projection-acme']);
  expect(await port.consumer('acme', 'projection')).toBeNull();
});

test('SCL-10 all consumers are told in pages, each with its lag, and none where there is no log', async () => {
  const toldOf = async () => {
    const told = new Map<string, number>();
    for await (const page of port.consumers()) {
      expect(page.length).toBeLessThanOrEqual(256);
      for (const { name, lag } of page) told.set(name, lag);
    }
    return told;
  };
  await port.ensureStreams();
  const ids = Array.from({ length: 150 }, (_, index) => `many-${index}`);
  for (const id of ids) await port.ensureConsumers(id);
  await publish('many-7', [1, 2, 3]);
  const told = await toldOf();
  for (const id of ids) {
    const lag = id === 'many-7' ? 3 : 0;
    expect([id, told.get(`projection-${id}`), told.get(`runner-${id}`)]).toEqual([id, lag, lag]);
  }
  await raw(async (js) => void (await (await js.jetstreamManager()).streams.delete('EVENTS')));
  expect(await toldOf()).toEqual(new Map());
  await port.ensureStreams();
});

test('a tenant’s log is read back in order, bounded, past other tenants, without a consumer', async () => {
  expect(await port.lastEvent('zeta')).toEqual({ version: 0, seq: 0, at: null });
  await publish('zeta', [1]);
  await publish('other', [1, 2]);
  await publish('zeta', [2, 3]);
  await raw((js) => js.publish('events.zeta.log', 'not json'));
  const { version, seq } = (await port.eventsAfter('zeta', 0, 1))[0]!;
  expect(version).toBe(1);
  const after = await port.eventsAfter('zeta', seq, 10);
  expect(after.map((event) => event.version)).toEqual([2, 3]);
  expect(after[1]!.storedAt).toBeGreaterThanOrEqual(after[0]!.storedAt);
  expect(await port.lastEvent('zeta')).toMatchObject({ version: 0, seq: after[1]!.seq + 1 });
  expect(await port.eventsAfter('zeta', after[1]!.seq + 1, 10)).toEqual([]);
  expect(await port.eventsAfter('nobody', 0, 10)).toEqual([]);
  const many = Array.from({ length: 2100 }, (_, index) => index + 1);
  await publish('many', many);
  expect((await port.eventsAfter('many', 0, 5000)).map((event) => event.version)).toEqual(many);
  expect(await port.eventsAfter('many', 0, 1500)).toHaveLength(1500);
});

test('NATS down: every call is refused within 3 s, and works again when the server is back', async () => {
  const own = await startNats({ storeDir: mkdtempSync(join(tmpdir(), 'nats-')) });
  const cut = await connectNats(own.url);
  await cut.placement.put('aggregate.acme', placed('a1', 1), 0);
  await own.stop();
  const late = async (call: Promise<unknown>): Promise<number> => {
    const started = stopwatch();
    await expect(call).rejects.toMatchObject({ code: 'bus.unavailable', status: 503 });
    return started();
  };
  const calls = [
    cut.ping(),
    cut.placement.get('aggregate.acme'),
    cut.placement.all(),
    cut.lastEvent('acme'),
    cut.placement.put('aggregate.acme', placed('a2', 2), 1),
  ];
  // The deadline is 3 s; the rest is for a machine that is busy with other tests.
  for (const ms of await Promise.all(calls.map(late))) expect(ms).toBeLessThan(3800);
  const back = await startNats({ port: own.port, storeDir: own.storeDir });
  expect((await cut.placement.get('aggregate.acme'))?.value).toEqual(placed('a1', 1));
  await cut.close();
  await back.stop();
  rmSync(own.storeDir, { recursive: true, force: true, maxRetries: 10 });
});

test('a port starts without NATS and connects when it comes', async () => {
  const own = await startNats();
  await own.stop();
  const port = await connectNats(own.url);
  await expect(port.ping()).rejects.toThrow(/connection refused/);
  const back = await startNats({ port: own.port });
  await expect(port.ping()).resolves.toBeLessThan(3000);
  await port.close();
  await back.stop();
});

test('SCL-03 a static file is read anew at every call and refuses to be written', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'placement-')), 'placement.json');
  writeFileSync(file, JSON.stringify({ 'aggregate.acme': placed('a1', 4), 'aggregate.bad': { shard: 1 } }));
  const fixed = await connectNats(server.url, { placementFile: file });
  expect(await fixed.placement.all()).toMatchObject([{ key: 'aggregate.acme', value: placed('a1', 4) }]);
  await expect(fixed.placement.put('aggregate.acme', placed('a2', 5), 1)).rejects.toMatchObject({
    code: 'placement.read_only',
  });
  writeFileSync(file, JSON.stringify({ 'aggregate.acme': placed('a2', 5) }));
  expect((await fixed.placement.get('aggregate.acme'))?.value.shard).toBe('a2');
  writeFileSync(file, '{');
  expect(await fixed.placement.all()).toEqual([]);
  rmSync(file);
  await expect(fixed.placement.all()).rejects.toMatchObject({ code: 'bus.unavailable' });
  await fixed.close();
});
