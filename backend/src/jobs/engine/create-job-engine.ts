/**
 * The job engine: claims what may run, runs it in slots, takes over what a dead replica left, hands back on stop.
 *
 * It wakes on events (a submission here, a change stream for the other replicas); one sweep a second is the safety
 * net and reads only jobs that hold a lane or may be claimed, so jobs that wait cost nothing.
 */
import { Problem } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { ControlKey } from '../../secrets/control-key.ts';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import { createStoreClock, type StoreClock } from '../../ports/mongo/store-clock.ts';
import { createCancel } from './cancel-job.ts';
import { createChildren } from './children.ts';
import type { JobDefinition } from '../define/definition.ts';
import type { JobDocument } from '../record/job-document.ts';
import { createJobNotices } from '../store/job-notices.ts';
import type { ActiveJob } from '../record/job-reader.ts';
import { FenceLost } from '../record/job-writes.ts';
import { createJobStore } from '../store/jobs.store.ts';
import { createJobWatch } from '../store/job-watch.ts';
import { assertDefinition, definitionFor, unfamiliar } from '../store/known-job.ts';
import { createJobMetrics } from './metrics.ts';
import { createReplicas } from '../store/replicas.ts';
import type { CrashPoint } from '../run/run-record.ts';
import { runJob } from '../run/runner.ts';
import { createSealedInputs } from '../store/sealed-inputs.ts';
import { createWaitForEnd } from '../store/wait-for-end.ts';
import type { May } from '../record/rights.ts';
import { createSignalStore } from '../store/signal-store.ts';
import { createSignalling } from './signalling.ts';
import { createPlanSeal } from '../plan/plan-seal.ts';
import { preflight, submit, type Submission } from './submission.ts';
import { createUnknownJobs } from './unknown-jobs.ts';
import { needsLane } from '../run/wait-look.ts';
import type { JobEngine } from './job-engine.ts';
import { every } from '../../kernel/time.ts';

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
  /** Asked again when a job goes on after a wait. */
  readonly may: May;
  readonly crashPoint?: (point: CrashPoint) => void | Promise<void>;
}

const SWEEP_MS = 1_000;
/** How long an aborted step is waited for before its job is left to the sweep of another replica. */
const SETTLE_MS = 5_000;
/** Every so many sweeps all waiting lanes are looked at. */
const FULL_SWEEP = 60;
/** Every so many sweeps jobs are looked for whose children ended while nobody could wake them. */
const FORGOTTEN_SWEEP = 300;

/** Every so many sweeps the store's clock is read. */
const CLOCK_SWEEP = 10;

