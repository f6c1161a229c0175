/** Jobs as what may need a person: replicas that do not fit together, failures that still stand, jobs that wait for a word. */
import type { Overview } from '@cloudlysis/contract';
import { figure, type Asked, type Found, type Look } from '../../feature/attention.ts';
import type { UnknownJob } from '../engine/unknown-jobs.ts';
import type { FailedJob } from './failed-jobs.ts';
import type { AwaitedSignal, JobCounts, JobsSight } from './job-sight.ts';

const DAY_MS = 86_400_000;

export const jobsLook =
  (sight: JobsSight): Look =>
  async ({ ask, now, visible }) => {
    const since = new Date(now.getTime() - DAY_MS);
    const [counts, failed, awaited] = await Promise.all([
      ask('jobs', () => sight.counts(since, visible)),
      ask('failed jobs', () => sight.failures(since, visible)),
      ask('jobs that wait for a word', () => sight.awaiting(visible)),
    ]);
    const items = [...(failed.ok ? failed.value : []).map(failure), ...(awaited.ok ? awaited.value : []).map(awaiting)];
    const own = {
      figures: [figure('jobs_open', 'Jobs open', counts.ok ? counts.value.open : null, 'jobs')],
      degraded: null,
      unknown: counts.ok ? null : `jobs cannot be counted: ${counts.reason}`,
    };
    const platform = [...keys(sight.withOtherKey()), ...namesake(sight.namesake()), ...unknown(sight.unknownJobs())];
    return { platform, items, own, sums: { jobs: sum(counts) } };
  };

const sum = (counts: Asked<JobCounts>): Overview['jobs'] =>
  counts.ok
    ? { open: counts.value.open, failed_24h: counts.value.failed, succeeded_24h: counts.value.succeeded }
    : { open: null, failed_24h: null, succeeded_24h: null };

const ours = { since: null, resource: 'service:control-plane', action: null };

/** Nobody sees it but those whose changes are refused, about every second one. */
const keys = (others: readonly string[]): Found[] => {
  if (others.length === 0) return [];
  const have = `${others.slice(0, 5).join(', ')} ${others.length === 1 ? 'has' : 'have'}`;
  const detail = `${have} another CONTROL_KEY than the replica that answered: plans made by one are refused by the other; give all the same file and restart`;
  return [
    { ...ours, id: 'control-key.differs', severity: 'critical', title: 'Replicas have different control keys', detail },
  ];
};

/** Nothing is done twice, since every claim has its fence; each job is begun again for no reason. */
const namesake = (name: string | null): Found[] => {
  if (name === null) return [];
  const title = `Two replicas are called ${name}`;
  const detail =
    'each is taken for an earlier life of the other, so jobs of one are taken over by the other while they run; give each a REPLICA_ID of its own and restart';
  return [{ ...ours, id: 'replica.namesake', severity: 'critical', title, detail }];
};

/** During a deployment for seconds; longer where the only replica that knew them is gone. */
const unknown = (jobs: readonly UnknownJob[]): Found[] => {
  const [first] = jobs;
  if (!first) return [];
  const [wait, it] = jobs.length === 1 ? ['job waits', 'it'] : ['jobs wait', 'them'];
  const named = [...new Set(jobs.map(({ what }) => what))].slice(0, 3).join(', ');
  const ids = jobs.slice(0, 3).map(({ jobId }) => jobId);
  return [
    {
      ...ours,
      id: 'jobs.unknown',
      severity: 'warning',
      title: `${jobs.length} ${wait} for a replica that knows ${it}`,
      detail: `No replica that runs knows ${named}: start one of the release that made ${it}, or a later one that carries ${it} on; ${ids.join(', ')}`,
      resource: jobs.length === 1 ? `job:${first.jobId}` : ours.resource,
    },
  ];
};

const failure = ({ jobId, kind, state, resource, why, endedAt }: FailedJob): Found => ({
  id: `job.${state}:${jobId}`,
  // A job that was undone left nothing behind; one that failed may have.
  severity: state === 'failed' ? 'warning' : 'info',
  title: `${kind} ${state === 'failed' ? 'failed' : 'was undone'} on ${resource}`,
  detail: why,
  since: endedAt?.toISOString() ?? null,
  resource: `job:${jobId}`,
  action: 'jobs.retry',
});

const awaiting = ({ jobId, kind, resource, signal, since }: AwaitedSignal): Found => ({
  id: `job.awaits:${jobId}`,
  severity: 'info',
  title: `${kind} on ${resource} waits for ${signal}`,
  detail: 'It goes on once who may has said so; its page says who that is',
  since: since.toISOString(),
  resource: `job:${jobId}`,
  action: null,
});
