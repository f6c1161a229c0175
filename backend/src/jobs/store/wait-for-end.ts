/** Waiting in a request for the end of a job: a run in this process tells when it is over, the look that all share tells the rest. */
import type { Ambient } from '../../kernel/ambient.ts';
import { isFinal, type JobDocument } from '../record/job-document.ts';
import type { JobWatch } from './job-watch.ts';
import { mustGet, type JobStore } from './jobs.store.ts';

export interface WaitForEndDeps {
  readonly store: JobStore;
  readonly watch: JobWatch;
  readonly ambient: Ambient;
  /** Resolved when the run of a job in this process is over; undefined where there is none. */
  runOf(jobId: string): Promise<void> | undefined;
}

/** The job once it is final, or as it is after `ms`. @throws Problem `job.unknown`; the signal's reason */
export type WaitForEnd = (jobId: string, ms: number, signal?: AbortSignal) => Promise<JobDocument>;

export function createWaitForEnd({ store, watch, ambient, runOf }: WaitForEndDeps): WaitForEnd {
  /** Waits for `event`, at most `ms`, and no longer than the signal lives. */
  const within = async (ms: number, event: Promise<void>, signal?: AbortSignal): Promise<void> => {
    const timer = new AbortController();
    const stop = signal ? AbortSignal.any([timer.signal, signal]) : timer.signal;
    const time = ambient.sleep(Math.max(0, ms), stop).catch(() => undefined);
    await Promise.race([event, time]);
    timer.abort();
  };

  /** Until a look shows the job another than it was. */
  const changed = async ({ _id, state, fence }: JobDocument, ms: number, signal?: AbortSignal): Promise<void> => {
    const seen = Promise.withResolvers<void>();
    const leave = watch.join(_id, (job) => {
      if (!job || job.state !== state || job.fence !== fence || runOf(_id)) seen.resolve();
    });
    await within(ms, seen.promise, signal).finally(leave);
  };

  return async (jobId, ms, signal) => {
    const until = ambient.monotonic() + ms;
    for (;;) {
      signal?.throwIfAborted();
      const here = runOf(jobId);
      if (here) await within(until - ambient.monotonic(), here, signal);
      const job = await mustGet(store, jobId);
      const left = until - ambient.monotonic();
      if (isFinal(job.state) || left <= 0) return job;
      if (!runOf(jobId)) await changed(job, left, signal);
    }
  };
}
