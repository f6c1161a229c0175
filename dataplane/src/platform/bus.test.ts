// What a node makes of the platform at its start, on a NATS that is empty or was set up by an earlier version.
import { expect, test } from '@jest/globals';
import { startNats } from '../../../testing/nats.ts';
import { connectBus, ensurePlatform } from './bus.ts';
import { BUCKETS, MAX_CONSUMERS, STREAMS } from './names.ts';

test('TEN-10 a node gives every stream and bucket room for its consumers, and lowers none', async () => {
  const server = await startNats();
  const bus = await connectBus(server.url, 'test', () => undefined);
  try {
    const told = async (stream: string): Promise<number> => (await bus.jsm.streams.info(stream)).config.max_consumers;
    await bus.jsm.streams.add({ name: 'EVENTS', subjects: ['events.>'], allow_direct: true });
    await bus.jsm.streams.add({ name: 'IAM', subjects: ['iam.events.>'], max_consumers: 500_000 });
    await bus.jsm.streams.add({ name: 'KV_outbox', subjects: ['$KV.outbox.>'], max_consumers: 3 });
    await ensurePlatform(bus);
    await ensurePlatform(bus);
    expect(await told('IAM')).toBe(500_000);
    for (const stream of [...Object.keys(STREAMS), ...BUCKETS.map((name) => `KV_${name}`)].filter((it) => it !== 'IAM'))
      expect([stream, await told(stream)]).toEqual([stream, MAX_CONSUMERS]);
  } finally {
    await bus.nc.close();
    await server.stop();
  }
});
