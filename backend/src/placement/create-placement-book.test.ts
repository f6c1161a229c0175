// The book, the record and its publication: races, releases, pages, and a static file; real MongoDB and NATS.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Shard } from '@cloudlysis/contract';
import { freshDatabase } from '../../../testing/mongo.ts';
import { startNats, type TestNats } from '../../../testing/nats.ts';
import { systemAmbient } from '../kernel/ambient.ts';
import { connectMongo, type Mongo } from '../ports/mongo/mongo.ts';
import { connectNats, type NatsPort } from '../ports/nats/index.ts';
import { createAudit } from '../audit/index.ts';
import { createNodes } from '../ports/nodes/index.ts';
import type { TenantsSight } from './record/tenants-sight.ts';
import { wholePlacement, type WholePlacement } from './placement.fixture.ts';
import { createPlacementStore } from './record/placement.store.ts';
import type { PlacementRecord } from './record/stored-placement.ts';

let server: TestNats;
let mongo: Mongo;
let nats: NatsPort;
const shard = (shard_id: string, kind: Shard['kind'] = 'aggregate'): Shard => ({
  shard_id, kind, endpoint: 'http://127.0.0.1:1', labels: {}, capacity: { tenants: 10 }, region: 'eu',
}); // prettier-ignore
const UNKNOWN = { perSecond: null, share: null };
const NO_TRAFFIC = { measure: async () => UNKNOWN, flowOf: () => UNKNOWN };
const jobs = { active: async () => [], holderOf: async () => null };

const NOBODY: TenantsSight = { stateOf: async () => null, stateSeen: () => null, lagOf: () => null };

const feature = (
  over: { mongo?: Mongo; nats?: NatsPort; source?: 'kv' | 'static'; tenants?: TenantsSight } = {},
): WholePlacement => {
  const ambient = systemAmbient();
  return wholePlacement({
    tenants: over.tenants ?? NOBODY,
    audit: createAudit({ mongo: over.mongo ?? mongo, ambient, replicaId: 'test', environment: 'dev' }).log,
    mongo: over.mongo ?? mongo, nats: over.nats ?? nats, ambient, jobs, traffic: NO_TRAFFIC, metrics: new Registry(),
    nodes: createNodes({ ambient, allowlist: '127.0.0.1:1-65535' }), logger: pino({ level: 'silent' }),
    environment: { id: 'dev', placementSource: over.source ?? 'kv', shards: [shard('a1'), shard('a2'), shard('p1', 'projection')] },
  }); // prettier-ignore
};
const freshMongo = (): Promise<Mongo> => {
  const { uri, db } = freshDatabase();
  return connectMongo(uri, db);
};

beforeAll(async () => {
  server = await startNats();
  mongo = await freshMongo();
  nats = await connectNats(server.url);
});
afterAll(async () => {
  await nats?.close();
  await mongo?.close();
  await server?.stop();
});

describe('SCL-02 the record', () => {
  const record = (revision: number, shard_id: string | null = 'a1'): PlacementRecord => ({
    _id: 'aggregate.race', tenant_id: 'race', kind: 'aggregate', shard_id, revision, job_id: `job_${revision}`,
  }); // prettier-ignore

  it('is swapped on its revision: of many writers one wins', async () => {
    const store = createPlacementStore(mongo);
    await store.ensureIndexes();
    const first = await Promise.all(Array.from({ length: 8 }, () => store.swap(record(1), null)));
    expect(first.filter(Boolean)).toHaveLength(1);
    const second = await Promise.all(Array.from({ length: 8 }, (_, n) => store.swap(record(2, `a${n}`), 1)));
    expect(second.filter(Boolean)).toHaveLength(1);
    expect(await store.swap(record(2), 1)).toBe(false);
    await store.placements.deleteOne({ _id: 'aggregate.race' });
  });
});

