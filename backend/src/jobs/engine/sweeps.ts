/** The safety net under the events: once a second, whatever no event told of is looked for and claimed. */
import type { Logger } from 'pino';
import { every } from '../../kernel/time.ts';
import type { Ambient } from '../../kernel/ambient.ts';
import type { StoreClock } from '../../ports/mongo/store-clock.ts';
import type { JobDocument } from '../record/job-document.ts';
import type { JobStore } from '../store/jobs.store.ts';
import type { Replicas } from '../store/replicas.ts';
import type { Claims } from './claims.ts';
import type { UnknownJobs } from './unknown-jobs.ts';

const SWEEP_MS = 1_000;
/** Every so many sweeps all waiting lanes are looked at. */
const FULL_SWEEP = 60;
/** Every so many sweeps jobs are looked for whose children ended while nobody could wake them. */
const FORGOTTEN_SWEEP = 300;
/** Every so many sweeps the store's clock is read. */
const CLOCK_SWEEP = 10;

export interface SweepsDeps {
  readonly store: JobStore;
  readonly claims: Claims;
  readonly peers: Replicas;
  readonly unmet: UnknownJobs;
  readonly clock: StoreClock;
  readonly ambient: Ambient;
  readonly logger: Logger;
}

export interface Sweeps {
  start(): void;
  /** After the one that is under way, if there is one. */
  soon(): Promise<void>;
  stop(): void;
  /** Resolves when the last one has ended. */
  ended(): Promise<void>;
}

export function createSweeps({ store, claims, peers, unmet, clock, ambient, logger }: SweepsDeps): Sweeps {
  const stopped = new AbortController();
  /** The sweep under way, and whether one follows it. */
  let current: Promise<void> | undefined;
  let isFollowed = false;
  let sweeping: Promise<void> | undefined;
  let sweeps = 0;
  /** The replicas there were when it was last looked for what others left. */
  let others: string | undefined;

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
      const run = claims.running.get(job._id);
      if (run) {
        // Taken by a cancel that another replica was asked for. By its state alone the way back itself, which may take
        // longer than a sweep, would be broken off and begun again for ever.
        if (job.fence > run.fence) claims.lose(job._id);
      } else if (job.owner === null || job.owner === peers.self || peers.isDead(job.owner)) await claims.take(job);
    }
    // Lanes that other replicas saw waiting are looked up rarely: they hand on themselves unless they died.
    if (isFull) for (const lane of await store.lanesWaiting()) claims.noteLane(lane);
    await freeLanes(claimed);
    if (await store.wakeDue(ambient.now())) void soon();
    if (isRare) await store.wakeForgotten();
    await claims.claimReady();
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
    const others = claims.lanesWaiting().filter((lane) => !seen.has(lane));
    if (others.length === 0) return;
    // A job that waits with its lane is not among those that are claimed.
    const held = await store.heldOf(others);
    for (const lane of others) if (!held.has(lane)) await claims.freeLane(lane);
  }

  /** One for everything that happens while another is under way: a thousand jobs woken at once are told of one by one. */
  async function soon(): Promise<void> {
    if (isFollowed) return;
    isFollowed = true;
    await current?.catch(() => undefined);
    isFollowed = false;
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
          if (peers.leaseLost()) claims.loseAll();
        }),
      (err) => logger.warn({ err }, 'sweep failed'),
    );

  return {
    start: () => void (sweeping = sweepForever()),
    soon,
    stop: () => stopped.abort(),
    async ended() {
      await sweeping;
      await current?.catch(() => undefined);
    },
  };
}
