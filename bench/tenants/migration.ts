// How long a tenant's writes stand still while it is moved under load, and what of its commands is lost or done twice.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '@cloudlysis/contract';
import { startStack, type Stack } from '../../backend/testing/stack.ts';
import type { LoadResult } from '../../dataplane/src/load/run-load.ts';
import type { Section } from '../figure.ts';
import { digits, median, quantile, spread, told } from '../spread.ts';

const GOAL_MS = 500;
const MOVES = 12;
const RATE = 200;
/** Seconds of load around each move. */
const SECONDS = 3;
const TENANT = 'tenant-01';

interface Move {
  readonly load: LoadResult;
  /** Milliseconds of the job. */
  readonly took: number;
  readonly steps: readonly string[];
}

export async function measure(): Promise<Section> {
  const stack = await startStack({ tenants: 12, ownMongo: true, env: { LOG_LEVEL: 'warn' } });
  try {
    await loaded(stack, 0);
    const moves: Move[] = [];
    const still: LoadResult[] = [];
    for (let turn = 1; turn <= MOVES; turn += 1) {
      const running = loaded(stack, turn);
      await sleep(700);
      const job = await moved(stack);
      moves.push({ load: await running, took: lengthOf(job), steps: job.steps.map(stepOf) });
      if (turn % 3 === 0) still.push(await loaded(stack, 100 + turn));
    }
    return sectionOf(moves, still);
  } finally {
    await stack.stop();
  }
}

const loaded = (stack: Stack, seed: number): Promise<LoadResult> =>
  stack.load({ rate: RATE, seconds: SECONDS, seed: seed + 1, noisy: TENANT });

/** To the other aggregate shard, as an operator does it: plan, quote the plan, wait for the proof. */
async function moved(stack: Stack): Promise<Job> {
  const operator = stack.as('operator');
  const { items } = await operator.read('scale.placements.list', { query: { tenant_id: TENANT, kind: 'aggregate' } });
  const to = items[0]?.shard_id === 'a1' ? 'a2' : 'a1';
  const limits = { max_in_flight: 10_000, max_consumer_lag: 1_000_000 };
  const body = { tenant_id: TENANT, kind: 'aggregate', to, ...limits, reason: 'a benchmark' } as const;
  const plan = await operator.preflight('scale.migrate', { body });
  const submitted = await operator.submit('scale.migrate', {
    body,
    idempotencyKey: randomUUID(),
    planHash: plan.hash,
    wait: 30,
  });
  if (submitted.status !== 200 || submitted.job.state !== 'succeeded')
    throw new Error(`the migration did not succeed: ${JSON.stringify(submitted.job).slice(0, 400)}`);
  return submitted.job;
}

const lengthOf = (job: Job): number => Date.parse(job.ended_at!) - Date.parse(job.created_at);
const stepOf = ({ name, duration_ms }: Job['steps'][number]): string => `${name} ${duration_ms} ms`;
const pauseOf = (load: LoadResult): number => load.write_pause_ms[TENANT]!;

function sectionOf(moves: readonly Move[], still: readonly LoadResult[]): Section {
  const loads = moves.map(({ load }) => load);
  const pauses = loads.map(pauseOf);
  const p99 = quantile(pauses, 0.99);
  const total = (pick: (load: LoadResult) => number): number => loads.reduce((sum, load) => sum + pick(load), 0);
  const bad = total((load) => load.lost) + total((load) => load.duplicated) + total((load) => load.gaps);
  const worst = moves.toSorted((a, b) => pauseOf(b.load) - pauseOf(a.load))[0]!;
  const acknowledged = total((load) => load.acknowledged);
  return {
    title: 'Moving a tenant under load',
    how:
      `The whole platform as real processes on this machine; ${RATE} commands/s over 12 tenants, half of them for the one that is moved, ` +
      `${MOVES} times from one aggregate shard to the other through the API. The pause is the longest time in which a command of the ` +
      `tenant waited and none was answered; beside it the same load with nobody moving. The limits of the preflight are raised, so ` +
      `that a busy machine is measured and not refused.`,
    figures: [
      {
        name: 'write pause',
        measured: `p99 ${digits(p99)} ms; ${told(spread(pauses), 'ms')}`,
        beside: `${told(spread(still.map(pauseOf)), 'ms')} without a move; the job takes ${told(spread(moves.map(({ took }) => took)), 'ms')}`,
        goal: `p99 ≤ ${GOAL_MS} ms`,
        met: p99 <= GOAL_MS,
        ...(p99 <= GOAL_MS ? {} : { why: `the worst move: ${worst.steps.join(', ')}` }),
      },
      {
        name: 'lost, done twice, out of order',
        measured: `${total((load) => load.lost)}, ${total((load) => load.duplicated)}, ${total((load) => load.gaps)}`,
        beside: `${digits(acknowledged)} acknowledged commands; ${total((load) => load.failed)} failed; median latency ${digits(median(loads.map((load) => load.latency_ms.p50)))} ms`,
        goal: '0, 0, 0',
        met: bad === 0,
        ...(bad === 0 ? {} : { why: 'see the failures of the load generator' }),
      },
    ],
  };
}
