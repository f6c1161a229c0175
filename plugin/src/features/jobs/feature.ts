/** Jobs: what the control plane did and does. */
import type { Check, JobState, JobStep } from '@cloudlysis/contract';
import { PAGES, paths } from '../../address/paths';
import type { Feature } from '../../feature';
import type { Tone } from '../../values/status-tones';
import { jobChanges } from './jobs.changes';

export const jobs: Feature = {
  pages: [
    { path: PAGES.jobs, load: async () => (await import('./JobsPage')).JobsPage },
    { path: PAGES.job, load: async () => (await import('./JobPage')).JobPage },
  ],
  changes: jobChanges,
  forms: async () => (await import('./jobs.forms')).jobForms,
  tones: {
    queued: 'busy',
    pending: 'quiet',
    running: 'busy',
    waiting: 'busy',
    cancelling: 'busy',
    compensating: 'busy',
    succeeded: 'good',
    failed: 'bad',
    cancelled: 'quiet',
    compensated: 'warning',
    interrupted: 'warning',
    pass: 'good',
    warn: 'warning',
    block: 'bad',
  } satisfies Record<JobState | JobStep['state'] | Check['status'], Tone>,
  places: { job: (job_id) => ({ href: paths.job(job_id), input: { job_id } }) },
};
