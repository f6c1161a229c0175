/** The jobs that run in this replica, each in a slot under its claim; and claiming those that may run, lane after lane. */
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import type { JobDefinition } from '../define/definition.ts';
import type { JobDocument } from '../record/job-document.ts';
import { FenceLost } from '../record/job-writes.ts';
import { runJob } from '../run/runner.ts';
import { needsLane } from '../run/wait-look.ts';
import type { JobNotices } from '../store/job-notices.ts';
import type { JobStore } from '../store/jobs.store.ts';
import { definitionFor } from '../store/known-job.ts';
import type { Replicas } from '../store/replicas.ts';
import type { JobMetrics } from './metrics.ts';
import type { UnknownJobs } from './unknown-jobs.ts';

interface Running {
  /** Of the claim that it runs under. */
  readonly fence: number;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export interface ClaimsDeps {
  readonly store: JobStore;
  readonly notices: JobNotices;
  readonly peers: Replicas;
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly metrics: JobMetrics;
  readonly unmet: UnknownJobs;
  /** Jobs at once. */
  readonly slots: number;
  definitionOf(kind: string): JobDefinition<unknown>;
  run(job: JobDocument, signal: AbortSignal, log: Logger): ReturnType<typeof runJob>;
}

export interface Claims {
  readonly running: ReadonlyMap<string, Running>;
  /** Jobs are claimed from now on. */
  open(): void;
  /** Nothing is claimed any more, and what runs is told to come to rest. */
  close(why: unknown): void;
  isClosed(): boolean;
  /** Calls `submit` with an id that no sweep takes for its own meanwhile, and who runs it: this replica, where it has a slot. */
  begin(
    submit: (jobId: string, claimant: string | null) => Promise<{ job: JobDocument; isNew: boolean }>,
  ): Promise<JobDocument>;
  /** Claims it if it may run here now. */
  take(job: JobDocument): Promise<void>;
  /** Claims what is ready, as far as there are slots. */
  claimReady(): Promise<void>;
  /** The same, where somebody said that there may be some. */
  claimSoon(): void;
  /** Lanes in which a job waits, as far as this replica saw. */
  lanesWaiting(): readonly string[];
  noteLane(lane: string): void;
  freeLane(lane: string): Promise<void>;
  /** Ends the run of a job whose fence is another's now. */
  lose(jobId: string): void;
  loseAll(): void;
}

export function createClaims(deps: ClaimsDeps): Claims {
  const { store, notices, peers, ambient, logger, metrics, unmet, slots, definitionOf } = deps;
  const running = new Map<string, Running>();
  /** Jobs whose claim is on its way: the store may show them as ours before we know it. */
  const starting = new Set<string>();
  const lanesWaiting = new Set<string>();
  /** Whether claimable jobs may be left in the store. */
  let readyLeft = true;
  let state: 'new' | 'open' | 'closed' = 'new';
  let closedFor: unknown;

  /** Several submitted at once may have begun in more than there are. */
  const freeSlots = (): number => Math.max(0, slots - running.size);
  const takesJobs = (): boolean => state === 'open' && !peers.leaseLost();
  /** A cancel has as many slots again: it must not wait for what it is to stop. */
  const hasRoomFor = ({ state: of }: JobDocument): boolean =>
    takesJobs() && running.size < (of === 'cancelling' ? 2 * slots : slots);

  /** Runs a job this replica has claimed, until it ends or waits, then hands its lane and its slot on. */
  function launch(job: JobDocument): void {
    const abort = new AbortController();
    const log = logger.child({ job_id: job._id, kind: job.kind, fence: job.fence });
    let lostFence = false;
    const done = deps
      .run(job, abort.signal, log)
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
    // Its claim was on its way when all others were told to come to rest.
    if (state === 'closed') abort.abort(closedFor);
  }

  async function handOn(job: JobDocument, lostFence: boolean): Promise<void> {
    if (state !== 'open') return;
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

  const claimSoon = (): void => {
    readyLeft = true;
    void claimReady().catch((error: unknown) => logger.warn({ err: error }, 'claim failed; the sweep will'));
  };

  return {
    running,
    open: () => void (state = 'open'),
    close(why) {
      [state, closedFor] = ['closed', why];
      for (const run of running.values()) run.abort.abort(why);
    },
    isClosed: () => state === 'closed',
    async begin(submit) {
      const jobId = ambient.id('job');
      starting.add(jobId);
      try {
        const { job, isNew } = await submit(jobId, takesJobs() && freeSlots() > 0 ? peers.self : null);
        if (isNew && job.owner === peers.self) launch(job);
        else if (isNew) readyLeft = true;
        return job;
      } finally {
        starting.delete(jobId);
        if (readyLeft) claimSoon();
      }
    },
    take,
    async claimReady() {
      readyLeft = true;
      await claimReady();
    },
    claimSoon,
    lanesWaiting: () => [...lanesWaiting],
    noteLane: (lane) => void lanesWaiting.add(lane),
    freeLane,
    lose: (jobId) => running.get(jobId)?.abort.abort(new FenceLost(jobId)),
    loseAll: () => {
      for (const run of running.values()) run.abort.abort(new FenceLost('lease'));
    },
  };
}
