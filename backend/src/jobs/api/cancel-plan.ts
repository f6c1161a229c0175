/** What cancelling a job would undo, as a plan. */
import type { Plan } from '@cloudlysis/contract';
import { isFinal, type JobDocument } from '../record/job-document.ts';
import { planOf, shownDiff } from '../record/plan-diff.ts';

/** `seal` makes the hash. */
export function cancelPlan(job: JobDocument, now: Date, seal: (expires: Date) => string): Plan {
  // What only waited has left nothing behind.
  const begun = job.steps.filter(({ state }) => state !== 'pending' && state !== 'waiting');
  const expires = new Date(Math.ceil(now.getTime() / 1000 + 60) * 1000);
  const over = isFinal(job.state);
  const detail = over ? `${job._id} has ${job.state} already` : `${job._id} is ${job.state}`;
  return {
    ...planOf(job.plan),
    hash: seal(expires),
    kind: 'jobs.cancel',
    risk: 'low',
    checks: [
      {
        id: 'job.state',
        title: 'The job can be cancelled',
        status: over ? 'block' : 'pass',
        measured: job.state,
        limit: null,
        unit: null,
        detail,
      },
    ],
    steps: begun.reverse().map((step) => ({ name: step.name, title: `Undo: ${step.title}`, reversible: false })),
    ...shownDiff([
      {
        op: 'replace',
        path: `job.${job._id}.state`,
        before: job.state,
        after: begun.length > 0 ? 'compensated' : 'cancelled',
      },
    ]),
    blockers: over ? [{ code: 'job.state', detail }] : [],
    rollback: 'Submit the job again (retry).',
    created_at: now.toISOString(),
    expires_at: expires.toISOString(),
  };
}
