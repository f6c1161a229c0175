import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { startNats, type TestNats } from '../../../testing/nats.ts';
import { eventually } from '../../testing/platform.ts';
import { BucketStream } from './bucket-stream.ts';
import { connectBus, type Bus } from './bus.ts';
import { KvMirror, type HealCause } from './kv-mirror.ts';
import { parsePlacement } from './placement.ts';
import { RevisionedTable } from './revisioned-table.ts';

const OPS = ['put', 'delete', 'purge'] as const;
type Op = (typeof OPS)[number];

/** Every sequence of operations up to `length`, the empty one included. */
const sequences = (length: number): Op[][] =>
  length === 0 ? [[]] : [[], ...OPS.flatMap((op) => sequences(length - 1).map((rest) => [op, ...rest]))];

describe('a copy of a bucket', () => {
  let nats: TestNats;
  let bus: Bus;
  /** Whoever does things to the bucket, on a connection of its own. */
  let other: Bus;
  const mirrors: KvMirror[] = [];
  beforeAll(async () => {
    nats = await startNats();
    bus = await connectBus(nats.url, 'test', () => undefined);
    other = await connectBus(nats.url, 'other', () => undefined);
  });
  afterAll(async () => {
    for (const mirror of mirrors) mirror.stop();
    await bus.nc.close();
    await other.nc.close();
    await nats.stop();
  });

  const bucketOf = (name: string, history = 1): Promise<KV> => new Kvm(other.js).create(name, { history });
  async function follower(name: string, keys = ['*.*']) {
    const table = new RevisionedTable(parsePlacement);
    const healed: HealCause[] = [];
    const mirror = new KvMirror(new BucketStream(bus, name, keys), table, (cause) => healed.push(cause));
    mirrors.push(mirror);
    await mirror.reload();
    return { mirror, table, healed, now: (key: string) => table.get(key)?.revision };
  }
  const put = (kv: KV, key: string, revision: number) =>
    kv.put(key, JSON.stringify({ shard: 'a1', revision, job_id: null }));
  const destroy = (name: string) => other.jsm.streams.delete(`KV_${name}`);

  /** Writes a sequence with rising revisions; what every reader must then say. */
  async function write(kv: KV, key: string, ops: readonly Op[], base: number): Promise<number | undefined> {
    for (const [index, op] of ops.entries()) {
      if (op === 'put') await put(kv, key, base + index);
      else await kv[op](key);
    }
    return ops.at(-1) === 'put' ? base + ops.length - 1 : undefined;
  }
  async function writeAll(kv: KV, all: readonly Op[][], base: number): Promise<Map<string, number | undefined>> {
    const written = await Promise.all(
      all.map(
        async (ops, index) => [`aggregate.t${index}`, await write(kv, `aggregate.t${index}`, ops, base)] as const,
      ),
    );
    return new Map(written);
  }
  const told = (wanted: Map<string, unknown>, now: (key: string) => unknown) =>
    new Map([...wanted.keys()].map((key) => [key, now(key)]));

  it.each([1, 2, 3, 4, 5])(
    'NFR-07 SCL-04 history %d: every sequence of put, delete and purge reads the same by watch, first read, reload and look-up, also of a bucket made anew with lower revisions',
    async (history) => {
      const name = `table${history}`;
      const all = sequences(3);
      const kv = await bucketOf(name, history);
      const watcher = await follower(name);
      const asker = await follower(name, ['nothing.*']);
      const wanted = await writeAll(kv, all, 100);
      await eventually('watched', async () => String([...told(wanted, watcher.now)]) === String([...wanted]));
      const first = await follower(name);
      expect(told(wanted, first.now)).toEqual(wanted);
      await watcher.mirror.reload();
      expect(told(wanted, watcher.now)).toEqual(wanted);
      for (const key of wanted.keys()) await asker.mirror.refresh(key);
      expect(told(wanted, asker.now)).toEqual(wanted);

      await destroy(name);
      // Another sequence for each key; what the new bucket does not speak of was not taken back, only lost.
      const turned = all.map((_, index) => all[(index * 7 + 3) % all.length]!);
      const anew = await writeAll(await bucketOf(name, history), turned, 1);
      const kept = new Map(
        [...anew].map(([key, now]) => [key, turned[Number(key.slice(11))]!.length ? now : wanted.get(key)]),
      );
      await asker.mirror.refresh('aggregate.t5');
      expect(asker.now('aggregate.t5')).toBe(anew.get('aggregate.t5'));
      await eventually('followed', async () => String([...told(kept, watcher.now)]) === String([...kept]));
      expect(watcher.healed).toContain('bucket');
      await watcher.mirror.reload();
      expect(told(anew, watcher.now)).toEqual(anew);
      expect([...(await follower(name)).table.keys()]).toHaveLength([...anew.values()].filter(Boolean).length);
    },
  );

  const consumers = async (name: string) =>
    (await other.jsm.consumers.list(`KV_${name}`).next()).map((one) => one.name);
  /** As a server that restarts does; what a read in passing had made may be gone before its turn comes. */
  const forgetConsumers = async (name: string): Promise<void> => {
    for (const consumer of await consumers(name)) {
      await other.jsm.consumers.delete(`KV_${name}`, consumer).catch((error: unknown) => {
        const isGone = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
        if (!isGone) throw error;
      });
    }
  };

  it('NFR-07 a watch that the server forgot is noticed, said and made again, and nothing written meanwhile is missed', async () => {
    const kv = await bucketOf('forgotten');
    const { mirror, healed, now } = await follower('forgotten');
    expect(mirror.state()).toMatchObject({ bucket: 'forgotten', behind_since: null });
    await forgetConsumers('forgotten');
    await put(kv, 'aggregate.a', 1);
    await eventually('followed', async () => now('aggregate.a') === 1);
    await put(kv, 'aggregate.a', 2);
    await eventually('watched again', async () => now('aggregate.a') === 2);
    expect(healed).toContain('consumer');
    await eventually('vouched for', async () => mirror.state().behind_since === null);
  });

  it('NFR-07 a bucket that is lost takes nothing away: what it held is kept and said until it is published again or asked for', async () => {
    const kv = await bucketOf('lost');
    await put(kv, 'aggregate.a', 7);
    await put(kv, 'aggregate.b', 7);
    const { mirror, now, table } = await follower('lost');
    await destroy('lost');
    await eventually('said', async () => mirror.state().detail === 'the bucket is gone');
    expect(mirror.inDoubt).toBe(true);
    const anew = await bucketOf('lost');
    await eventually('said', async () => /does not have 2 keys/.test(mirror.state().detail ?? ''));
    expect([now('aggregate.a'), now('aggregate.b')]).toEqual([7, 7]);
    await put(anew, 'aggregate.a', 1);
    await eventually('published again', async () => now('aggregate.a') === 1);
    await anew.delete('aggregate.b');
    await eventually('taken back', async () => now('aggregate.b') === undefined);
    await eventually('vouched for', async () => mirror.state().behind_since === null);
    expect(table.revision).toBe(7);
  });

  it('NFR-07 what a lost bucket held is kept however often the new one is read: asked for, after a watch was forgotten, with the bucket missing', async () => {
    const kv = await bucketOf('reread');
    for (const key of ['a', 'b', 'c']) await put(kv, `aggregate.${key}`, 7);
    const { mirror, now, healed } = await follower('reread');
    const held = () => [now('aggregate.a'), now('aggregate.b'), now('aggregate.c')];
    await destroy('reread');
    await mirror.heal();
    expect(held()).toEqual([7, 7, 7]);
    expect(mirror.state().detail).toBe('the bucket is gone');
    await put(await bucketOf('reread'), 'aggregate.a', 1);
    for (let turn = 0; turn < 3; turn++) await mirror.heal();
    expect(held()).toEqual([1, 7, 7]);
    await forgetConsumers('reread');
    await eventually('watched again', async () => healed.includes('consumer'));
    expect(held()).toEqual([1, 7, 7]);
    expect(mirror.state().detail).toMatch(/does not have 2 keys/);
    await destroy('reread');
    const third = await bucketOf('reread');
    await mirror.heal();
    expect(held()).toEqual([1, 7, 7]);
    await third.delete('aggregate.b');
    await eventually('taken back', async () => now('aggregate.b') === undefined);
    await mirror.heal();
    expect(held()).toEqual([1, undefined, 7]);
    await mirror.reload();
    expect(held()).toEqual([undefined, undefined, undefined]);
  });

  it('NFR-07 a bucket that was put back to an older copy of itself counts again: lower sequences and revisions are followed', async () => {
    const bucket = 'restored';
    const kv = await bucketOf(bucket);
    const { mirror, now } = await follower(bucket);
    const stream = new BucketStream(bus, bucket, ['*.*']);
    for (const revision of [5, 6, 7]) await put(kv, 'aggregate.a', revision);
    await put(kv, 'aggregate.b', 7);
    await eventually('followed', async () => now('aggregate.b') === 7);
    const then = (await stream.mark())!;
    await destroy(bucket);
    const older = await bucketOf(bucket);
    await put(older, 'aggregate.a', 5);
    // A restore from files keeps when the bucket was made, which no client can: only that is put into the marks here.
    const real = (mirror as unknown as { source: BucketStream }).source;
    const [mark, read] = [real.mark.bind(real), real.read.bind(real)];
    const aged = <T extends { created: string } | undefined>(it: T): T => it && { ...it, created: then.created };
    real.mark = async () => aged(await mark());
    real.read = async (later) => {
      const reading = await read(later);
      return { ...reading, mark: aged(reading.mark) };
    };
    await eventually('read again', async () => now('aggregate.a') === 5);
    expect(now('aggregate.b')).toBe(7);
    await put(older, 'aggregate.a', 6);
    await eventually('followed', async () => now('aggregate.a') === 6);
    await older.delete('aggregate.b');
    await eventually('taken back', async () => now('aggregate.b') === undefined);
  });

  it('NFR-07 a bucket that is purged as a whole takes nothing away, also when something is written at once; a look-up and a mark are believed', async () => {
    const kv = await bucketOf('emptied');
    for (const key of ['a', 'b', 'c']) await put(kv, `aggregate.${key}`, 7);
    const { mirror, now } = await follower('emptied');
    const held = () => [now('aggregate.a'), now('aggregate.b'), now('aggregate.c')];
    for (const again of [8, 9]) {
      await other.jsm.streams.purge('KV_emptied');
      await put(kv, 'aggregate.a', again);
      await mirror.refresh('aggregate.b');
      await mirror.heal();
      expect(held()).toEqual([again, 7, 7]);
      await eventually('said', async () => /does not have 2 keys/.test(mirror.state().detail ?? ''));
    }
    await mirror.refresh('aggregate.c');
    expect(held()).toEqual([9, 7, 7]);
    await kv.delete('aggregate.b');
    await eventually('taken back', async () => now('aggregate.b') === undefined);
    await mirror.reload();
    expect(held()).toEqual([9, undefined, undefined]);
  });

  it('NFR-07 what goes away without a mark is gone here, too: a purged key, a mark that was purged, a deleted message', async () => {
    const kv = await bucketOf('unmarked', 3);
    for (const key of ['a', 'b', 'c', 'd']) await put(kv, `aggregate.${key}`, 1);
    const { now } = await follower('unmarked');
    await other.jsm.streams.purge('KV_unmarked', { filter: '$KV.unmarked.aggregate.a' });
    await eventually('purged', async () => now('aggregate.a') === undefined);
    const seq = await put(kv, 'aggregate.b', 2);
    await eventually('written', async () => now('aggregate.b') === 2);
    await other.jsm.streams.deleteMessage('KV_unmarked', seq, false);
    await kv.delete('aggregate.c');
    await other.jsm.streams.purge('KV_unmarked', { filter: '$KV.unmarked.aggregate.c' });
    await eventually('purged with its mark', async () => now('aggregate.c') === undefined);
    expect(now('aggregate.d')).toBe(1);
  });

  it('NFR-07 where the last entry of a key was taken out of its history, what stands last then is believed by every way of reading', async () => {
    const kv = await bucketOf('rewound', 3);
    const bucket = new BucketStream(bus, 'rewound', ['*.*']);
    const { mirror, now } = await follower('rewound');
    const asked = await follower('rewound');
    for (const key of ['a', 'b', 'c']) for (const revision of [4, 5]) await put(kv, `aggregate.${key}`, revision);
    for (const key of ['a', 'b', 'c']) {
      const seq = await put(kv, `aggregate.${key}`, 6);
      await eventually('written', async () => now(`aggregate.${key}`) === 6 && asked.now(`aggregate.${key}`) === 6); // prettier-ignore
      // What comes and goes between two comparisons is found by the full read of each minute.
      const compared = mirror.state().checked_at;
      await eventually('compared', async () => mirror.state().checked_at !== compared);
      await other.jsm.streams.deleteMessage('KV_rewound', seq, false);
      expect((await bucket.get(`aggregate.${key}`))?.seq).toBeLessThan(seq);
      if (key === 'a') await asked.mirror.refresh('aggregate.a');
      if (key === 'b') await asked.mirror.reload();
      if (key !== 'c') expect(asked.now(`aggregate.${key}`)).toBe(5);
      await eventually(`${key} is what it is in the bucket`, async () => now(`aggregate.${key}`) === 5);
      await put(kv, `aggregate.${key}`, 7);
      await eventually('followed', async () => now(`aggregate.${key}`) === 7);
    }
  });

  it('NFR-07 it heals after the connection was away and the bucket was made anew meanwhile, and leaves no consumer behind', async () => {
    const kv = await bucketOf('away');
    await put(kv, 'aggregate.a', 9);
    const { mirror, now } = await follower('away');
    for (let turn = 0; turn < 3; turn++) await mirror.reload();
    await eventually('one watch', async () => (await consumers('away')).length === 1);
    await bus.nc.reconnect();
    await destroy('away');
    await put(await bucketOf('away'), 'aggregate.a', 1);
    await eventually('followed', async () => now('aggregate.a') === 1);
    await eventually('vouched for', async () => !mirror.inDoubt);
  });

  it('SCL-04 within one bucket an older revision stays ignored, also when it is read in full', async () => {
    const kv = await bucketOf('older');
    const { mirror, now } = await follower('older');
    await put(kv, 'aggregate.a', 5);
    // A bucket of history 1 keeps the last entry only: a copy that never heard of 5 would be right to say 4.
    await eventually('followed', async () => now('aggregate.a') === 5);
    await put(kv, 'aggregate.a', 4);
    await mirror.reload();
    expect(now('aggregate.a')).toBe(5);
  });
});
