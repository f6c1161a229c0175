// Replicas of two releases side by side, as processes that are killed: each job runs the steps it was planned with, or waits.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Child } from '../../../testing/child.ts';
import { eventually } from '../../../testing/eventually.ts';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { temporaryFolder } from '../../../../testing/processes.ts';
import { parseControlKey } from '../../secrets/control-key.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { type JobEngine } from '../index.ts';
import { isFinal, jobToWire, type JobDocument } from '../record/job-document.ts';
import { cellsOf, release, undoneOf, type Release } from './releases.fixture.ts';
import { engineOn } from './engine.fixture.ts';

const CONTROL_KEY = randomBytes(32).toString('hex');
let mongo: Mongo;
let where: { uri: string; db: string };
let logs: string;
let children: Child[] = [];
let tenant: string;
let count = 0;

beforeAll(async () => {
  where = freshDatabase();
  logs = temporaryFolder('releases');
  mongo = await connectMongo(where.uri, where.db);
});
beforeEach(() => void (tenant = `t${++count}`));
afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  children = [];
  await mongo.db.collection('replicas').deleteMany({});
});
afterAll(() => mongo.close());

/** Accepts and cancels as that release does, and runs nothing. */
function desk(name: Release): JobEngine {
  const engine = engineOn(mongo, 'desk', { controlKey: parseControlKey(CONTROL_KEY) });
  engine.define({ 'tenants.update': release(mongo, name) });
  return engine;
}

async function start(name: Release): Promise<Child> {
  const child = new Child({
    name,
    args: [join(import.meta.dirname, 'release-process.fixture.ts')],
    env: { PATH: process.env['PATH'], MONGODB_URI: where.uri, DB: where.db, RELEASE: name, CONTROL_KEY },
    logFile: join(logs, `${name}.log`),
    ready: async () => {
      const one = await mongo.db.collection<{ _id: string }>('replicas').findOne({ _id: name });
      if (!one) throw new Error('not registered');
    },
  });
  children.push(child);
  return child.start();
}

const jobs = () => mongo.db.collection<JobDocument>('jobs');
const provenance = { requestId: 'r', traceId: null, ip: null, agent: null };
const submit = (name: Release): Promise<JobDocument> =>
  desk(name).submit({
    kind: 'tenants.update', input: { tenant }, reason: 'because', actor: 'user:a@b.test', idempotencyKey: tenant, planHash: null,
    provenance, parentJobId: null, retryOf: null,
  }); // prettier-ignore
const cancel = (name: Release, jobId: string) =>
  desk(name).cancel(jobId, 'user:a@b.test', 'enough', {
    code: 'job.cancel_requested', action: 'jobs.cancel', actor: 'user:a@b.test', resource: 'r', tenantId: null,
    outcome: 'requested', reason: 'enough', jobId, provenance,
  }); // prettier-ignore

const hold = (step: string) => cellsOf(mongo).insertOne({ _id: `hold ${tenant}.${step}`, by: 'test' });
const letGo = (step: string) => cellsOf(mongo).deleteOne({ _id: `hold ${tenant}.${step}` });
const reached = (step: string) =>
  eventually(`${step} is reached`, async () => (await cellsOf(mongo).findOne({ _id: `${tenant}.${step}` })) !== null);
const ended = (jobId: string): Promise<JobDocument> =>
  eventually(
    `${jobId} ends`,
    async () => {
      const job = await jobs().findOne({ _id: jobId });
      return job && isFinal(job.state) && job;
    },
    20_000,
  );
const waits = (jobId: string, what: string) =>
  eventually(`${jobId} waits for a replica`, async () => {
    const job = (await jobs().findOne({ _id: jobId }))!;
    const { waiting } = jobToWire({ ...job, parked: job.parked ?? null }, true);
    return waiting?.for === 'replica' && waiting.what === what && Date.parse(waiting.since) > 0;
  });
