// Following jobs: many listeners cost one look, each is told of every end, and none of them gathers what it does not read.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { eventually } from '../../../testing/eventually.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import { jobEvents } from '../api/job-events.ts';
import type { JobDocument } from '../record/job-document.ts';
import { createJobWatch, type JobWatch } from './job-watch.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';
import { createJobStore, type JobStore } from './jobs.store.ts';
import { createJobNotices } from './job-notices.ts';

let mongo: Mongo;
let store: JobStore;
beforeAll(async () => {
  const { uri, db } = freshDatabase();
  mongo = await connectMongo(uri, db);
  store = createJobStore(mongo, () => new Date());
  await store.ensureIndexes();
});
afterAll(() => mongo.close());

const ambient = systemAmbient();
const AT = new Date();
const stored = async (id: string): Promise<JobDocument> => {
  const job = {
    _id: id,
    order: 1,
    shape: 2,
    version: 1,
    parked: null,
    kind: 'tenants.update',
    state: 'running',
    fence: 1,
    idempotency: id,
    lane: id,
    steps: [],
    provenance: { requestId: 'r', traceId: null },
    created_at: AT,
    started_at: AT,
    ended_at: null,
    undo: null,
    plan: { diff: [] },
  } as unknown as JobDocument;
  await mongo.db.collection<JobDocument>('jobs').insertOne(job);
  return job;
};

/** Counts looks at the store; `quiet` has no change stream, as while it is broken. */
function counted(quiet = false): { watch: JobWatch; looks: () => number; changed: (id: string) => void } {
  let looks = 0;
  const get: JobStore['get'] = (id) => (looks++, store.get(id));
  const watchChanges: JobStore['watchChanges'] = quiet ? () => async () => undefined : store.watchChanges;
  const notices = createJobNotices();
  const watch = createJobWatch({ store: { get, watchChanges }, notices, ambient, logger: pino({ level: 'silent' }) });
  return { watch, looks: () => looks, changed: notices.changed };
}

const write = (id: string, state: string): Promise<unknown> =>
  mongo.db.collection<{ _id: string }>('jobs').updateOne({ _id: id }, { $set: { state } });

it.each([
  ['the run is another replica’s', false],
  ['the change stream is broken', true],
])(
  'NFR-07 API-02 1 000 who follow one job cost the looks of one, where %s, and all hear of its end',
  async (_where, quiet) => {
    const job = await stored(`job_many_${quiet}`);
    const { watch, looks } = counted(quiet);
    const heard = Array.from({ length: 1_000 }, async () => {
      const states: string[] = [];
      for await (const event of jobEvents(watch, ambient, job, true, new AbortController().signal))
        if (event.startsWith('event')) states.push(/"state":"(\w+)"/.exec(event)![1]!);
      return states;
    });
    await sleep(600);
    await write(job._id, 'succeeded');
    for (const states of await Promise.all(heard)) expect(states).toEqual(['running', 'succeeded']);
    // 1 000 followers with a look each every 500 ms were 3 000 by now.
    expect(looks()).toBeLessThan(20);
    await watch.stop();
  },
);

it('NFR-07 followers of 300 jobs leave the store a rest: no more than 64 looks a second without a cause', async () => {
  const { watch, looks, changed } = counted(true);
  const jobs = await Promise.all(Array.from({ length: 300 }, (_, n) => stored(`job_one_${n}`)));
  const ended = new Set<string>();
  const leaves = jobs.map(({ _id }) => watch.join(_id, (job) => job?.state === 'succeeded' && ended.add(_id)));
  await eventually('each was looked at', async () => looks() >= 300);
  const before = looks();
  const began = performance.now();
  await sleep(1_500);
  expect(looks() - before).toBeLessThanOrEqual(64 * ((performance.now() - began) / 1_000 + 0.5));
  // One that changes is looked at at once all the same.
  await write('job_one_299', 'succeeded');
  changed('job_one_299');
  const took = stopwatch();
  await eventually('it is heard of', async () => ended.has('job_one_299'));
  expect(took()).toBeLessThan(1_000);
  leaves.forEach((leave) => leave());
  await watch.stop();
});

it('NFR-07 API-02 a reader that stops reading is told the last state alone when it reads on', async () => {
  const job = await stored('job_slow');
  const { watch, changed } = counted();
  const events = jobEvents(watch, ambient, job, true, new AbortController().signal);
  expect((await events.next()).value).toContain('"state":"running"');
  for (const fence of [2, 3, 4, 5]) {
    await mongo.db.collection<{ _id: string }>('jobs').updateOne({ _id: job._id }, { $set: { fence } });
    changed(job._id);
    await sleep(30);
  }
  const told = Promise.withResolvers<void>();
  const leave = watch.join(job._id, (now) => void (now?.state === 'failed' && told.resolve()));
  await write(job._id, 'failed');
  changed(job._id);
  await told.promise;
  const rest: string[] = [];
  for await (const event of events) rest.push(event);
  leave();
  expect(rest).toHaveLength(1);
  expect(rest[0]).toContain('"state":"failed"');
  await watch.stop();
});

it('API-02 a stream ends when its reader leaves and when its job is gone, and nobody is looked at any more', async () => {
  const [left, gone] = [await stored('job_left'), await stored('job_gone')];
  const { watch, looks } = counted();
  const stop = new AbortController();
  const first = jobEvents(watch, ambient, left, true, stop.signal);
  const second = jobEvents(watch, ambient, gone, true, new AbortController().signal);
  await first.next();
  await second.next();
  stop.abort();
  expect((await first.next()).done).toBe(true);
  await mongo.db.collection<{ _id: string }>('jobs').deleteOne({ _id: gone._id });
  expect((await second.next()).done).toBe(true);
  await sleep(300);
  const after = looks();
  await sleep(1_300);
  expect(looks()).toBe(after);
  await watch.stop();
});
