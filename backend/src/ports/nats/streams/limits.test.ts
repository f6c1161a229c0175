// The limits of streams against a real server: past 500 tenants, on what an earlier version made, and at the end of one.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNats, type TestNats } from '../../../../../testing/nats.ts';
import { eventually } from '../../../../testing/eventually.ts';
import { connectNats, nearLimits, toldLimit, type NatsPort } from '../index.ts';
import { MAX_CONSUMERS } from './limits.ts';
import { isLimit } from '../port/connection.ts';

let server: TestNats;
let direct: NatsConnection;
let jsm: JetStreamManager;

beforeAll(async () => {
  server = await startNats({ durable: false });
  direct = await connect({ servers: server.url });
  jsm = await jetstreamManager(direct);
});
afterAll(async () => {
  await direct?.close();
  await server?.stop();
});

const told = async (stream: string): Promise<number> => (await jsm.streams.info(stream)).config.max_consumers;
const tell = async (stream: string, max_consumers: number): Promise<unknown> =>
  jsm.streams.update(stream, Object.assign({ ...(await jsm.streams.info(stream)).config }, { max_consumers }));
const forEach = async (from: number, to: number, work: (tenant: string) => Promise<unknown>): Promise<void> => {
  for (let n = from; n < to; n += 50)
    await Promise.all(Array.from({ length: Math.min(50, to - n) }, (_, more) => work(`tenant-${n + more}`)));
};
const consumersOf = (port: NatsPort) =>
  port.limits().then((all) => all.find(({ stream, what }) => stream === 'EVENTS' && what === 'consumers'));

test('TEN-10 the 501st tenant has its consumers, also on streams that an earlier version made and filled', async () => {
  await jsm.streams.add({ name: 'EVENTS', subjects: ['events.>'], allow_direct: true });
  await jsm.streams.add({ name: 'IAM', subjects: ['iam.events.>'], max_consumers: 7 });
  await jsm.streams.add({ name: 'KV_config', subjects: ['$KV.config.>'], allow_direct: true });
  for (const kind of ['projection', 'runner'])
    await forEach(0, 500, (tenant) =>
      jsm.consumers.add('EVENTS', { durable_name: `${kind}-${tenant}`, filter_subject: `events.${tenant}.>` }),
    );
  await expect(jsm.consumers.add('EVENTS', { durable_name: 'one-more' })).rejects.toThrow(/maximum consumers limit/);
  const port = await connectNats(server.url);
  try {
    // At its start alone, without a call of anybody.
    await eventually('EVENTS is raised', async () => (await told('EVENTS')) === MAX_CONSUMERS);
    await forEach(500, 520, (tenant) => port.ensureConsumers(tenant));
    expect(await port.consumer('tenant-519', 'runner')).toMatchObject({ name: 'runner-tenant-519' });
    expect(await consumersOf(port)).toEqual({ stream: 'EVENTS', what: 'consumers', used: 1040, limit: MAX_CONSUMERS });
    await port.ensureStreams();
    for (const stream of ['EFFECTS', 'IAM', 'KV_placement', 'KV_config'])
      expect([stream, await told(stream)]).toEqual([stream, MAX_CONSUMERS]);
  } finally {
    await port.close();
  }
});

test('TEN-10 a limit above ours stays; one that somebody lowered while we run is raised when it is looked at', async () => {
  const port = await connectNats(server.url);
  try {
    await port.ensureStreams();
    await tell('EVENTS', 250_000);
    await tell('EFFECTS', 1);
    await port.limits();
    expect([await told('EVENTS'), await told('EFFECTS')]).toEqual([250_000, MAX_CONSUMERS]);
    await port.ensureStreams();
    expect(await told('EVENTS')).toBe(250_000);
  } finally {
    await port.close();
  }
});

test('TEN-10 where the account ends it, that is said before and a clear problem when it binds', async () => {
  const more = 'accounts { A { jetstream { max_consumers: 10 }, users: [{user: a, password: a}] } }\nno_auth_user: a\n';
  const small = await startNats({ durable: false, more });
  const port = await connectNats(small.url);
  try {
    await port.ensureStreams();
    expect(await consumersOf(port)).toMatchObject({ used: 0, limit: 10 });
    for (const tenant of ['t1', 't2', 't3']) await port.ensureConsumers(tenant);
    expect(nearLimits(await port.limits())).toEqual([]);
    await port.ensureConsumers('t4');
    expect(nearLimits(await port.limits()).map(toldLimit)).toEqual(['EVENTS has 8 of 10 consumers (80 %)']);
    await port.ensureConsumers('t5');
    await expect(port.ensureConsumers('t6')).rejects.toMatchObject({
      code: 'bus.limit_reached',
      message: 'NATS refuses: making the consumers of t6: maximum consumers limit reached',
    });
    expect(nearLimits(await port.limits()).map(toldLimit)).toEqual(['EVENTS has 10 of 10 consumers (100 %)']);
    const big = { paused: true, reason: 'x'.repeat(1_100_000), revision: 1 };
    await expect(port.config.put('tenants.t1', big, 0)).rejects.toMatchObject({ code: 'bus.limit_reached' });
  } finally {
    await port.close();
    await small.stop();
  }
});

test('TEN-10 an error that is no limit is not told as one', () => {
  for (const other of [new Error('timeout'), new TypeError('x'), 'text', undefined, null, { code: 10026 }])
    expect(isLimit(other)).toBe(false);
});
