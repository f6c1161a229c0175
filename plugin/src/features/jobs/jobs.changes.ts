/** What can be changed about jobs. */
import { defineChange, type ChangeSpec } from '../../change/change-spec';

export const jobChanges: ChangeSpec[] = [
  defineChange('jobs.cancel', { verb: 'Cancel job', title: ({ job_id }) => `Cancel ${String(job_id)}`, fields: [] }),
  defineChange('jobs.retry', { verb: 'Try again', title: ({ job_id }) => `Try ${String(job_id)} again`, fields: [] }),
];
