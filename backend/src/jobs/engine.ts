/**
 * The job engine: claims what may run, runs it in slots, takes over what a dead replica left, hands back on stop.
 *
 * It wakes on events (a submission here, a change stream for the other replicas); one sweep a second is the safety
 * net and reads only jobs that hold a lane or may be claimed, so jobs that wait cost nothing.
 */
import { Problem, type Plan } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Ambient } from '../ambient.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { ControlKey } from '../control-key.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import { storeClock, type StoreClock } from '../ports/mongo/store-clock.ts';
import { childJobs } from './children.ts';
import type { JobDefinition } from './definition.ts';
import { isFinal, type JobDocument } from './job-document.ts';
import type { ActiveJob, JobReader } from './job-reader.ts';
import { FenceLost, jobStore, mustGet, type JobStore } from './jobs.store.ts';
import { jobWatch, type JobWatch } from './job-watch.ts';
import { assertDefinition } from './known-job.ts';
import { jobMetrics } from './metrics.ts';
import { replicas, type Replicas } from './replicas.ts';
import { runJob, type CrashPoint } from './runner.ts';
import { jobSignals, type JobSignals } from './signals.ts';
import { sealedInputs } from './sealed-inputs.ts';
import { planSeal, type PlanSeal } from './plan-seal.ts';
import { preflight, submit, type Submission } from './submission.ts';
import { unknownJobs, type UnknownJob } from './unknown-jobs.ts';

export interface EngineOptions {
  readonly mongo: Mongo;
  readonly audit: AuditLog;
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly replicaId: string;
  /** Time that all replicas share; read from the store unless given. */
  readonly clock?: StoreClock;
  /** Replicas share one. */
  readonly controlKey: ControlKey;
  /** Jobs at once in this replica. */
  readonly slots?: number;
  /** Silence after which a replica is dead, in milliseconds. */
  readonly leaseMs?: number;
  readonly crashPoint?: (point: CrashPoint) => void | Promise<void>;
}

export interface JobEngine extends JobReader {
  readonly store: JobStore;
  readonly signals: JobSignals;
  readonly watch: JobWatch;
  /** The time of jobs and plans, the same on every replica. */
  now(): Date;
  /** Kinds become known before `start`. */
  define(definitions: Readonly<Record<string, JobDefinition<never>>>): void;
  definitionOf(kind: string): JobDefinition<unknown>;
  /** Replicas alive that have another CONTROL_KEY. */
  withOtherKey(): string[];
  /** Our name, if another process runs under it. */
  namesake(): string | null;
  /** Jobs that this replica met and does not know, and that nobody takes. */
  unknownJobs(): readonly UnknownJob[];
  /** The plan of a change, sealed for whoever asks. */
  preflight(wanted: Parameters<typeof preflight>[1]): Promise<Plan>;
  readonly seal: PlanSeal;
  /** The other replicas that are alive, and how far their clocks are off. */
  readonly otherReplicas: Replicas['others'];
  submit(wanted: Submission): Promise<JobDocument>;
  /** Takes the fence away and starts the way back. @throws Problem `job.unknown` | `job.state` */
  cancel(jobId: string, by: string, reason: string, record: Parameters<AuditLog['append']>[0]): Promise<JobDocument>;
  /** The job once it is final, or as it is after `ms`. */
  settled(jobId: string, ms: number, signal?: AbortSignal): Promise<JobDocument>;
  start(): Promise<void>;
  /** Hands running jobs back within `ms`. */
  stop(ms: number): Promise<void>;
}

const SWEEP_MS = 1_000;
/** How long an aborted step is waited for before its job is left to the sweep of another replica. */
const SETTLE_MS = 5_000;
/** Every so many sweeps all waiting lanes are looked at. */
const FULL_SWEEP = 60;

/** Every so many sweeps the store's clock is read. */
const CLOCK_SWEEP = 10;

