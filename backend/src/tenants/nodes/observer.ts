/**
 * Watches what decides the tenants' status beside their records: active jobs, node reports, placements, consumer lag.
 *
 * Every cost is bounded, whatever the number of tenants: one query for jobs, none for reports, placements at most a
 * twentieth of the time, and lag a tenth: NATS tells of 256 consumers at once, so that 12 tenants are seen in every
 * round, and 10 000 (in 1.6 s) every sixteen seconds.
 */
import type { Placement } from '@cloudlysis/contract';
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import type { ActiveJob, JobReader } from '../../jobs/record/job-reader.ts';
import type { PlacementBook } from '../../placement/record/placement-book.ts';
import { consumerName, type NatsPort } from '../../ports/nats/index.ts';
import type { Directory } from '../directory/directory.ts';
import { findingsOf, type NodeFindings } from '../directory/node-findings.ts';
import { LAG_LIMIT } from '../../placement/index.ts';
import type { LagFinding } from '../directory/tenant-status.ts';
import { inOrder } from '../directory/tenant-view.ts';
import { every, within } from '../../kernel/time.ts';

export interface Observer {
  /** Active jobs no older than half a second; what is known where they cannot be read. */
  refreshJobs(): Promise<void>;
  /** The tenant's consumers asked now; what is known where NATS does not answer within half a second. */
  lagsOf(tenantId: string): Promise<readonly LagFinding[]>;
  /** What the tenant's slowest consumer was behind when it was last asked; null where that is not known, or no longer. */
  lagOf(tenantId: string): LagSample | null;
  /** The nodes' last reports, with since when. */
  findings(): NodeFindings;
  /** One round; for tests and for the first list. */
  round(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface LagSample {
  /** Events; null when the tenant has no consumer. */
  readonly events: number | null;
  readonly at: Date;
}

interface Measured {
  readonly kind: (typeof KINDS_WITH_CONSUMER)[number];
  /** Null where there is no consumer. */
  readonly lag: number | null;
}

export interface ObserverDeps {
  readonly directory: Directory;
  readonly jobs: JobReader;
  readonly placement: PlacementBook;
  readonly nats: NatsPort;
  readonly ambient: Ambient;
  readonly logger: Logger;
}

const ROUND_MS = 2_000;
const KINDS_WITH_CONSUMER = ['projection', 'runner'] as const;
const JOBS_MS = 500;
const PLACEMENTS_MS = 5_000;
/** Reading placements may take this share of the time. */
const PLACEMENTS_SHARE = 1 / 20;
/** NATS may be asked for consumers this share of the time. */
const LAG_SHARE = 1 / 10;
/** A list that takes longer is left: whoever it did not name is asked by name. */
const LAG_LIST_MS = 5_000;
/** Of those that a list left out, so many are asked by name in a round. */
const LAG_BY_NAME = 100;
const LAG_AT_ONCE = 16;
const PATIENCE_MS = 500;
/** A lag that was measured longer ago is no longer told: 10 000 tenants are through in a quarter of it. */
const LAG_STALE_MS = 60_000;
/** Placements of tenants whose job has just ended are read at once, at most this many. */
const ENDED = 50;

export function createObserver(deps: ObserverDeps): Observer {
  const { directory, jobs, placement, nats, ambient, logger } = deps;
  const stopping = new AbortController();
  const lags = new Map<string, readonly LagFinding[]>();
  const lagChanged = new Set<string>();
  const lagSamples = new Map<string, LagSample>();
  let active: ReadonlyMap<string, ActiveJob> = new Map();
  let reports: NodeFindings = new Map();
  let jobsAt = -Infinity;
  let placementsDue = 0;
  let placementsRead: readonly Placement[] | undefined;
  let placed = 0;
  let lagsDue = 0;
  let askedByName = 0;
  let running: Promise<void> | undefined;

  const publish = (changed: Iterable<string> = []): void =>
    directory.observe({ now: ambient.now(), jobs: active, reports, lags }, changed);

  /** Returns the tenants whose job is another one than before. */
  async function readJobs(): Promise<string[]> {
    jobsAt = ambient.monotonic();
    const found = new Map<string, ActiveJob>();
    for (const job of await jobs.active()) {
      if (job.tenantId !== null && !found.has(job.tenantId)) found.set(job.tenantId, job);
    }
    const before = active;
    active = found;
    const ended = [...before.keys()].filter((tenantId) => !found.has(tenantId));
    await Promise.all(
      ended.slice(0, ENDED).map(async (tenantId) => directory.place(tenantId, inOrder(await placement.of(tenantId)))),
    );
    return [...ended, ...[...found].filter(([id, job]) => before.get(id)?.jobId !== job.jobId).map(([id]) => id)];
  }

  async function readPlacements(): Promise<void> {
    const started = ambient.monotonic();
    if (started < placementsDue) return;
    const all = await placement.all();
    // The book hands out the same array until a placement changes; then only a full read of records brings more to place.
    if (all === placementsRead && directory.size === placed) return;
    placementsRead = all;
    placed = directory.size;
    const byTenant = Map.groupBy(all, ({ tenant_id }) => tenant_id);
    for (const id of directory.all()) directory.place(id, inOrder(byTenant.get(id) ?? []));
    const took = ambient.monotonic() - started;
    placementsDue = started + Math.max(PLACEMENTS_MS, took / PLACEMENTS_SHARE);
  }

  async function readLag(tenantId: string): Promise<readonly LagFinding[]> {
    const measured = await Promise.all(
      KINDS_WITH_CONSUMER.map(async (kind) => ({ kind, lag: (await nats.consumer(tenantId, kind))?.lag ?? null })),
    );
    return takeLag(tenantId, measured);
  }

  function takeLag(tenantId: string, measured: readonly Measured[]): readonly LagFinding[] {
    const known = measured.flatMap(({ lag }) => (lag === null ? [] : [lag]));
    lagSamples.set(tenantId, { events: known.length ? Math.max(...known) : null, at: ambient.now() });
    // Read after the measurement: a second one that was under way begins no second lag.
    const before = lags.get(tenantId) ?? [];
    const above = measured.flatMap(({ kind, lag }): LagFinding[] => {
      if (lag === null || lag <= LAG_LIMIT) return [];
      const since = before.find((finding) => finding.kind === kind)?.since ?? ambient.now();
      return [{ kind, lag, limit: LAG_LIMIT, since }];
    });
    if (above.length || before.length) lagChanged.add(tenantId);
    if (above.length) lags.set(tenantId, above);
    else lags.delete(tenantId);
    return above;
  }

  async function readLags(): Promise<void> {
    for (const known of [lags, lagSamples]) for (const id of known.keys()) if (!directory.get(id)) known.delete(id);
    const started = ambient.monotonic();
    if (started < lagsDue) return;
    const told = new Map<string, number>();
    try {
      for await (const page of nats.consumers()) {
        for (const { name, lag } of page) told.set(name, lag);
        if (stopping.signal.aborted || ambient.monotonic() - started > LAG_LIST_MS) break;
      }
    } catch (error) {
      logger.debug({ err: error, told: told.size }, 'the list of consumers broke off');
    } finally {
      lagsDue = started + (ambient.monotonic() - started) / LAG_SHARE;
    }
    const unlisted: string[] = [];
    for (const id of directory.all()) {
      if (directory.get(id)?.record.phase !== 'live') continue;
      const measured = KINDS_WITH_CONSUMER.map((kind) => ({ kind, lag: told.get(consumerName(kind, id)) ?? null }));
      if (measured.some(({ lag }) => lag === null)) unlisted.push(id);
      else takeLag(id, measured);
    }
    await pLimit(LAG_AT_ONCE).map(nextOf(unlisted), readLag);
  }

  /** A list that is read page by page may leave one out while others come and go: those are asked by name, in turn. */
  function nextOf(unlisted: readonly string[]): string[] {
    if (unlisted.length === 0) return [];
    const from = askedByName % unlisted.length;
    askedByName = from + LAG_BY_NAME;
    return [...unlisted.slice(from), ...unlisted.slice(0, from)].slice(0, LAG_BY_NAME);
  }

  /** What cannot be read now stays as it was last seen. */
  const attempt = <T>(what: string, read: () => Promise<T>): Promise<T | undefined> =>
    read().catch((error: unknown) => void logger.debug({ err: error }, `${what} could not be read`));

  async function round(): Promise<void> {
    reports = findingsOf(placement.reports(), reports, placement.drains());
    const [changed] = await Promise.all([
      attempt('active jobs', readJobs),
      attempt('placements', readPlacements),
      attempt('consumer lag', readLags),
    ]);
    publish([...(changed ?? []), ...lagChanged]);
    lagChanged.clear();
  }

  const atMost = <T>(work: Promise<T>, otherwise: T): Promise<T> =>
    within(
      ambient,
      PATIENCE_MS,
      work.catch(() => otherwise),
      () => otherwise,
    );

  return {
    findings: () => (reports = findingsOf(placement.reports(), reports, placement.drains())),
    lagOf(tenantId) {
      const sample = lagSamples.get(tenantId);
      return sample && ambient.now().getTime() - sample.at.getTime() < LAG_STALE_MS ? sample : null;
    },
    lagsOf: (tenantId) => atMost(readLag(tenantId), lags.get(tenantId) ?? []),
    async refreshJobs() {
      if (ambient.monotonic() - jobsAt < JOBS_MS) return;
      await atMost(attempt('active jobs', readJobs).then(publish), undefined);
    },
    round,
    start() {
      running ??= every(ambient, ROUND_MS, stopping.signal, round, (err) =>
        logger.warn({ err }, 'a round over the tenants failed'),
      );
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
