// A tenant's jobs on the engine, whose process dies after any call to a port: they end as asked, or leave nothing.
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { PLACED_KINDS, Problem } from '@cloudlysis/contract';
import pino from 'pino';
import { createAudit } from '../../audit/index.ts';
import { fragileMongo, fragileNats, type Fuse } from '../../jobs/engine/dying-port.fixture.ts';
import { EngineHarness, type Ended, type Script } from '../../jobs/engine/crash-harness.fixture.ts';
import { createNodeMetrics } from '../../node-metrics/index.ts';
import { createBookkeeping } from '../../placement/index.ts';
import { createTenants } from '../index.ts';
import { startGround, startReplica, type Ground, type Replica } from '../platform.fixture.ts';
import { callSample } from '../../../../testing/call-sample.ts';

let ground: Ground;
let base: Replica;
let engine: EngineHarness;
let count = 0;
/** May throw in place of a call to the bus. */
let refusal: (call: string) => void = allow;

const sample = callSample();

beforeAll(async () => {
  ground = await startGround();
  base = await startReplica(ground, { patienceMs: 3_000 });
  // It would take over what a dead process left.
  await base.engine.stop(500);
  engine = new EngineHarness(base.mongo);
  engine.definitionsOf = definitionsOf;
  await engine.start();
});

afterEach(() => {
  refusal = allow;
});

afterAll(async () => {
  await engine.stop();
  await base[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

function allow(): void {}

const freshId = (): string => `t-${(count += 1)}`;
const inputOf = (tenant_id: string) => ({ tenant_id, metadata: { name: 'Acme' }, reason: 'a new customer' });

/** The definitions of a process that dies by the fuse. */
function definitionsOf(fuse: Fuse) {
  const mongo = fragileMongo(base.mongo, fuse);
  const nats = fragileNats(base.nats, fuse, (call) => refusal(call));
  const { ambient, environment, config, nodePort: nodes } = base;
  const logger = pino({ level: 'silent' });
  const traffic = createNodeMetrics({ nodes, ambient, logger, shards: async () => [] });
  const shared = { mongo, nats, nodes, ambient, environment, config, jobs: engine, traffic, logger };
  const audit = createAudit({ mongo, ambient, replicaId: 'crashes', environment: 'dev' }).log;
  const { book } = createBookkeeping(shared);
  return { ...createTenants({ ...shared, audit, placement: book, patienceMs: 1_000 }).jobs };
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

const create = (id = freshId(), script: Script = {}): Promise<Ended> =>
  engine.run('tenants.create', inputOf(id), script);

it('NFR-07 a creation that dies after any call and goes on ends live, once', async () => {
  let died = 0;
  for (let limit = sample.first; ; limit += sample.step) {
    const id = freshId();
    const ended = await create(id, { deaths: [limit] });
    expect(ended).toMatchObject({ state: 'succeeded', problem: null });
    await expectLive(id, ended.jobId);
    if (ended.died === 0) break;
    died += ended.died;
  }
  expect(died).toBeGreaterThan(20 / sample.step);
}, 240_000);

it('NFR-07 a creation that dies after any call, and again while it is undone, leaves nothing', async () => {
  let again = 0;
  for (let limit = sample.first; ; limit += sample.step) {
    const id = freshId();
    const ended = await create(id, { deaths: [limit, limit % 7], cancelled: true });
    if (ended.died === 0) break;
    expect(ended.state).toBe('compensated');
    again += ended.died - 1;
    await expectNothing(id);
  }
  expect(again).toBeGreaterThan(10 / sample.step);
}, 240_000);

it('NFR-07 every step of a creation, run twice, is as if run once; so is every compensation', async () => {
  const id = freshId();
  const made = await create(id, { twice: true });
  expect(made).toMatchObject({ state: 'succeeded', died: 6 });
  await expectLive(id, made.jobId);
  const undone = freshId();
  const node = ground.node('r1');
  node.broken = true;
  const ended = await create(undone, { twice: true }).finally(() => (node.broken = false));
  expect(ended).toMatchObject({ state: 'compensated', problem: { code: 'node.timeout' } });
  await expectNothing(undone);
});

it.each([
  ['streams', 'ensureStreams'],
  ['consumers', 'ensureConsumers'],
  ['config', 'config.put'],
  ['placement', 'placement.put'],
])('TEN-10..12 a creation whose step %s fails is undone without a trace', async (_step, refused) => {
  let refusals = 0;
  refusal = (call) => {
    if (call !== refused) return;
    refusals += 1;
    throw new Problem('bus.unavailable');
  };
  const id = freshId();
  const ended = await create(id);
  expect(refusals).toBeGreaterThan(0);
  expect(ended).toMatchObject({ state: 'compensated', problem: { code: 'bus.unavailable' } });
  await expectNothing(id);
});

it('TEN-10 a creation that is undone spares the consumers that were there before', async () => {
  const id = freshId();
  await base.nats.ensureConsumers(id);
  await base.nats.deleteConsumers(id, [`runner-${id}`]);
  refusal = (call) => {
    if (call === 'placement.put') throw new Problem('bus.unavailable');
  };
  expect(await create(id)).toMatchObject({ state: 'compensated', problem: { code: 'bus.unavailable' } });
  const { consumers } = await traces(id);
  expect(consumers.map((consumer) => consumer?.name ?? null)).toEqual([`projection-${id}`, null]);
});

it('NFR-07 what a creation left that could not be undone is cleared away by the next one of that id', async () => {
  const id = freshId();
  const undoes = async (): Promise<void> => {
    throw new Problem('bus.unavailable');
  };
  const left = await create(id, { deaths: [14], cancelled: true, undoes });
  expect(left).toMatchObject({ state: 'failed', problem: { code: 'compensation.failed' } });
  const { record, flag } = await traces(id);
  expect(record).toMatchObject({ phase: 'provisioning', job_id: left.jobId });
  expect(flag).not.toBeNull();
  const next = await create(id);
  expect(next).toMatchObject({ state: 'succeeded', problem: null });
  await expectLive(id, next.jobId);
});

it('NFR-07 pause, resume, archive and restore that die after any call end as asked, or as it was before', async () => {
  const id = freshId();
  await create(id);
  const input = { tenant_id: id, reason: 'INC-42' };
  const flagOf = async () => (await base.nats.config.get(`tenants.${id}`))!.value;
  for (const kind of ['tenants.pause', 'tenants.resume', 'tenants.archive', 'tenants.restore'] as const) {
    let died = 0;
    for (let limit = sample.first; ; limit += sample.step) {
      const before = { flag: await flagOf(), record: (await traces(id)).record };
      const ended = await engine.run(kind, input, { deaths: [limit], cancelled: true });
      if (ended.died === 0) {
        expect(ended).toMatchObject({ state: 'succeeded', problem: null });
        break;
      }
      died += 1;
      const { paused, reason, revision } = await flagOf();
      expect({ paused, reason }).toEqual({ paused: before.flag.paused, reason: before.flag.reason });
      expect(revision).toBeGreaterThanOrEqual(before.flag.revision);
      expect((await traces(id)).record).toEqual(before.record);
    }
    expect(died).toBeGreaterThan(Math.floor(5 / sample.step));
    expect((await flagOf()).paused).toBe(kind === 'tenants.pause' || kind === 'tenants.archive');
    expect((await traces(id)).record).toMatchObject({ phase: kind === 'tenants.archive' ? 'archived' : 'live' });
  }
}, 240_000);