interface Running {
  readonly kind: string;
  /** Of the claim that it runs under. */
  readonly fence: number;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

const STOPPING = new Problem('service.stopping');

export function jobEngine(options: EngineOptions): JobEngine {
  const { mongo, audit, logger } = options;
  const clock = options.clock ?? storeClock(mongo, options.ambient);
  // What one replica writes is judged by others, and their clocks differ: times of jobs are the store's.
  const ambient: Ambient = { ...options.ambient, now: () => clock.now() };
  const store = jobStore(mongo, ambient.now);
  const signals = jobSignals();
  const watch = jobWatch({ store, signals, ambient, logger });
  const seal = planSeal(options.controlKey, () => ambient.uuid());
  const sealed = sealedInputs(mongo, options.controlKey, ambient.now);
  const definitions = new Map<string, JobDefinition<unknown>>();
  const { mark } = options.controlKey;
  const peers = replicas(mongo, ambient, options.replicaId, options.leaseMs ?? 5_000, clock.aheadMs, mark);
  const slots = options.slots ?? 64;
  const running = new Map<string, Running>();
  /** Jobs whose claim is on its way: the store may show them as ours before we know it. */
  const starting = new Set<string>();
  const metrics = jobMetrics(options.metrics, () => running.size);
  const unmet = unknownJobs(store, ambient, (kind) => definitions.get(kind));
  let state: 'new' | 'started' | 'stopping' = 'new';
  let unwatch: (() => Promise<void>) | undefined;
  let sweeping: Promise<void> | undefined;
  /** Lanes in which a job waits, as far as this replica saw. */
  const lanesWaiting = new Set<string>();
  /** Whether claimable jobs may be left in the store. */
  let readyLeft = true;
  let sweeps = 0;
  const stopped = new AbortController();

  const definitionOf = (kind: string): JobDefinition<unknown> => {
    const definition = definitions.get(kind);
    if (!definition) throw new Error(`No job is defined for ${kind}`);
    return definition;
  };
  /** Jobs that start jobs have as many slots as those they wait for, and apart from them. */
  const isParent = (kind: string): boolean => definitions.get(kind)?.startsJobs === true;
  /** Several submitted at once may have begun in more than there are. */
  const freeSlots = (ofParents: boolean): number =>
    Math.max(0, slots - [...running.values()].filter(({ kind }) => isParent(kind) === ofParents).length);
  const takesJobs = (): boolean => state === 'started' && !peers.leaseLost();
  const hasSlot = (kind: string): boolean => takesJobs() && freeSlots(isParent(kind)) > 0;

  /** Runs a job this replica has claimed, then hands its lane and its slot on. */
  function launch(job: JobDocument, waited: boolean): void {
    const abort = new AbortController();
    const log = logger.child({ job_id: job._id, kind: job.kind, fence: job.fence });
    let lostFence = false;
    const done = runJob({ ...runnerDeps, logger: log }, job, waited, abort.signal)
      .then((end) => metrics.ended(job, end, ambient.now()))
      .catch(async (error: unknown) => {
        lostFence = error instanceof FenceLost;
        if (lostFence) return void metrics.fencesLost.inc();
        log.warn({ err: error }, 'run stopped');
        // Whatever stopped the run, the job goes on from its last record under the next claim.
        await store.handBack(job._id, job.fence).catch(() => undefined);
      })
      .finally(() => {
        running.delete(job._id);
        signals.changed(job._id);
        void handOn(job, lostFence).catch((error: unknown) =>
          log.warn({ err: error }, 'not handed on; the sweep will'),
        );
      });
    running.set(job._id, { kind: job.kind, fence: job.fence, abort, done });
  }

  async function handOn(job: JobDocument, lostFence: boolean): Promise<void> {
    if (state !== 'started') return;
    if (lostFence) {
      // A cancel took the fence: its way back is claimed at once.
      const now = await store.get(job._id);
      if (now?.state === 'cancelling') return take(now);
    }
    if (lanesWaiting.has(job.lane)) await freeLane(job.lane);
    await claimReady();
  }

  async function take(job: JobDocument): Promise<void> {
    if (running.has(job._id) || starting.has(job._id)) return;
    if (!unmet.knows(job)) return;
    if (!hasSlot(job.kind)) return void (readyLeft = true);
    starting.add(job._id);
    const claimed = await store.claim(job, peers.self, ambient.now()).finally(() => starting.delete(job._id));
    if (claimed === 'lost') return;
    if (claimed === 'lane-busy') {
      await store.park(job._id);
      // Marked before it is looked at again: the holder may have ended between the claim and the mark.
      lanesWaiting.add(job.lane);
      if (!(await store.isHeld(job.lane))) await freeLane(job.lane);
      return;
    }
    if (job.fence > 0 && job.state === 'running') metrics.takeovers.inc();
    launch(claimed, job.state === 'queued');
  }

  /** Lets the oldest job that waits for a lane be claimed; the lane stays noted while more may wait. */
  async function freeLane(lane: string): Promise<void> {
    lanesWaiting.delete(lane);
    if (!(await store.unpark(lane))) return;
    lanesWaiting.add(lane);
    readyLeft = true;
  }

  /**
   * Looks for claimable jobs only when some may be there: asking after every job would double its reads. Each pool asks for
   * its own: one that is full would otherwise read the whole queue of the other at every sweep.
   */
  async function claimReady(): Promise<void> {
    for (let more = readyLeft; more && takesJobs();) {
      more = readyLeft = false;
      const parents = [...definitions.keys()].filter(isParent);
      for (const ofParents of [false, true]) {
        const free = freeSlots(ofParents);
        // Those for whom there is no room are looked for when there is some.
        if (free === 0) {
          readyLeft = true;
          continue;
        }
        const ready = await store.ready(free, ofParents ? { $in: parents } : { $nin: parents }, unmet.knows);
        more ||= ready.length === free;
        for (const job of ready) await take(job).catch((error: unknown) => logger.warn({ err: error, job_id: job._id }, 'not claimed; the sweep will')); // prettier-ignore
      }
    }
  }

  /** Order matters: owners are read before replicas, and replicas register before they own, so nobody alive looks dead. */
  async function sweep(): Promise<void> {
    const held = await store.active();
    await peers.beat();
    await store.lookUp();
    if (sweeps % CLOCK_SWEEP === 0) await clock.read();
    const lanes = new Set(held.map((job) => job.lane));
    for (const job of held) {
      const run = running.get(job._id);
      if (run) {
        // Taken by a cancel that another replica was asked for. By its state alone the way back itself, which may take
        // longer than a sweep, would be broken off and begun again for ever.
        if (job.fence > run.fence) run.abort.abort(new FenceLost(job._id));
      } else if (job.owner === null || job.owner === peers.self || peers.isDead(job.owner)) await take(job);
    }
    // Lanes that other replicas saw waiting are looked up rarely: they hand on themselves unless they died.
    if (sweeps++ % FULL_SWEEP === 0) for (const lane of await store.lanesWaiting()) lanesWaiting.add(lane);
    for (const lane of lanesWaiting) if (!lanes.has(lane)) await freeLane(lane);
    readyLeft = true;
    await claimReady();
    await unmet.tell();
  }

  async function sweepForever(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        await sweep();
      } catch (error) {
        logger.warn({ err: error }, 'sweep failed');
      }
      if (peers.leaseLost()) for (const run of running.values()) run.abort.abort(new FenceLost('lease'));
      await ambient.sleep(SWEEP_MS, stopped.signal).catch(() => undefined);
    }
  }

  const submitJob = async (wanted: Submission): Promise<JobDocument> => {
    if (state === 'stopping') throw STOPPING;
    const jobId = ambient.id('job');
    starting.add(jobId);
    try {
      const claimant = hasSlot(wanted.kind) ? peers.self : null;
      const { job, isNew } = await submit(
        { mongo, store, audit, ambient, seal, sealed, definitionOf },
        wanted,
        jobId,
        claimant,
      );
      if (isNew && job.owner === peers.self) launch(job, false);
      else if (isNew) readyLeft = true;
      return job;
    } finally {
      starting.delete(jobId);
      if (readyLeft)
        void claimReady().catch((error: unknown) => logger.warn({ err: error }, 'claim failed; the sweep will'));
    }
  };

  /** A run in this process tells when it ends; one in another replica is seen to end by the look that all share. */
  const settled = async (jobId: string, ms: number, signal?: AbortSignal): Promise<JobDocument> => {
    const until = ambient.monotonic() + ms;
    for (;;) {
      signal?.throwIfAborted();
      const here = running.get(jobId);
      if (here) await within(until - ambient.monotonic(), here.done, signal);
      const job = await mustGet(store, jobId);
      const left = until - ambient.monotonic();
      if (isFinal(job.state) || left <= 0) return job;
      if (!running.has(jobId)) await changed(job, left, signal);
    }
  };

  /** Until a look shows the job another than it was. */
  const changed = async ({ _id, state, fence }: JobDocument, ms: number, signal?: AbortSignal): Promise<void> => {
    const seen = Promise.withResolvers<void>();
    const leave = watch.join(_id, (job) => {
      if (!job || job.state !== state || job.fence !== fence || running.has(_id)) seen.resolve();
    });
    await within(ms, seen.promise, signal).finally(leave);
  };

  /** Waits for `event`, at most `ms`, and no longer than the signal lives. */
  const within = async (ms: number, event: Promise<void>, signal?: AbortSignal): Promise<void> => {
    const timer = new AbortController();
    const stop = signal ? AbortSignal.any([timer.signal, signal]) : timer.signal;
    const time = ambient.sleep(Math.max(0, ms), stop).catch(() => undefined);
    await Promise.race([event, time]);
    timer.abort();
  };

  const cancel: JobEngine['cancel'] = async (jobId, by, reason, record) => {
    for (;;) {
      const job = await mustGet(store, jobId);
      if (job.state === 'cancelling') return job;
      if (isFinal(job.state)) throw new Problem('job.state', `${jobId} has ${job.state} already`);
      const now = ambient.now();
      const won = await mongo.transaction(async (session) => {
        const taken = await store.requestCancel(job, { by, reason, at: now }, now, session);
        if (taken) await audit.append(record, session);
        // One that had not begun has ended by it.
        if (taken && job.state === 'queued') await sealed.drop(job, session);
        return taken;
      });
      if (!won) continue;
      audit.wake();
      const run = running.get(jobId);
      run?.abort.abort(new FenceLost(jobId));
      signals.changed(jobId);
      // It is committed: a store that is away now changes nothing of it.
      const cancelling = { ...job, state: job.state === 'queued' ? 'cancelled' : 'cancelling', cancel: { by, reason, at: now } } as const; // prettier-ignore
      return (await store.get(jobId).catch(() => null)) ?? cancelling;
    }
  };

  const children = childJobs({ store, ambient, submit: submitJob, settled, cancel });
  const runnerDeps = {
    mongo, store, sealed, audit, ambient, logger, definitionOf,
    changed: (jobId: string) => signals.changed(jobId),
    runChildren: children.run,
    cancelChildren: children.cancelAll,
    crashPoint: options.crashPoint ?? (() => undefined),
  }; // prettier-ignore

  return {
    store,
    signals,
    watch,
    now: ambient.now,
    define: (more) => {
      for (const [kind, definition] of Object.entries(more)) {
        assertDefinition(definition as unknown as JobDefinition<unknown>);
        definitions.set(kind, definition as unknown as JobDefinition<unknown>);
      }
    },
    otherReplicas: peers.others,
    definitionOf,
    seal,
    withOtherKey: () => peers.withOtherKey(),
    namesake: () => (peers.hasNamesake() ? options.replicaId : null),
    unknownJobs: unmet.waiting,
    preflight: (wanted) => preflight({ seal, sealed, ambient, definitionOf }, wanted),
    submit: submitJob,
    cancel,
    settled,
    active: async () => (await store.active()).map(toActive),
    holderOf: async (lane, except) => {
      const job = await store.holderOf(lane, except);
      return job && toActive(job);
    },
    async start() {
      await clock.read();
      await store.ensureIndexes();
      await store.lookUp();
      await sealed.sweep();
      await peers.register();
      state = 'started';
      unwatch = store.watch(() => void sweep().catch(() => undefined), ambient);
      sweeping = sweepForever();
    },
    async stop(ms) {
      state = 'stopping';
      stopped.abort();
      for (const run of running.values()) run.abort.abort(STOPPING);
      const all = Promise.all([...running.values()].map((run) => run.done));
      await Promise.race([all, ambient.sleep(Math.min(ms, SETTLE_MS))]);
      await sweeping;
      await unwatch?.();
      await watch.stop();
      await peers.leave().catch(() => undefined);
    },
  };
}

const toActive = (job: JobDocument): ActiveJob => ({
  jobId: job._id,
  kind: job.kind,
  tenantId: job.tenant_id,
  lane: job.lane,
  actor: job.actor,
  since: job.created_at,
  input: job.input,
});
