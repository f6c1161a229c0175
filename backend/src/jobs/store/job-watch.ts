/**
 * One look at a followed job for all who follow it in this replica: when a run here says that it changed, when the
 * change stream does, and now and then in case neither did. 1 000 followers that each asked the store every 500 ms once
 * made everybody's lists take 3 s.
 */
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import type { JobDocument } from '../record/job-document.ts';
import type { JobStore } from './jobs.store.ts';
import type { JobNotices } from './job-notices.ts';

export interface JobWatch {
  /** Calls back after each look at the job, soon for the first time; null when it is gone. Returns how to leave. */
  join(jobId: string, onLook: (job: JobDocument | null) => void): () => void;
  stop(): Promise<void>;
}

export interface JobWatchDeps {
  readonly store: Pick<JobStore, 'get' | 'watchChanges'>;
  readonly notices: JobNotices;
  readonly ambient: Ambient;
  readonly logger: Logger;
}

/** A job that nobody said anything of is looked at this often, where there are few. */
const POLL_MS = 1_000;
/** Looks at once; between two rounds without a cause the store has a rest, so that it serves 64 of them a second at most. */
const AT_ONCE = 16;
const REST_MS = 250;
const RETRY_MS = 500;

interface Followed {
  readonly listeners: Set<(job: JobDocument | null) => void>;
  /** Something changed since the last look began. */
  dirty: boolean;
  lookedAt: number;
  readonly unlisten: () => void;
}

export function createJobWatch({ store, notices, ambient, logger }: JobWatchDeps): JobWatch {
  const followed = new Map<string, Followed>();
  const stopping = new AbortController();
  let wake = Promise.withResolvers<void>();
  let looking: Promise<void> | undefined;

  const touch = (jobId: string): void => {
    const one = followed.get(jobId);
    if (!one) return;
    one.dirty = true;
    wake.resolve();
  };

  async function look(jobId: string, one: Followed): Promise<void> {
    one.dirty = false;
    one.lookedAt = ambient.monotonic();
    const job = await store.get(jobId).catch((error: unknown) => {
      one.dirty = true;
      throw error;
    });
    for (const listener of [...one.listeners]) listener(job);
  }

  /** What changed first, then what was not looked at for longest: the map is in the order of the last look. */
  function due(): [string, Followed][] {
    const now = ambient.monotonic();
    const all = [...followed];
    const dirty = all.filter(([, one]) => one.dirty);
    const stale = all.filter(([, one]) => !one.dirty && now - one.lookedAt >= POLL_MS);
    stale.sort(([, a], [, b]) => a.lookedAt - b.lookedAt);
    return [...dirty, ...stale].slice(0, AT_ONCE);
  }

  async function lookWhileFollowed(): Promise<void> {
    const unwatch = store.watchChanges(touch, ambient);
    try {
      while (followed.size > 0 && !stopping.signal.aborted) {
        const batch = due();
        const caused = batch.some(([, one]) => one.dirty);
        const looks = await Promise.allSettled(batch.map(([jobId, one]) => look(jobId, one)));
        const failed = looks.find(({ status }) => status === 'rejected');
        if (failed) logger.warn({ err: (failed as PromiseRejectedResult).reason }, 'a followed job could not be read');
        if (caused && !failed) continue;
        await rest(failed ? RETRY_MS : REST_MS, failed !== undefined);
      }
    } finally {
      await unwatch();
    }
  }

  /** Until something is told or the time is over; after a failure the time alone counts. */
  async function rest(ms: number, deaf: boolean): Promise<void> {
    const time = Promise.withResolvers<void>();
    const cancel = ambient.after(ms, time.resolve);
    await Promise.race(deaf ? [time.promise] : [time.promise, wake.promise]);
    cancel();
    wake = Promise.withResolvers();
  }

  function begin(): void {
    if (looking || stopping.signal.aborted) return;
    looking = lookWhileFollowed().finally(() => {
      looking = undefined;
      // Somebody may have joined while the stream was being closed.
      if (followed.size > 0) begin();
    });
  }

  return {
    join(jobId, onLook) {
      const one = followed.get(jobId) ?? {
        listeners: new Set(),
        dirty: true,
        lookedAt: 0,
        unlisten: notices.on(jobId, () => touch(jobId)),
      };
      followed.set(jobId, one);
      one.listeners.add(onLook);
      touch(jobId);
      begin();
      return () => {
        one.listeners.delete(onLook);
        if (one.listeners.size > 0 || followed.get(jobId) !== one) return;
        followed.delete(jobId);
        one.unlisten();
        wake.resolve();
      };
    },
    async stop() {
      stopping.abort();
      wake.resolve();
      await looking;
    },
  };
}
