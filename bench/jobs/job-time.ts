// What a job costs above the commits it cannot do without: time from start to end, and CPU of the engine.
import { callKey } from '../../backend/src/jobs/record/idempotency.ts';
import { startMongo } from '../../testing/mongo.ts';
import type { Figure, Section } from '../figure.ts';
import { jobFloor, type JobFloor } from './job-floor.ts';
import { jobRig, type JobRig } from './job-rig.ts';
import { cpuOf, digits, inPairs, median, spread, timed, told, type Pairs, type Spread } from '../spread.ts';

const TIME_GOAL = 1.25;
const CPU_GOAL_US = 150;
const WARM_UP = 300;
/** On a busy machine each figure ends early instead of the whole part being given up. */
const WARM_UP_S = 8;
const TIME_S = 20;
const CPU_S = 40;
const CHAINED_S = 15;
const PAIRS = 200;
const CHAINED_PAIRS = 100;
/** Jobs in one reading of the CPU clock, which counts whole scheduler slices. */
const CPU_BLOCK = 60;
const CPU_PAIRS = 20;

export async function measure(): Promise<Section> {
  const mongo = await startMongo({ durable: true });
  const shown = await jobRig(mongo.uri, 'shown', { chained: false });
  const target = await jobRig(mongo.uri, 'target', { chained: false });
  const floor = await jobFloor(shown, target);
  try {
    await times(WARM_UP, () => shown.run(), WARM_UP_S);
    await times(WARM_UP, () => floor.run(), WARM_UP_S);
    const figures = [await timeFigure(shown, floor), await cpuFigure(shown, floor)];
    const chained = await jobRig(mongo.uri, 'chained', { chained: true });
    figures.push(await chainedFigure(chained, floor));
    await chained.stop();
    return {
      title: 'A job of three steps',
      how:
        'Steps without effect, on the embedded store with every commit synced to disk (`--sync-on-commit`). The floor is what ' +
        'the engine wrote for a real job, written again by the bare driver into collections with the same indexes: a ' +
        'transaction of two inserts, two single-document updates, a transaction of update and insert. One job at a time.',
      figures,
    };
  } finally {
    await shown.stop();
    await target.stop();
    await mongo.stop();
  }
}

async function times(count: number, work: () => Promise<unknown>, seconds = Infinity): Promise<void> {
  const until = performance.now() + seconds * 1000;
  for (let done = 0; done < count && performance.now() < until; done += 1) await work();
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

async function timeFigure(rig: JobRig, floor: JobFloor): Promise<Figure> {
  const commits: number[][] = [];
  const both = await inPairs(
    PAIRS,
    () => timed(() => rig.run()),
    async () => sum(commits[commits.push(await floor.run()) - 1]!),
    TIME_S,
  );
  const points = [0, 1, 2, 3].map((index) => median(commits.map((took) => took[index]!)));
  const met = both.ratio.median <= TIME_GOAL;
  return {
    name: 'start → end',
    measured: told(both.a, 'ms'),
    beside: `${told(both.b, 'ms')} for its 4 commits (${points.map(digits).join(' + ')}): ${told(both.ratio, '×')}`,
    goal: `≤ ${TIME_GOAL} × its durable points`,
    met,
    ...(met ? {} : { why: await whyLate(rig, both) }),
  };
}

/** The one round trip of a job that is no durable point: whether its idempotency key was used before. */
async function readTime(rig: JobRig): Promise<Spread> {
  const took: number[] = [];
  await times(100, async () =>
    took.push(await timed(() => rig.engine.store.byIdempotency(callKey('user:nobody@b.test', 'none')))),
  );
  return spread(took);
}

async function whyLate(rig: JobRig, both: Pairs): Promise<string> {
  const read = await readTime(rig);
  const above = both.difference.median;
  return (
    `${digits(above)} ms above the floor, of which the look-up of the idempotency key takes ${digits(read.median)} ms; the ` +
    `rest is the engine's own CPU between its writes, during which the store is idle.`
  );
}

async function cpuFigure(rig: JobRig, floor: JobFloor): Promise<Figure> {
  const perJob = (work: () => Promise<unknown>) => async (): Promise<number> =>
    (await cpuOf(() => times(CPU_BLOCK, work))) / CPU_BLOCK;
  const both = await inPairs(
    CPU_PAIRS,
    perJob(() => rig.run()),
    perJob(() => floor.run()),
    CPU_S,
  );
  const met = both.difference.median <= CPU_GOAL_US;
  const read = await inPairs(
    10,
    perJob(() => rig.engine.store.byIdempotency(callKey('user:nobody@b.test', 'none'))),
    () => 0,
  );
  return {
    name: 'CPU per job above bare writes',
    measured: told(both.difference, 'µs'),
    beside: `${told(both.a, 'µs')} for the job, ${told(both.b, 'µs')} for the same documents by the bare driver`,
    goal: `≤ ${CPU_GOAL_US} µs`,
    met,
    why: `of it, the look-up of the idempotency key, a round trip through the driver, takes ${digits(read.a.median)} µs`,
  };
}

async function chainedFigure(rig: JobRig, floor: JobFloor): Promise<Figure> {
  await times(50, () => rig.run(), WARM_UP_S);
  const both = await inPairs(
    CHAINED_PAIRS,
    () => timed(() => rig.run()),
    async () => sum(await floor.run()),
    CHAINED_S,
  );
  return {
    name: 'start → end while the audit chain is written beside it',
    measured: told(both.a, 'ms'),
    beside: `${told(both.b, 'ms')} for 4 commits of the bare driver on the same busy store: ${told(both.ratio, '×')}`,
    met: null,
  };
}
