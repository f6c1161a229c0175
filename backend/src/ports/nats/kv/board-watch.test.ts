// Watches over boards against a real NATS: whatever happens to the connection, the bucket or the server, they end as the bucket.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import fc from 'fast-check';
import { startNats, type TestNats } from '../../../../../testing/nats.ts';
import { temporaryFolder } from '../../../../../testing/processes.ts';
import { eventually } from '../../../../testing/eventually.ts';
import { connectNats, type BoardWatch, type NatsPort } from '../index.ts';

let server: TestNats;
let direct: NatsConnection;
let jsm: JetStreamManager;
let port: NatsPort;
const bucket = (): Promise<KV> => new Kvm(jetstream(direct)).open('iam_revocations');

beforeAll(async () => {
  server = await startNats();
  direct = await connect({ servers: server.url });
  jsm = await jetstreamManager(direct);
  port = await connectNats(server.url);
  await port.ensureStreams();
});
afterAll(async () => {
  await port?.close();
  await direct?.close();
  await server?.stop();
});

interface Told extends AsyncDisposable {
  readonly watch: BoardWatch;
  /** Keys with a value. */
  readonly there: Set<string>;
  /** Of the others, whether they were taken away. */
  readonly gone: Map<string, boolean>;
}

async function follow(on: NatsPort = port, keys = '>'): Promise<Told> {
  const there = new Set<string>();
  const gone = new Map<string, boolean>();
  const watch = on.revocations.watch('revocations', keys, (key, entry, isDeleted) => {
    if (entry) gone.delete(key);
    else gone.set(key, isDeleted);
    if (entry) there.add(key);
    else there.delete(key);
  });
  await watch.current();
  return { watch, there, gone, [Symbol.asyncDispose]: () => watch.stop() };
}

const shows = ({ there, watch }: Told, ...keys: string[]): Promise<unknown> =>
  eventually(`it shows ${keys.join()}`, async () => {
    const is = [...there].sort().join() === keys.toSorted().join();
    return is && watch.state().behindSince === null;
  }).catch((error: Error) => {
    throw new Error(`${error.message}: ${[...there].join()} ${JSON.stringify(watch.state())}`);
  });

test('IAM-23 a watch tells what is there, what is put, deleted, purged and gone without a word, and which of them was meant', async () => {
  const kv = await bucket();
  await kv.put('a', 'not json');
  await kv.put('b', '');
  await using told = await follow();
  await shows(told, 'a', 'b');
  await kv.put('c.d', '{}');
  await shows(told, 'a', 'b', 'c.d');
  await kv.delete('a');
  await kv.purge('b');
  await shows(told, 'c.d');
  expect([...told.gone].sort()).toEqual([['a', true], ['b', true]]); // prettier-ignore
  await kv.put('a', '1');
  await shows(told, 'a', 'c.d');
  await jsm.streams.purge('KV_iam_revocations', { filter: '$KV.iam_revocations.a' });
  await shows(told, 'c.d');
  expect(told.gone.get('a')).toBe(false);
  await jsm.streams.purge('KV_iam_revocations');
  await shows(told);
});

test('IAM-23 a bucket that is deleted and made anew with lower revisions is followed, and what it lost is told as missing', async () => {
  const kv = await bucket();
  for (let n = 0; n < 30; n++) await kv.put('old', String(n));
  await kv.put('both', '1');
  await using told = await follow();
  await shows(told, 'both', 'old');
  await kv.destroy();
  await (await new Kvm(jetstream(direct)).create('iam_revocations', { history: 5 })).put('both', '1');
  await shows(told, 'both');
  expect(told.gone.get('old')).toBe(false);
  // With history: what was deleted stays deleted, whatever came before.
  const anew = await bucket();
  await anew.put('new', '1');
  await anew.put('brief', '1');
  await anew.delete('brief');
  await shows(told, 'both', 'new');
  await told.watch.check();
  await shows(told, 'both', 'new');
  await anew.destroy();
  await shows(told);
  await port.ensureStreams();
});

test('IAM-23 nothing on the server can be forgotten: a watch has no consumer there', async () => {
  await using told = await follow();
  expect(await jsm.consumers.list('KV_iam_revocations').next()).toEqual([]);
  await (await bucket()).put('seen', '1');
  await shows(told, 'seen');
  await (await bucket()).purge('seen');
});

