import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PLACED_KINDS, Problem } from '@cloudlysis/contract';
import pino from 'pino';
import { Registry } from 'prom-client';
import { createNodeMetrics } from '../node-metrics/index.ts';
import { createPlacement } from '../placement/index.ts';
import { createAudit } from '../audit/index.ts';
import { createTenants } from './index.ts';
import { Crash, fragileMongo, fragileNats, Fuse, TestJob } from './crashes.fixture.ts';
import { startGround, startReplica, type Ground, type Replica } from './platform.fixture.ts';
import type { LifecycleKind } from './tenants.ts';

let ground: Ground;
let base: Replica;
let count = 0;

beforeAll(async () => {
  ground = await startGround();
  base = await startReplica(ground, { patienceMs: 3_000 });
});

afterAll(async () => {
  await base[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

const idle = { active: () => Promise.resolve([]), holderOf: () => Promise.resolve(null) };
const freshId = (): string => `t-${(count += 1)}`;
const inputOf = (tenant_id: string) => ({ tenant_id, metadata: { name: 'Acme' }, reason: 'a new customer' });

/** The definitions of a process that dies at the fuse's limit, or is refused by a port. */
function definitionsOf(fuse = new Fuse(), refusal?: (call: string) => void) {
  const mongo = fragileMongo(base.mongo, fuse);
  const nats = fragileNats(base.nats, fuse, refusal);
  const { ambient, config, nodePort: nodes } = base;
  const logger = pino({ level: 'silent' });
  const traffic = createNodeMetrics({ nodes, ambient, logger, shards: async () => [] });
  const shared = { mongo, nats, nodes, ambient, config, jobs: idle, traffic, logger };
  const audit = createAudit({ mongo, ambient, replicaId: 'crashes', environment: 'dev' }).log;
  const { book } = createPlacement({ ...shared, audit, metrics: new Registry() });
  return createTenants({ ...shared, audit, placement: book, patienceMs: 1_000 }).definitions;
}

async function traces(id: string) {
  const { nats, mongo, book } = base;
  const published = await Promise.all(PLACED_KINDS.map((kind) => nats.placement.get(`${kind}.${id}`)));
  return {
    record: await mongo.db.collection('tenants').findOne({ _id: id as never }),
    consumers: await Promise.all([nats.consumer(id, 'projection'), nats.consumer(id, 'runner')]),
    flag: await nats.config.get(`tenants.${id}`),
    placements: await book.of(id),
    published,
  };
}

async function expectNothing(id: string): Promise<void> {
  expect(await traces(id)).toEqual({
    record: null,
    consumers: [null, null],
    flag: null,
    placements: [],
    published: [null, null, null],
  });
}

async function expectLive(id: string, jobId: string): Promise<void> {
  const { record, consumers, flag, placements, published } = await traces(id);
  expect(record).toMatchObject({ phase: 'live', job_id: jobId });
  expect(consumers.map((consumer) => consumer?.name)).toEqual([`projection-${id}`, `runner-${id}`]);
  expect(flag?.value).toMatchObject({ paused: false });
  expect(placements.map(({ kind }) => kind).sort()).toEqual([...PLACED_KINDS].sort());
  for (const placed of placements) {
    expect(published.map((entry) => entry?.value)).toContainEqual(
      expect.objectContaining({ shard: placed.shard_id, revision: placed.revision, job_id: jobId }),
    );
  }
}

const create = (job: CreationJob, fuse = new Fuse(), refusal?: (call: string) => void): Promise<void> =>
  job.go(definitionsOf(fuse, refusal)['tenants.create'] as never, base.mongo);

const creation = (jobId: string, id = freshId(), twice = false): Promise<CreationJob> =>
  new TestJob(jobId, inputOf(id), twice).planned(definitionsOf()['tenants.create'] as never);
type CreationJob = TestJob<ReturnType<typeof inputOf>>;

it('NFR-07 a creation that dies after any call and goes on ends live, once', async () => {
  let died = 0;
  for (let limit = 0; ; limit += 1) {
    const id = freshId();
    const job = await creation(`job_${id}`, id);
    const isOver = await create(job, new Fuse(limit)).then(() => true, dead);
    await create(job);
    await expectLive(id, job.jobId);
    if (isOver) break;
    died += 1;
  }
  expect(died).toBeGreaterThan(20);
}, 240_000);

it('NFR-07 a creation that dies after any call, and again while it is undone, leaves nothing', async () => {
  for (let limit = 0; ; limit += 1) {
    const id = freshId();
    const job = await creation(`job_${id}`, id);
    if (await create(job, new Fuse(limit)).then(() => true, dead)) break;
    job.direction = 'backward';
    await create(job, new Fuse(limit % 7)).catch(dead);
    await create(job);
    await expectNothing(id);
  }
}, 240_000);

/** False for a crash; whatever else went wrong is the test's failure. */
function dead(error: unknown): false {
  expect(error).toBeInstanceOf(Crash);
  return false;
}

it('NFR-07 every step of a creation, run twice, is as if run once; so is every compensation', async () => {
  const job = await creation('job_twice', freshId(), true);
  await create(job);
  await expectLive(job.input.tenant_id, 'job_twice');
  const undone = await creation('job_undone', freshId(), true);
  const node = ground.node('r1');
  node.broken = true;
  await create(undone).finally(() => (node.broken = false));
  expect(undone).toMatchObject({ ended: 'compensated', problem: { code: 'node.timeout' } });
  await expectNothing(undone.input.tenant_id);
});

it.each([
  ['streams', 'ensureStreams'],
  ['consumers', 'ensureConsumers'],
  ['config', 'config.put'],
  ['placement', 'placement.put'],
])('TEN-10..12 a creation whose step %s fails is undone without a trace', async (_step, refused) => {
  const job = await creation('job_refused');
  let refusals = 0;
  await create(job, new Fuse(), (call) => {
    if (call !== refused) return;
    refusals += 1;
    throw new Problem('bus.unavailable');
  });
  expect(refusals).toBeGreaterThan(0);
  expect(job).toMatchObject({ ended: 'compensated', problem: { code: 'bus.unavailable' } });
  await expectNothing(job.input.tenant_id);
});

it('TEN-10 a creation that is undone spares the consumers that were there before', async () => {
  const id = freshId();
  await base.nats.ensureConsumers(id);
  await base.nats.deleteConsumers(id, [`runner-${id}`]);
  await create(await creation('job_spare', id), new Fuse(), (call) => {
    if (call === 'placement.put') throw new Problem('bus.unavailable');
  });
  const { consumers } = await traces(id);
  expect(consumers.map((consumer) => consumer?.name ?? null)).toEqual([`projection-${id}`, null]);
});

it('NFR-07 what a creation left that could not be undone is cleared away by the next one of that id', async () => {
  const id = freshId();
  await create(await creation('job_left', id), new Fuse(14)).then(() => expect(true).toBe(false), dead);
  const left = await traces(id);
  expect(left.record).toMatchObject({ phase: 'provisioning', job_id: 'job_left' });
  expect(left.flag).not.toBeNull();
  const next = await creation('job_next', id);
  await create(next);
  expect(next.ended).toBe('succeeded');
  await expectLive(id, 'job_next');
});

it('NFR-07 pause, resume, archive and restore that die after any call end as asked, or as it was before', async () => {
  const id = freshId();
  await create(await creation('job_made', id));
  const input = { tenant_id: id, reason: 'INC-42' };
  const act = (kind: LifecycleKind, fuse: Fuse, job: TestJob<typeof input>): Promise<void> =>
    job.go(definitionsOf(fuse)[kind] as never, base.mongo);
  const flagOf = async () => (await base.nats.config.get(`tenants.${id}`))!.value;
  for (const kind of ['tenants.pause', 'tenants.resume', 'tenants.archive', 'tenants.restore'] as const) {
    let died = 0;
    for (let limit = 0; ; limit += 1) {
      const before = { flag: await flagOf(), record: (await traces(id)).record };
      const job = new TestJob(`job_${kind}_${limit}`, input);
      if (await act(kind, new Fuse(limit), job).then(() => true, dead)) break;
      died += 1;
      job.direction = 'backward';
      await act(kind, new Fuse(), job);
      const { paused, reason, revision } = await flagOf();
      expect({ paused, reason }).toEqual({ paused: before.flag.paused, reason: before.flag.reason });
      expect(revision).toBeGreaterThanOrEqual(before.flag.revision);
      expect((await traces(id)).record).toEqual(before.record);
    }
    expect(died).toBeGreaterThan(5);
    expect((await flagOf()).paused).toBe(kind === 'tenants.pause' || kind === 'tenants.archive');
    expect((await traces(id)).record).toMatchObject({ phase: kind === 'tenants.archive' ? 'archived' : 'live' });
  }
}, 240_000);