interface Running {
  /** Of the claim that it runs under. */
  readonly fence: number;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

const STOPPING = new Problem('service.stopping');

export function createJobEngine(options: EngineOptions): JobEngine {
  const { mongo, audit, logger } = options;
  const clock = options.clock ?? createStoreClock(mongo, options.ambient);
  // What one replica writes is judged by others, and their clocks differ: times of jobs are the store's.
  const ambient: Ambient = { ...options.ambient, now: () => clock.now() };
  const store = createJobStore(mongo, ambient.now);
  const notices = createJobNotices();
  const watch = createJobWatch({ store, notices, ambient, logger });
  const seal = createPlanSeal(options.controlKey, () => ambient.uuid());
  const sealed = createSealedInputs(mongo, options.controlKey, ambient.now);
  const definitions = new Map<string, JobDefinition<unknown>>();
  const { mark } = options.controlKey;
  const peers = createReplicas(mongo, ambient, options.replicaId, options.leaseMs ?? 5_000, clock.aheadMs, mark);
  const slots = options.slots ?? 64;
  const running = new Map<string, Running>();
  /** Jobs whose claim is on its way: the store may show them as ours before we know it. */
  const starting = new Set<string>();
  const metrics = createJobMetrics(options.metrics, () => running.size);
  const unmet = createUnknownJobs(store, ambient, (kind) => definitions.get(kind));
  let state: 'new' | 'started' | 'stopping' = 'new';
  let unwatch: (() => Promise<void>) | undefined;
  let sweeping: Promise<void> | undefined;
  /** The sweep under way, and whether one follows it. */
  let current: Promise<void> | undefined;
  let soon = false;
  /** Lanes in which a job waits, as far as this replica saw. */
  const lanesWaiting = new Set<string>();
  /** Whether claimable jobs may be left in the store. */
  let readyLeft = true;
  let sweeps = 0;
  /** The replicas there were when it was last looked for what others left. */
  let others: string | undefined;
  const stopped = new AbortController();

  const definitionOf = (kind: string): JobDefinition<unknown> => {
    const definition = definitions.get(kind);
    if (!definition) throw unfamiliar(`the kind ${kind}`);
    return definition;
  };
  /** Several submitted at once may have begun in more than there are. */
  const freeSlots = (): number => Math.max(0, slots - running.size);
  const takesJobs = (): boolean => state === 'started' && !peers.leaseLost();
  const hasSlot = (): boolean => takesJobs() && freeSlots() > 0;
  /** A cancel has as many slots again: it must not wait for what it is to stop. */
  const hasRoomFor = ({ state: of }: JobDocument): boolean =>
    takesJobs() && running.size < (of === 'cancelling' ? 2 * slots : slots);

  /** Runs a job this replica has claimed, until it ends or waits, then hands its lane and its slot on. */
  function launch(job: JobDocument): void {
    const abort = new AbortController();
    const log = logger.child({ job_id: job._id, kind: job.kind, fence: job.fence });
    let lostFence = false;
    const done = runJob({ ...runnerDeps, logger: log }, job, abort.signal)
      .then((end) => {
        if (end !== 'waits') metrics.ended(job, end, ambient.now());
        // It may be claimable at once, or its end has made its parent so.
        if (end === 'waits' || job.parent_job_id !== null) readyLeft = true;
      })
      .catch(async (error: unknown) => {
        lostFence = error instanceof FenceLost;
        if (lostFence) return void metrics.fencesLost.inc();
        log.warn({ err: error }, 'run stopped');
        // Whatever stopped the run, the job goes on from its last record under the next claim.
        await store.handBack(job._id, job.fence).catch(() => undefined);
      })
      .finally(() => {
        running.delete(job._id);
        notices.changed(job._id);
        void handOn(job, lostFence).catch((error: unknown) =>
          log.warn({ err: error }, 'not handed on; the sweep will'),
        );
      });
    running.set(job._id, { fence: job.fence, abort, done });
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
    if (!hasRoomFor(job)) return void (readyLeft = true);
    starting.add(job._id);
    const withLane = needsLane(job, definitionFor(job, definitionOf(job.kind)).steps);
    const claimed = await store.claim(job, peers.self, ambient.now(), withLane).finally(() => starting.delete(job._id));
    if (claimed === 'lost') return;
    if (claimed === 'lane-busy') {
      await store.park(job._id);
      // Marked before it is looked at again: the holder may have ended between the claim and the mark.
      lanesWaiting.add(job.lane);
      if (!(await store.isHeld(job.lane))) await freeLane(job.lane);
      return;
    }
    // One that was woken was nobody's.
    if (job.fence > 0 && job.state === 'running' && job.queue === 'running') metrics.takeovers.inc();
    launch(claimed);
  }

  /** Lets the oldest job that waits for a lane be claimed; the lane stays noted while more may wait. */
  async function freeLane(lane: string): Promise<void> {
    lanesWaiting.delete(lane);
    if (!(await store.unpark(lane))) return;
    lanesWaiting.add(lane);
    readyLeft = true;
  }

  /** Looks for claimable jobs only when some may be there: asking after every job would double its reads. */
  async function claimReady(): Promise<void> {
    for (let more = readyLeft; more && takesJobs();) {
      readyLeft = false;
      const free = freeSlots();
      // Those for whom there is no room are looked for when there is some.
      if (free === 0) return void (readyLeft = true);
      const ready = await store.ready(free, unmet.knows);
      more = ready.length === free;
      for (const job of ready)
        await take(job).catch((error: unknown) =>
          logger.warn({ err: error, job_id: job._id }, 'not claimed; the sweep will'),
        );
    }
  }

  /** Order matters: owners are read before replicas, and replicas register before they own, so nobody alive looks dead. */
  async function sweep(): Promise<void> {
    const isFull = sweeps % FULL_SWEEP === 0;
    const isRare = sweeps % FORGOTTEN_SWEEP === 0;
    await adoptLeft();
    const claimed = await store.claimed();
    await peers.beat();
    await store.lookUp();
    if (sweeps++ % CLOCK_SWEEP === 0) await clock.read();
    for (const job of claimed) {
      const run = running.get(job._id);
      if (run) {
        // Taken by a cancel that another replica was asked for. By its state alone the way back itself, which may take
        // longer than a sweep, would be broken off and begun again for ever.
        if (job.fence > run.fence) run.abort.abort(new FenceLost(job._id));
      } else if (job.owner === null || job.owner === peers.self || peers.isDead(job.owner)) await take(job);
    }
    // Lanes that other replicas saw waiting are looked up rarely: they hand on themselves unless they died.
    if (isFull) for (const lane of await store.lanesWaiting()) lanesWaiting.add(lane);
    await freeLanes(claimed);
    if (await store.wakeDue(ambient.now())) void sweepSoon();
    if (isRare) await store.wakeForgotten();
    readyLeft = true;
    await claimReady();
    await unmet.tell();
  }

  /** Whenever replicas have come or gone: one of an earlier version may have left jobs where none of this looks. */
  async function adoptLeft(): Promise<void> {
    const names = peers.others().map(({ name }) => name).join(' '); // prettier-ignore
    if (names === others) return;
    await store.adopt();
    others = names;
  }

  async function freeLanes(claimed: readonly JobDocument[]): Promise<void> {
    const seen = new Set(claimed.map(({ lane }) => lane));
    const others = [...lanesWaiting].filter((lane) => !seen.has(lane));
    if (others.length === 0) return;
    // A job that waits with its lane is not among those that are claimed.
    const held = await store.heldOf(others);
    for (const lane of others) if (!held.has(lane)) await freeLane(lane);
  }

  /** One for everything that happens while another is under way: a thousand jobs woken at once are told of one by one. */
  async function sweepSoon(): Promise<void> {
    if (soon) return;
    soon = true;
    await current?.catch(() => undefined);
    soon = false;
    if (!stopped.signal.aborted) await sweepNow().catch(() => undefined);
  }

  const sweepNow = (): Promise<void> => (current ??= sweep().finally(() => (current = undefined)));

  const sweepForever = (): Promise<void> =>
    every(
      ambient,
      SWEEP_MS,
      stopped.signal,
      () =>
        sweepNow().finally(() => {
          if (peers.leaseLost()) for (const run of running.values()) run.abort.abort(new FenceLost('lease'));
        }),
      (err) => logger.warn({ err }, 'sweep failed'),
    );

  const submitJob = async (wanted: Submission): Promise<JobDocument> => {
    if (state === 'stopping') throw STOPPING;
    const jobId = ambient.id('job');
    starting.add(jobId);
    try {
      const claimant = hasSlot() ? peers.self : null;
      const { job, isNew } = await submit(
        { mongo, store, audit, ambient, seal, sealed, definitionOf },
        wanted,
        jobId,
        claimant,
      );
      if (isNew && job.owner === peers.self) launch(job);
      else if (isNew) readyLeft = true;
      return job;
    } finally {
      starting.delete(jobId);
      if (readyLeft)
        void claimReady().catch((error: unknown) => logger.warn({ err: error }, 'claim failed; the sweep will'));
    }
  };

  const settled = createWaitForEnd({ store, watch, ambient, runOf: (jobId) => running.get(jobId)?.done });
  const cancel = createCancel({
    mongo, store, sealed, audit, ambient,
    taken: (jobId) => {
      running.get(jobId)?.abort.abort(new FenceLost(jobId));
      notices.changed(jobId);
    },
  }); // prettier-ignore
  const sent = createSignalStore(mongo);
  const signals = createSignalling({
    mongo, store, signals: sent, audit, ambient, definitionOf, may: options.may,
    woken: (jobId) => {
      notices.changed(jobId);
      readyLeft = true;
      void claimReady().catch((error: unknown) => logger.warn({ err: error }, 'claim failed; the sweep will'));
    },
  }); // prettier-ignore
  const runnerDeps = {
    mongo, store, sealed, audit, ambient, logger, definitionOf, signals: sent, may: options.may,
    changed: (jobId: string) => notices.changed(jobId),
    children: createChildren({ store, submit: submitJob, cancel }),
    crashPoint: options.crashPoint ?? (() => undefined),
  }; // prettier-ignore

  const prepare = async (): Promise<void> => {
    await clock.read();
    await store.ensureIndexes();
    await sent.ensureIndexes();
    await store.lookUp();
    await sealed.sweep();
  };

  return {
    store,
    notices,
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
    signal: signals.send,
    signalled: signals.asked,
    cancel,
    settled,
    active: async () => (await store.active()).map(toActive),
    holderOf: async (lane, except) => {
      const job = await store.holderOf(lane, except);
      return job && toActive(job);
    },
    prepare,
    async start() {
      await peers.register();
      state = 'started';
      unwatch = store.watch(() => void sweepSoon(), ambient);
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
