import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Connection } from '@cloudlysis/contract';
import { systemAmbient } from '../kernel/ambient.ts';
import { bareText, bareUrl } from '../kernel/bare-url.ts';
import { PROBE_MS, testConnections } from './connections.ts';
import type { Probe } from '../feature/probe.ts';

const probe = (id: string, run: Probe['run']): Probe => ({ id, title: id, target: 'there', run });

it('NFR-05 an address is shown without user, password and query, alone or in a list', () => {
  expect(bareUrl('mongodb://ada:s3cret@db1:27017,db2:27017/control?authSource=admin')).toBe(
    'mongodb://db1:27017,db2:27017/control',
  );
  expect(bareUrl('nats://token@bus:4222, nats://u:p@bus2:4222/')).toBe('nats://bus:4222,nats://bus2:4222');
  expect(bareUrl('bus:4222')).toBe('bus:4222');
  expect(bareUrl('https://grafana.test/api/keys?token=s3cret#x')).toBe('https://grafana.test/api/keys');
  expect(bareText('connect mongodb://ada:s3cret@db1:27017 failed')).toBe('connect mongodb://db1:27017 failed');
  const word = fc.stringMatching(/^[a-zA-Z0-9_-]{8,20}$/);
  fc.assert(
    fc.property(
      word,
      word,
      fc.constantFrom('mongodb://', 'mongodb+srv://', 'nats://', 'https://', ''),
      (user, secret, scheme) => {
        expect(bareUrl(`${scheme}${user}:${secret}@host:1/path?key=${secret}`)).toBe(`${scheme}host:1/path`);
      },
    ),
  );
});

it('UI-12 all are tested at once: one that hangs, one that fails and one that is not there leave the others alone', async () => {
  const system = systemAmbient();
  const waits: number[] = [];
  // Their time passes at once, and is asked for once for all of them.
  const sleep: typeof system.sleep = (ms, signal) => system.sleep(waits.push(ms) * 20, signal);
  const hangs = Array.from({ length: 100 }, (_, n) => probe(`hangs-${n}`, () => new Promise<never>(() => undefined)));
  const items = await testConnections(
    [
      probe('good', async () => 'round trip 1 ms'),
      ...hangs,
      probe('bad', async () => {
        throw new Error('refused by mongodb://ada:s3cret@db1', { cause: { code: 'ECONNREFUSED' } });
      }),
      probe('absent', async () => null),
    ],
    { ...system, sleep },
  );
  expect(waits).toEqual([PROBE_MS]);
  for (const item of items) expect(Connection.safeParse(item).success).toBe(true);
  const of = (id: string) => items.find((item) => item.id === id);
  expect(items.map(({ id }) => id)).toEqual(['good', ...hangs.map(({ id }) => id), 'bad', 'absent']);
  expect(of('good')).toMatchObject({ state: 'ok', detail: 'round trip 1 ms', latency_ms: expect.any(Number) });
  expect(of('hangs-99')).toMatchObject({ state: 'failed', latency_ms: null, detail: 'no answer within 2500 ms' });
  expect(of('absent')).toMatchObject({ state: 'not-configured', latency_ms: null });
});

it('UI-12 a failure says why, without credentials', async () => {
  const fails = probe('bad', async () => {
    throw new Error('refused by mongodb://ada:s3cret@db1', { cause: { code: 'ECONNREFUSED' } });
  });
  const [item] = await testConnections([fails], systemAmbient());
  expect(item).toMatchObject({ state: 'failed', detail: 'refused by mongodb://db1 (ECONNREFUSED)' });
});
