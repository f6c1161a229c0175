// What 10 000 jobs that wait (for their lanes, a time, a signal, children) cost an idle backend: CPU of the process and of the store, with and without them.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db, Document } from 'mongodb';
import { startStack, type Stack } from '../../backend/testing/stack.ts';
import type { Figure, Section } from '../figure.ts';
import { cpuMsOf } from '../process-cost.ts';
import { digits, inPairs, spread, told, type Spread } from '../spread.ts';

const WAITING = 10_000;
const LANES = 100;
const SECONDS = 10;
const PAIRS = 2;
const GOAL_MS = 10;

interface Cost {
  readonly backend: Spread;
  readonly store: Spread;
}

export async function measure(): Promise<Section> {
  const stack = await startStack({ ownMongo: true, tenants: 0, shards: ['g1'], env: { LOG_LEVEL: 'warn' } });
  const stopGhost = await ghost(stack.db);
  try {
    const sample = await sampleJob(stack);
    await stack.db.collection('jobs').insertMany(Array.from({ length: LANES }, (_, lane) => holder(sample, lane)));
    const stores: { with: number[]; without: number[] } = { with: [], without: [] };
    const idle = (which: 'with' | 'without') => async (): Promise<number> => {
      await (which === 'with' ? enqueue(stack.db, sample) : dequeue(stack.db));
      await sleep(2_500);
      const before = [cpuMsOf(stack.backend.pid), cpuMsOf(stack.mongo!.pid)] as const;
      await sleep(SECONDS * 1000);
      stores[which].push((cpuMsOf(stack.mongo!.pid) - before[1]) / SECONDS);
      return (cpuMsOf(stack.backend.pid) - before[0]) / SECONDS;
    };
    const both = await inPairs(PAIRS, idle('with'), idle('without'));
    return sectionOf(
      { backend: both.a, store: spread(stores.with) },
      { backend: both.b, store: spread(stores.without) },
    );
  } finally {
    stopGhost();
    await stack.stop();
  }
}

/** A replica that only beats: it holds the lanes, so that nobody takes its jobs over. */
async function ghost(db: Db): Promise<() => void> {
  const replicas = db.collection<{ _id: string; boot: string; beat: number }>('replicas');
  let beat = 0;
  const touch = async (): Promise<void> => {
    await replicas.updateOne({ _id: 'ghost' }, { $set: { boot: 'bench', beat: ++beat } }, { upsert: true });
  };
  await touch();
  const timer = setInterval(() => void touch().catch(() => undefined), 1_000);
  return () => clearInterval(timer);
}

/** A job as the service writes it. */
async function sampleJob(stack: Stack): Promise<Document> {
  const shard = {
    kind: 'aggregate',
    endpoint: 'http://127.0.0.1:1',
    labels: {},
    capacity: { tenants: 1 },
    region: 'local',
  } as const;
  await stack.as('owner').submit('scale.shards.put', {
    params: { shard_id: 'a9' },
    body: { ...shard, reason: 'a benchmark' },
    idempotencyKey: randomUUID(),
    wait: 10,
  });
  const job = await stack.db.collection('jobs').findOne({});
  if (!job) throw new Error('the sample job left no document');
  return job;
}

/** A plan is spent once. */
const copy = ({ plan_id: _, ...sample }: Document, changes: Document): Document => ({
  ...sample,
  ...changes,
  idempotency: changes['_id'],
});
const holder = (sample: Document, lane: number): Document =>
  copy(sample, {
    _id: `job_holder-${lane}` as never, lane: `tenant:lane-${lane}`, state: 'running', active: true, queue: 'running', owner: 'ghost#bench',
    order: sample['order'] + lane + 1, ended_at: null,
  }); // prettier-ignore

const YEAR_MS = 365 * 86_400_000;
/** A quarter waits behind lanes, the others for what does not come. */
function waitOf(n: number): Document {
  const since = new Date();
  const until = new Date(since.getTime() + YEAR_MS);
  const wait = { what: 'a benchmark', since, until: null, signal: null };
  const kinds = [
    { queue: 'lane' },
    { queue: 'time', wake_at: until, wait: { ...wait, for: 'time', until } },
    { queue: 'signal', wait: { ...wait, for: 'signal', signal: { permission: 'configs.approve', except: null, needed: 1, given: [] } } },
    { queue: 'children', state: 'running', wait: { ...wait, for: 'children' } },
  ]; // prettier-ignore
  return kinds[n % kinds.length]!;
}

async function enqueue(db: Db, sample: Document): Promise<void> {
  for (let from = 0; from < WAITING; from += 1_000) {
    const waiting = Array.from({ length: 1_000 }, (_, n) =>
      copy(sample, {
        _id: `job_waiting-${from + n}` as never, lane: `tenant:lane-${(from + n) % LANES}`, state: 'queued', active: false,
        owner: null, fence: 0, ...waitOf(from + n), order: sample['order'] + LANES + from + n + 1, ended_at: null,
      }),
    ); // prettier-ignore
    await db.collection('jobs').insertMany(waiting);
  }
}

const dequeue = (db: Db): Promise<unknown> => db.collection('jobs').deleteMany({ _id: /^job_waiting-/ as never });

function sectionOf(waiting: Cost, none: Cost): Section {
  return {
    title: 'Jobs that wait',
    how: `${digits(WAITING)} jobs, a quarter each behind ${LANES} held lanes, for a time, a signal, and children; CPU over ${SECONDS} s without a request, with and without them in turn.`,
    figures: [
      costFigure('CPU of an idle backend', waiting.backend, none.backend),
      costFigure('CPU of the store meanwhile', waiting.store, none.store),
    ],
  };
}

function costFigure(name: string, waiting: Spread, none: Spread): Figure {
  const more = waiting.median - none.median;
  const met = more <= GOAL_MS;
  return {
    name,
    measured: told(waiting, 'ms/s'),
    beside: `${told(none, 'ms/s')} without them`,
    goal: `none above it (≤ ${GOAL_MS} ms/s, 1 % of a core)`,
    met,
    ...(met ? {} : { why: `${digits(more)} ms/s more: jobs that wait are read again and again while nothing changes` }),
  };
}
