/** The failures of the last day that still stand: where the same was done successfully since, nobody is needed. */
import { readRows } from '../../kernel/bad-records.ts';
import type { Visible } from '../../call/principal.ts';
import type { JobEngine } from '../engine/job-engine.ts';
import { summaryToWire, type JobSummaryDocument } from '../record/job-summary.ts';

export interface FailedJob {
  readonly jobId: string;
  readonly kind: string;
  readonly state: 'failed' | 'compensated';
  readonly resource: string;
  readonly why: string;
  readonly endedAt: Date | null;
}

/** Of each of the two states. */
const LOOKED_AT = 10;

/** Lists name those that are not. */
const isReadable = (job: JobSummaryDocument): boolean => readRows([job], summaryToWire).items.length === 1;

export async function failedJobs(store: JobEngine['store'], from: Date, visible: Visible): Promise<FailedJob[]> {
  const pages = await Promise.all(
    (['failed', 'compensated'] as const).map((state) =>
      store.page({ filter: { state, from }, visible, sort: -1 }, LOOKED_AT),
    ),
  );
  // A job that was cancelled by somebody was undone because they wanted it; a child is told of by its parent.
  const candidates = pages
    .flatMap(({ rows }) => rows)
    .filter(isReadable)
    .filter(({ cancel, parent_job_id }) => cancel === null && parent_job_id === null);
  const standing = await Promise.all(
    candidates.map(async (job) => {
      const filter = { lane: job.lane, kind: job.kind, from: job.created_at };
      const [last] = (await store.page({ filter, visible: 'all', sort: -1 }, 1)).rows;
      return last === undefined || last._id === job._id || last.state !== 'succeeded';
    }),
  );
  return candidates
    .filter((_, index) => standing[index])
    .map((job) => ({
      jobId: job._id,
      kind: job.kind,
      state: job.state as FailedJob['state'],
      resource: job.resource,
      why: job.problem?.detail ?? 'it did not say why',
      endedAt: job.ended_at,
    }));
}