describe('GEN-30 the book', () => {
  it('seeds shards once, however many replicas start', async () => {
    const replicas = [feature(), feature(), feature()];
    await Promise.all(replicas.map((replica) => replica.prepare()));
    expect((await replicas[0]!.book.shards()).map(({ shard_id }) => shard_id)).toEqual(['a1', 'a2', 'p1']);
    expect((await replicas[0]!.book.shards('projection')).map(({ shard_id }) => shard_id)).toEqual(['p1']);
    await expect(replicas[0]!.book.shard('zz')).rejects.toMatchObject({ code: 'shard.unknown' });
  });

  it('assigns once per job, recorded and published; two jobs cannot both', async () => {
    const { book } = feature();
    const twice = await Promise.all([
      book.assign('t1', 'aggregate', 'a1', 'job_1'),
      book.assign('t1', 'aggregate', 'a1', 'job_1'),
    ]);
    expect(twice).toEqual([twice[0], twice[0]]);
    expect(twice[0]).toEqual({ tenant_id: 't1', kind: 'aggregate', shard_id: 'a1', revision: 1 });
    expect((await nats.placement.get('aggregate.t1'))?.value).toEqual({ shard: 'a1', revision: 1, job_id: 'job_1' });
    await expect(book.assign('t1', 'aggregate', 'a2', 'job_2')).rejects.toMatchObject({ code: 'version.stale' });
    await expect(book.assign('t2', 'aggregate', 'p1', 'job_2')).rejects.toMatchObject({ code: 'shard.kind_mismatch' });
    const rivals = await Promise.allSettled(['job_3', 'job_4'].map((job) => book.assign('t3', 'aggregate', 'a1', job)));
    expect(rivals.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('releases and places again under a revision that never falls', async () => {
    const { book } = feature();
    await book.assign('t4', 'aggregate', 'a1', 'job_1');
    await book.release('t4', 'job_2');
    await book.release('t4', 'job_2');
    expect(await book.of('t4')).toEqual([]);
    expect(await nats.placement.get('aggregate.t4')).toBeNull();
    expect(await book.assign('t4', 'aggregate', 'a2', 'job_3')).toMatchObject({ shard_id: 'a2', revision: 3 });
  });

  it('answers many in one tick, counts, and follows what another replica writes', async () => {
    const [mine, theirs] = [feature(), feature()];
    await mine.start();
    await theirs.start();
    const before = (await mine.book.counts()).get('a2') ?? 0;
    await Promise.all(Array.from({ length: 20 }, (_, n) => theirs.book.assign(`m${n}`, 'aggregate', 'a2', 'job_1')));
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => mine.book.of(`m${n}`)));
    expect(all.every((placements) => placements[0]?.shard_id === 'a2')).toBe(true);
    for (let tried = 0; ((await mine.book.counts()).get('a2') ?? 0) < before + 20; tried++) {
      if (tried > 200) throw new Error('the change stream brought nothing');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await mine.stop();
    await theirs.stop();
  });
});

describe('SCL-02 the list', () => {
  const list = (placement: WholePlacement, query: object, visible: 'all' | ReadonlySet<string> = 'all') =>
    placement.reads['scale.placements.list']({ query: { limit: 50, ...query }, visible } as never);

  it('pages by tenant and kind without gap or repetition, shows what is visible, refuses foreign cursors', async () => {
    const own = await freshMongo();
    const placement = feature({ mongo: own });
    await placement.prepare();
    const ids = ['acme', 'acme-2', 'acme2', 'b', 'zed'];
    for (const id of ids) {
      await placement.book.assign(id, 'aggregate', 'a1', 'job_1').catch(() => undefined);
      await placement.book.assign(id, 'projection', 'p1', 'job_1').catch(() => undefined);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list(placement, { limit: 3, cursor });
      seen.push(...page.items.map(({ tenant_id, kind }) => `${tenant_id}/${kind}`));
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(seen).toEqual(ids.flatMap((id) => [`${id}/aggregate`, `${id}/projection`]));
    const few = await list(placement, { kind: 'projection' }, new Set(['b', 'zed']));
    expect(few.items.map(({ tenant_id }) => tenant_id)).toEqual(['b', 'zed']);
    expect((await list(placement, { shard_id: 'p1', tenant_id: 'acme' })).items).toHaveLength(1);
    await expect(list(placement, { cursor: 'bm9uc2Vuc2U' })).rejects.toMatchObject({ code: 'cursor.invalid' });
    const shards = await placement.reads['scale.shards.list']({ query: { limit: 2 } } as never);
    expect(shards.items.map(({ shard_id, tenants, load }) => [shard_id, tenants, load])).toEqual([['a1', 5, 0.5], ['a2', 0, 0]]); // prettier-ignore
    expect(shards.items[0]!.health).toEqual({ state: 'unreachable', reason: 'it was not asked yet' });
    expect(shards.next_cursor).not.toBeNull();
    await own.close();
  });
});

describe('SCL-03 a static file', () => {
  it('decides where tenants live, is taken over at start, and nothing can be moved', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'placement-')), 'placement.json');
    const entry = (shard: string, revision: number) => ({ shard, revision, job_id: null });
    writeFileSync(file, JSON.stringify({ 'aggregate.acme': entry('a2', 4), 'bad.key': entry('a1', 1) }));
    const own = await freshMongo();
    const fixed = await connectNats(server.url, { placementFile: file });
    const placement = feature({ mongo: own, nats: fixed, source: 'static' });
    await placement.prepare();
    await placement.prepare();
    expect(await placement.book.of('acme')).toEqual([
      { tenant_id: 'acme', kind: 'aggregate', shard_id: 'a2', revision: 4 },
    ]);
    const move = { tenant_id: 'acme', kind: 'aggregate' as const, to: 'a1', reason: 'test' };
    const caller = { principal: null, jobId: null };
    await expect(placement.jobs['scale.migrate'].plan(move, caller)).rejects.toMatchObject({
      code: 'placement.read_only',
    });
    await expect(placement.book.assign('new', 'aggregate', 'a1', 'job_1')).rejects.toMatchObject({
      code: 'placement.read_only',
    });
    writeFileSync(file, JSON.stringify({ 'aggregate.new': entry('a2', 1) }));
    expect(await placement.book.assign('new', 'aggregate', 'a1', 'job_1')).toMatchObject({
      shard_id: 'a2',
      revision: 1,
    });
    const { items } = await placement.reads['scale.drift.get']({ signal: AbortSignal.timeout(9_000) } as never);
    expect(items).toMatchObject([{ tenant_id: 'acme', recorded: 'a2', published: null, repairable: false }]);
    await fixed.close();
    await own.close();
  });
});

describe('NATS or the store down', () => {
  it('is its named problem, and a blocked check where a plan is made', async () => {
    const own = await startNats();
    const cut = await connectNats(own.url);
    const store = await freshMongo();
    const tenants: TenantsSight = {
      stateOf: async () => ({ state: 'active', reason: 'test' }),
      stateSeen: () => 'active',
      lagOf: () => null,
    };
    const placement = feature({ mongo: store, nats: cut, tenants });
    await placement.prepare();
    await placement.book.assign('acme', 'aggregate', 'a1', 'job_1');
    await own.stop();
    const move = { tenant_id: 'acme', kind: 'aggregate' as const, to: 'a2', reason: 'test' };
    const { checks } = await placement.jobs['scale.migrate'].plan(move, { principal: null, jobId: null });
    const blocked = checks.filter(({ status }) => status === 'block').map(({ id }) => id);
    expect(blocked).toEqual(expect.arrayContaining(['lag.consumer', 'source.reachable', 'target.reachable']));
    await expect(placement.book.assign('late', 'aggregate', 'a1', 'job_1')).rejects.toMatchObject({
      code: 'bus.unavailable',
    });
    expect(await placement.book.of('late')).toEqual([]);
    await cut.close();
    await store.close();
  });
});
