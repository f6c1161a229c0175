/** Asks everything the overview is judged on, at once, and waits for nobody longer than 1.2 s. */
import { Problem } from '@cloudlysis/contract';
import type { BadRecords } from '../kernel/bad-records.ts';
import type { Ambient } from '../kernel/ambient.ts';
import type { Audit } from '../audit/index.ts';
import type { Clocks } from '../clocks/index.ts';
import type { Copies } from '../copies/index.ts';
import type { JobEngine } from '../jobs/index.ts';
import type { NodeMetrics } from '../node-metrics/index.ts';
import { lasting, nodeHealth, type PlacementBook } from '../placement/index.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import type { NatsPort } from '../ports/nats/index.ts';
import type { Visible } from '../call/principal.ts';
import type { Tenants } from '../tenants/index.ts';
import type { DriftWatch } from './drift-watch.ts';
import { failedJobs } from './failed-jobs.ts';
import type { Asked, AwaitedSignal, JobCounts, OverviewFacts, SightedShard } from './facts.ts';

export interface OverviewDeps {
  readonly ambient: Ambient;
  readonly mongo: Pick<Mongo, 'ping'>;
  readonly nats: Pick<NatsPort, 'ping' | 'account' | 'limits'>;
  readonly audit: Pick<Audit, 'freshness' | 'lastVerification' | 'moved'>;
  readonly jobs: Pick<JobEngine, 'store' | 'withOtherKey' | 'namesake' | 'unknownJobs'>;
  readonly metrics: Pick<NodeMetrics, 'traffic' | 'figures'>;
  readonly placement: PlacementBook;
  readonly tenants: Pick<Tenants, 'summary'>;
  readonly drift: DriftWatch;
  readonly copies: Pick<Copies, 'states'>;
  readonly badRecords: Pick<BadRecords, 'known'>;
  readonly clocks: Pick<Clocks, 'peers'>;
}

const WAIT_MS = 1_200;
const DAY_MS = 86_400_000;
/** Jobs are counted no further: 10 000 take 30 ms, and nobody reads the difference. */
const MOST = 10_000;

export async function survey(deps: OverviewDeps, visible: Visible): Promise<OverviewFacts> {
  const { ambient, mongo, nats, audit, metrics } = deps;
  const now = ambient.now();
  const since = new Date(now.getTime() - DAY_MS);
  const timer = new AbortController();
  const late = ambient.sleep(WAIT_MS, timer.signal).catch(() => undefined);
  const ask = <T>(work: Promise<T>): Promise<Asked<T>> => answered(work, late);
  const [shards, bus, store, freshness, jobs, failures, drift, tenants, awaiting] = await Promise.all([
    ask(sightedShards(deps.placement, now)),
    ask(
      Promise.all([nats.ping(), nats.account(), nats.limits()]).then(([roundTripMs, account, limits]) => ({
        roundTripMs,
        account,
        limits,
      })),
    ),
    ask(mongo.ping()),
    ask(audit.freshness()),
    ask(countJobs(deps.jobs, since, visible)),
    ask(failedJobs(deps.jobs.store, since, visible)),
    ask(visible === 'all' ? deps.drift.latest() : Promise.resolve({ items: [], checked: 0, unreachable: [] })),
    ask(deps.tenants.summary(visible)),
    ask(awaitedSignals(deps.jobs.store, visible)),
  ]);
  timer.abort();
  const verified = audit.lastVerification();
  const moved = audit.moved();
  const broken = verified?.first_bad && { reason: `record ${verified.first_bad.seq}: ${verified.first_bad.reason}`, at: verified.at }; // prettier-ignore
  const kinds = ['gateway', 'aggregate', 'projection', 'runner'] as const;
  return {
    now, shards, bus, store, audit: freshness, jobs, failures, drift, tenants, awaiting,
    wholePlatform: visible === 'all',
    badRecords: deps.badRecords.known(),
    copies: deps.copies.states(),
    clocks: deps.clocks.peers(),
    otherKeys: deps.jobs.withOtherKey(),
    namesake: deps.jobs.namesake(),
    unknownJobs: deps.jobs.unknownJobs(),
    traffic: metrics.traffic(),
    figures: Object.fromEntries(kinds.map((kind) => [kind, metrics.figures(kind)])) as OverviewFacts['figures'],
    chainBroken: broken ?? (moved === null ? null : { reason: moved, at: now }),
  }; // prettier-ignore
}

async function answered<T>(work: Promise<T>, late: Promise<unknown>): Promise<Asked<T>> {
  const told = work.then(
    (value): Asked<T> => ({ ok: true, value }),
    (error: unknown): Asked<T> => ({
      ok: false,
      reason: error instanceof Problem ? error.message : 'it could not be asked',
    }),
  );
  return Promise.race([told, late.then((): Asked<T> => ({ ok: false, reason: `no answer within ${WAIT_MS} ms` }))]);
}

/** The nodes' last reports, 2 s old at most: asking them again would add nothing but time. */
async function sightedShards(placement: PlacementBook, now: Date): Promise<SightedShard[]> {
  const [shards, counts] = await Promise.all([placement.shards(), placement.counts()]);
  const reports = placement.reports();
  const ordered = Map.groupBy(placement.drains().values(), ({ shard_id }) => shard_id);
  return shards.map(({ shard_id, kind, capacity }) => {
    const report = reports.get(shard_id);
    return {
      shardId: shard_id,
      kind,
      tenants: counts.get(shard_id) ?? 0,
      capacity: capacity.tenants,
      ...nodeHealth(report, placement.drains().get(shard_id)),
      ordered: ordered.get(shard_id) ?? [],
      drains: report?.state?.draining ?? false,
      since: report?.since ?? null,
      at: report?.at ?? null,
      doubts: lasting(report?.doubts ?? [], now),
    };
  });
}

/** Named at once; who waits longest is not sought out. */
const AWAITED = 20;

async function awaitedSignals(store: JobEngine['store'], visible: Visible): Promise<AwaitedSignal[]> {
  const jobs = await store.awaiting(visible, AWAITED);
  return jobs.flatMap(({ _id, kind, resource, wait }) =>
    wait ? [{ jobId: _id, kind, resource, signal: wait.what, since: wait.since }] : [],
  );
}

async function countJobs({ store }: Pick<JobEngine, 'store'>, since: Date, visible: Visible): Promise<JobCounts> {
  const [open, failed, succeeded] = await Promise.all([
    store.count(['queued', 'running', 'cancelling'], null, visible, MOST),
    store.count(['failed', 'compensated'], since, visible, MOST),
    store.count(['succeeded'], since, visible, MOST),
  ]);
  return { open, failed: Math.min(failed, MOST), succeeded };
}