/** Step → release that did it. */
async function world(): Promise<Record<string, string>> {
  const cells = await cellsOf(mongo).find({ _id: { $regex: `^${tenant}\\.` } }).toArray(); // prettier-ignore
  return Object.fromEntries(cells.map(({ _id, by }) => [_id.split('.')[1]!, by]));
}
const stepsOf = (job: JobDocument) => job.steps.map(({ name, state }) => `${name} ${state}`);

describe('a deployment that inserts a step', () => {
  it('NFR-07 GEN-19 the new release ends what the old one began, with the steps that were shown, after a kill', async () => {
    await hold('b');
    const job = await submit('first');
    const old = await start('first');
    await reached('b');
    await old.kill();
    await start('second');
    await letGo('b');
    const end = await ended(job._id);
    expect([end.state, end.version, stepsOf(end)]).toEqual([
      'succeeded',
      1,
      ['a succeeded', 'b succeeded', 'c succeeded'],
    ]);
    expect(await world()).toEqual({ a: 'first', b: 'second', c: 'second' });
    // Written down before the kill, and not asked for again.
    expect(end.steps.map(({ intent }) => intent)).toEqual([{ of: 'a', by: 'first' }, { of: 'b', by: 'first' }, { of: 'c', by: 'second' }]); // prettier-ignore
  });

  it('NFR-07 GEN-19 the old release leaves what the new one began, says so, and the next new one ends it', async () => {
    await hold('b');
    const job = await submit('second');
    const first = await start('second');
    await reached('b');
    await first.kill();
    const old = await start('first');
    await waits(job._id, 'version 2 of tenants.update');
    // It does its own work meanwhile.
    const own = tenant;
    tenant = `${own}-other`;
    expect((await ended((await submit('first'))._id)).state).toBe('succeeded');
    tenant = own;
    expect((await jobs().findOne({ _id: job._id }))!.fence).toBe(1);
    await letGo('b');
    await start('second');
    const end = await ended(job._id);
    expect([end.state, end.parked, stepsOf(end)]).toEqual([
      'succeeded',
      null,
      ['a succeeded', 'x succeeded', 'b succeeded', 'c succeeded'],
    ]);
    expect(await world()).toEqual({ a: 'second', x: 'second', b: 'second', c: 'second' });
    expect(old.running).toBe(true);
  });

  it('API-03 NFR-07 what is cancelled while nobody knows it waits, and is undone step by step with its own intents', async () => {
    await hold('b');
    const job = await submit('second');
    const first = await start('second');
    await reached('b');
    await first.kill();
    await start('first');
    await cancel('first', job._id);
    await waits(job._id, 'version 2 of tenants.update');
    expect(await world()).toEqual({ a: 'second', x: 'second', b: 'second' });
    await undoneOf(mongo).deleteMany({});
    await start('third');
    expect((await ended(job._id)).state).toBe('compensated');
    expect(await world()).toEqual({});
    const undone = await undoneOf(mongo).find().toArray();
    expect(undone.map(({ step, intent }) => [step, intent])).toEqual(
      ['b', 'x', 'a'].map((of) => [of, { of, by: 'second' }]),
    );
  });

  it('NFR-07 a release that does not carry on the older version waits for one that does, queued or begun', async () => {
    const queued = await submit('first');
    const strict = await start('strict');
    await waits(queued._id, 'version 1 of tenants.update');
    expect(await world()).toEqual({});
    await start('first');
    expect((await ended(queued._id)).state).toBe('succeeded');
    expect(Object.values(await world())).toEqual(['first', 'first', 'first']);
    expect(strict.running).toBe(true);
  });

  it('NFR-07 a job of 0.1, which says no version, and one stored in a shape to come', async () => {
    const [old, own] = [await submit('first'), tenant];
    await jobs().updateOne({ _id: old._id }, { $unset: { shape: '', version: '', parked: '' } });
    tenant = `${own}-later`;
    const later = await submit('second');
    await jobs().updateOne({ _id: later._id }, { $set: { shape: 99 } });
    await start('second');
    expect(stepsOf(await ended(old._id))).toEqual(['a succeeded', 'b succeeded', 'c succeeded']);
    await waits(later._id, 'jobs stored in shape 99');
  });
});