test('IAM-23 only the keys that were asked for are told', async () => {
  await using told = await follow(port, 'session.*');
  const kv = await bucket();
  for (const key of ['session.1', 'session.1.x', 'token.1', 'sessions']) await kv.put(key, '1');
  await shows(told, 'session.1');
  for (const key of ['session.1', 'session.1.x', 'token.1', 'sessions']) await kv.purge(key);
  await shows(told);
});

test('IAM-23 after a reconnect a watch goes on; while NATS is away it keeps what it knows and says since when; stopped it is silent', async () => {
  const storeDir = temporaryFolder('nats');
  let own = await startNats({ storeDir });
  const cut = await connectNats(own.url);
  await cut.ensureStreams();
  const put = (key: string) => cut.revocations.put(key, true, 0);
  await put('before');
  const told = await follow(cut);
  await shows(told, 'before');
  await own.stop();
  const since = await eventually('it says so', async () => told.watch.state().behindSince);
  expect(told.watch.state().reason).toMatch(/NATS/);
  expect([...told.there]).toEqual(['before']);
  await expect(told.watch.check()).rejects.toMatchObject({ code: 'bus.unavailable' });
  expect(told.watch.state().behindSince).toEqual(since);
  own = await startNats({ port: own.port, storeDir });
  await put('after');
  await shows(told, 'before', 'after');
  await told.watch.stop();
  await put('unheard');
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(told.there.has('unheard')).toBe(false);
  await cut.close();
  await own.stop();
});

test('IAM-23 a watch that is begun without NATS is behind, and reads everything when it comes', async () => {
  const own = await startNats({ storeDir: temporaryFolder('nats') });
  await own.stop();
  const late = await connectNats(own.url);
  const there: string[] = [];
  const watch = late.revocations.watch('revocations', '>', (key) => void there.push(key));
  expect(watch.state().behindSince).not.toBeNull();
  const back = await startNats({ port: own.port, storeDir: own.storeDir });
  await late.revocations.put('a', true, 0);
  await eventually('it is read', async () => there.includes('a') && watch.state().behindSince === null);
  await watch.stop();
  await late.close();
  await back.stop();
});

test('IAM-23 any puts, deletes, purges and buckets made anew end with the watch like the bucket', async () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom('put', 'delete', 'purge', 'vanish'), key) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('anew', 'empty', 'rest'), key) },
  );
  await using told = await follow();
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
    for (const [what, on] of steps) {
      const kv = await bucket();
      if (what === 'put') await kv.put(on, '1');
      else if (what === 'delete') await kv.delete(on);
      else if (what === 'purge') await kv.purge(on);
      else if (what === 'vanish')
        await jsm.streams.purge('KV_iam_revocations', { filter: `$KV.iam_revocations.${on}` });
      else if (what === 'empty') await jsm.streams.purge('KV_iam_revocations');
      else if (what === 'rest') await new Promise((resolve) => setTimeout(resolve, 100));
      else {
        await kv.destroy();
        await new Kvm(jetstream(direct)).create('iam_revocations', { history: on === 'a' ? 3 : 1 });
      }
    }
    const stored = (await port.revocations.all()).map(({ key: one }) => one);
    // A look comes four times a second; the copy may still show what was before the last steps.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await shows(told, ...stored);
  });
  await fc.assert(property, { numRuns: 12, endOnFailure: true });
});

test('SCL-03 a static board is watched, too: an edited file is told, one that is gone is said', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'placement-')), 'placement.json');
  const place = (entries: object) => writeFileSync(file, JSON.stringify(entries));
  const on = (shard: string) => ({ shard, revision: 1, job_id: null });
  place({ 'aggregate.acme': on('a1'), 'runner.acme': on('r1') });
  const fixed = await connectNats(server.url, { placementFile: file });
  const shown = new Map<string, string>();
  const watch = fixed.placement.watch(
    'published',
    'aggregate.*',
    (key, entry) => void (entry ? shown.set(key, entry.value.shard) : shown.delete(key)),
  );
  await watch.current();
  expect([...shown]).toEqual([['aggregate.acme', 'a1']]);
  place({ 'aggregate.acme': on('a2'), 'aggregate.zeta': on('a1') });
  await eventually('the edit is told', async () => shown.get('aggregate.acme') === 'a2' && shown.has('aggregate.zeta'));
  place({});
  await eventually('they are gone', async () => shown.size === 0);
  (await import('node:fs')).rmSync(file);
  await eventually('it is behind', async () => watch.state().behindSince);
  await watch.stop();
  await fixed.close();
});
