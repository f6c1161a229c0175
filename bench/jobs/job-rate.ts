// Jobs per second and their latency at 64 in flight, beside the same contract written by hand on two other job libraries.
import { startMongo } from '../../testing/mongo.ts';
import { notMeasured, type Figure, type Section } from '../figure.ts';
import { jobFloor } from './job-floor.ts';
import { jobRig } from './job-rig.ts';
import { agendaPeer } from '../peers/agenda-peer.ts';
import { graphilePeer } from '../peers/graphile-peer.ts';
import { digits, quantile, spread, told } from '../spread.ts';
import type { Contender } from './contender.ts';

interface Runner {
  readonly name: string;
  start(mongoUri: string): Promise<Contender>;
}

const IN_FLIGHT = 64;
const ROUNDS = 4;
const ROUND_MS = 3_000;
const ALONE_MS = 1_200;
/** No further round is begun after this, as on a busy machine. */
const BUDGET_MS = 120_000;

const RUNNERS: readonly Runner[] = [
  { name: 'floor: the same documents by the bare driver', start: bareDriver },
  { name: 'this engine', start: (uri) => jobRig(uri, 'rate', { chained: false }) },
  { name: 'this engine, audit chained beside it', start: (uri) => jobRig(uri, 'rate-chained', { chained: true, replicaId: 'chained' }) },
  { name: 'agenda 6, same store', start: agendaPeer },
  { name: 'graphile-worker 0.18, Postgres 15, fsync and synchronous_commit on', start: () => graphilePeer() },
]; // prettier-ignore

/** What the store itself can take: it is no faster for many writers at once than its commits allow. */
async function bareDriver(uri: string): Promise<Contender> {
  const shown = await jobRig(uri, 'floor-shown', { chained: false });
  const target = await jobRig(uri, 'floor-target', { chained: false });
  const { run } = await jobFloor(shown, target);
  return { run, stop: async () => void (await Promise.all([shown.stop(), target.stop()])) };
}

interface Readings {
  readonly perSecond: number[];
  readonly crowded: number[];
  readonly alone: number[];
  refused: number;
}

export async function measure(): Promise<Section> {
  const mongo = await startMongo({ durable: true });
  const readings = new Map<string, Readings | Error>();
  const started = new Map<string, Contender>();
  try {
    for (const { name, start } of RUNNERS) {
      readings.set(name, noReadings());
      await start(mongo.uri).then(
        (contender) => started.set(name, contender),
        (error: Error) => readings.set(name, error),
      );
    }
    const until = performance.now() + BUDGET_MS;
    for (let round = 0; round <= ROUNDS && (round < 2 || performance.now() < until); round += 1) {
      for (const [name, contender] of started) {
        // The first round only warms up.
        const taken = round === 0 ? noReadings() : (readings.get(name) as Readings);
        await readAlone(contender, taken);
        await readCrowded(contender, taken, round === 0 ? ROUND_MS / 2 : ROUND_MS);
      }
    }
  } finally {
    for (const contender of started.values()) await contender.stop();
    await mongo.stop();
  }
  return {
    title: 'Many jobs at once, and peers',
    how:
      `The contract: an idempotency key, three durable steps, and an audit row in the transactions that accept and end the job. ` +
      `${IN_FLIGHT} jobs in flight, each followed by the next; at most ${ROUNDS} rounds of ${ROUND_MS / 1000} s, all contenders in turn ` +
      `in every round. A job ends when its last transaction has committed. Every commit is synced to disk everywhere. ` +
      `The peers are installed by the bench with \`npm ci\` in bench/peers.`,
    figures: RUNNERS.map(({ name }) => figureOf(name, readings.get(name)!)),
  };
}

const noReadings = (): Readings => ({ perSecond: [], crowded: [], alone: [], refused: 0 });

async function readAlone(contender: Contender, { alone }: Readings): Promise<void> {
  for (const until = performance.now() + ALONE_MS; performance.now() < until;) {
    const began = performance.now();
    await contender.run();
    alone.push(performance.now() - began);
  }
}

async function readCrowded(contender: Contender, taken: Readings, ms: number): Promise<void> {
  const began = performance.now();
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - began < ms) {
      const submitted = performance.now();
      try {
        await contender.run();
        taken.crowded.push(performance.now() - submitted);
        done += 1;
      } catch {
        // Refused whole because the store was not in time: the caller's to repeat, and counted.
        taken.refused += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  taken.perSecond.push((done * 1000) / (performance.now() - began));
}

function figureOf(name: string, taken: Readings | Error): Figure {
  if (taken instanceof Error) return notMeasured(name, taken);
  const { perSecond, crowded, alone, refused } = taken;
  const at = (share: number): string => `${digits(quantile(crowded, share))} ms`;
  return {
    name,
    measured: `${told(spread(perSecond), 'jobs/s')}; p50 ${at(0.5)}, p99 ${at(0.99)}${refused ? `; ${refused} refused with 503` : ''}`,
    beside: `alone: p50 ${digits(quantile(alone, 0.5))} ms, p99 ${digits(quantile(alone, 0.99))} ms`,
    met: null,
  };
}
