import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Connection } from '@cloudlysis/contract';
import { systemAmbient, type Ambient } from '../kernel/ambient.ts';
import { bareText, bareUrl } from '../kernel/bare-url.ts';
import { BEGIN_MS, testConnections } from './connections.ts';
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

const hanging = (count: number): Probe[] =>
  Array.from({ length: count }, (_, n) => probe(`hangs-${n}`, () => new Promise<never>(() => undefined)));

/** Its time passes a hundred times as fast. */
function hasty(): Ambient {
  const system = systemAmbient();
  const [monotonic, after] = [() => system.monotonic() * 100, (ms: number, then: () => void) => system.after(ms / 100, then)]; // prettier-ignore
  return { ...system, monotonic, after };
}

it('UI-12 one that fails, one that is not there and a hundred that hang leave a sound one behind them alone', async () => {
  let stopped = 0;
  const heeds = probe('heeds', (signal) => new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error(`${(stopped += 1)}`))))); // prettier-ignore
  const fails = probe('bad', async () => {
    throw new Error('refused by mongodb://ada:s3cret@db1', { cause: { code: 'ECONNREFUSED' } });
  });
  const probes = [heeds, ...hanging(100), fails, probe('absent', async () => null), probe('good', async () => 'sound')];
  const items = await testConnections(probes, hasty());
  for (const item of items) expect(Connection.safeParse({ environment: null, ...item }).success).toBe(true);
  const of = (id: string) => items.find((item) => item.id === id);
  expect(items.map(({ id }) => id)).toEqual(probes.map(({ id }) => id));
  expect(of('good')).toMatchObject({ state: 'ok', detail: 'sound', latency_ms: expect.any(Number) });
  for (const id of ['heeds', 'hangs-0', 'hangs-63', 'hangs-99'])
    expect(of(id)).toMatchObject({ state: 'failed', latency_ms: null, detail: 'no answer within 2500 ms' });
  expect(of('bad')).toMatchObject({ state: 'failed', detail: 'refused by mongodb://db1 (ECONNREFUSED)' });
  expect(of('absent')).toMatchObject({ state: 'not-configured', latency_ms: null });
  expect(stopped).toBe(1);
});

it('UI-12 what is not asked because too many hang is told as not asked, and the answer comes in time', async () => {
  const asked = new Set<string>();
  const counted = hanging(1_000).map((one) => ({ ...one, run: (signal: AbortSignal) => (asked.add(one.id), one.run(signal)) })); // prettier-ignore
  const ambient = hasty();
  const began = ambient.monotonic();
  const items = await testConnections([probe('first', async () => 'sound'), ...counted], ambient);
  expect(ambient.monotonic() - began).toBeGreaterThan(BEGIN_MS);
  expect(items[0]).toMatchObject({ state: 'ok' });
  for (const { id, state } of items.slice(1)) expect([id, state]).toEqual([id, asked.has(id) ? 'failed' : 'not-asked']);
  expect(asked.size).toBeGreaterThanOrEqual(64);
  expect(asked.size).toBeLessThan(1_000);
  expect(items.at(-1)).toMatchObject({
    state: 'not-asked',
    latency_ms: null,
    detail: expect.stringMatching(/^not asked/),
  });
});

it('UI-12 a failure says why, without credentials', async () => {
  const fails = probe('bad', async () => {
    throw new Error('refused by mongodb://ada:s3cret@db1', { cause: { code: 'ECONNREFUSED' } });
  });
  const [item] = await testConnections([fails], systemAmbient());
  expect(item).toMatchObject({ state: 'failed', detail: 'refused by mongodb://db1 (ECONNREFUSED)' });
});
