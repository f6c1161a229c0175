/** What the overview is told of jobs, asked of the store: how many, which failed and still stand, which wait for a word. */
import type { Visible } from '../../call/principal.ts';
import type { JobEngine } from '../engine/job-engine.ts';
import type { UnknownJob } from '../engine/unknown-jobs.ts';
import { failedJobs, type FailedJob } from './failed-jobs.ts';

export interface JobCounts {
  readonly open: number;
  readonly failed: number;
  readonly succeeded: number;
}

/** A job that goes on once somebody has said so. */
export interface AwaitedSignal {
  readonly jobId: string;
  readonly kind: string;
  readonly resource: string;
  readonly signal: string;
  readonly since: Date;
}

export interface JobsSight {
  withOtherKey(): readonly string[];
  namesake(): string | null;
  unknownJobs(): readonly UnknownJob[];
  counts(since: Date, visible: Visible): Promise<JobCounts>;
  failures(since: Date, visible: Visible): Promise<readonly FailedJob[]>;
  awaiting(visible: Visible): Promise<readonly AwaitedSignal[]>;
}

/** Jobs are counted no further: 10 000 take 30 ms, and nobody reads the difference. */
const MOST = 10_000;
/** Named at once; who waits longest is not sought out. */
const AWAITED = 20;

export const jobSight = (
  engine: Pick<JobEngine, 'store' | 'withOtherKey' | 'namesake' | 'unknownJobs'>,
): JobsSight => ({
  withOtherKey: () => engine.withOtherKey(),
  namesake: () => engine.namesake(),
  unknownJobs: () => engine.unknownJobs(),
  counts: (since, visible) => countJobs(engine.store, since, visible),
  failures: (since, visible) => failedJobs(engine.store, since, visible),
  awaiting: (visible) => awaitedSignals(engine.store, visible),
});

async function awaitedSignals(store: JobEngine['store'], visible: Visible): Promise<AwaitedSignal[]> {
  const jobs = await store.awaiting(visible, AWAITED);
  return jobs.flatMap(({ _id, kind, resource, wait }) =>
    wait ? [{ jobId: _id, kind, resource, signal: wait.what, since: wait.since }] : [],
  );
}

async function countJobs(store: JobEngine['store'], since: Date, visible: Visible): Promise<JobCounts> {
  const [open, failed, succeeded] = await Promise.all([
    store.count(['queued', 'running', 'cancelling'], null, visible, MOST),
    store.count(['failed', 'compensated'], since, visible, MOST),
    store.count(['succeeded'], since, visible, MOST),
  ]);
  return { open, failed: Math.min(failed, MOST), succeeded };
}
