/** What the changes of jobs are called. */
import type { WordsByChange } from '../../change/change-words';

export const jobChanges = {
  'jobs.cancel': { verb: 'Cancel job', title: ({ job_id }) => `Cancel ${String(job_id)}` },
  'jobs.signal': {
    verb: 'Answer',
    title: ({ job_id, signal, verdict }) =>
      `${verdict === 'refuse' ? 'Refuse' : 'Give'} ${String(signal ?? 'the signal')} to ${String(job_id)}`,
  },
  'jobs.retry': { verb: 'Try again', title: ({ job_id }) => `Try ${String(job_id)} again` },
} satisfies WordsByChange;
