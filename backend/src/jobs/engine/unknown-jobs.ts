/** Jobs that this replica met and cannot carry on: left to one that knows them, and said in the store once they have waited. */
import type { Ambient } from '../../kernel/ambient.ts';
import type { JobDefinition } from '../define/definition.ts';
import type { JobDocument } from '../record/job-document.ts';
import type { JobStore } from '../store/jobs.store.ts';
import { unknownOf } from '../store/known-job.ts';

/** One that knows them is usually near and takes them at once: only what stays is said. */
const WAITED_MS = 2_000;
/** Remembered at once; what lies behind is met when these are gone. */
const MOST = 1_000;

interface Met {
  readonly job: JobDocument;
  readonly what: string;
  /** Monotonic, when it was met first and last. */
  readonly since: number;
  readonly last: number;
}

export interface UnknownJobs {
  /** Whether the job can be carried on here; notes it where it cannot. */
  knows(job: JobDocument): boolean;
  /** Those that have waited, longest first. */
  waiting(): readonly UnknownJob[];
  /** Called once a sweep. */
  tell(): Promise<void>;
}

export interface UnknownJob {
  readonly jobId: string;
  readonly what: string;
}

export function createUnknownJobs(
  store: Pick<JobStore, 'markUnknown'>,
  ambient: Ambient,
  definitionOf: (kind: string) => JobDefinition<unknown> | undefined,
): UnknownJobs {
  const met = new Map<string, Met>();
  return {
    knows(job) {
      const what = unknownOf(job, definitionOf(job.kind));
      if (what === null) return true;
      const before = met.get(job._id);
      const now = ambient.monotonic();
      if (before || met.size < MOST) met.set(job._id, { job, what, since: before?.since ?? now, last: now });
      return false;
    },
    waiting: () => {
      const now = ambient.monotonic();
      return [...met.values()]
        .filter(({ since, last }) => now - since >= WAITED_MS && now - last <= WAITED_MS)
        .map(({ job, what }) => ({ jobId: job._id, what }));
    },
    async tell() {
      const now = ambient.monotonic();
      for (const [jobId, { job, what, since, last }] of met) {
        if (now - last > WAITED_MS) met.delete(jobId);
        // Whoever says it first is heard: two replicas that miss different things would write for ever.
        else if (job.parked === null && now - since >= WAITED_MS) await store.markUnknown(job, what);
      }
    },
  };
}
