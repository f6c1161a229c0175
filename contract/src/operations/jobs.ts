/** `/jobs`: follow, cancel and retry what was submitted. */
import { z } from 'zod';
import { Job, JobPage, JobState, Verdict } from '../jobs.ts';
import { mutation, read, stream } from '../operation.ts';
import { secret } from '../secret.ts';
import { MOST_SECRETS } from '../secret-places.ts';
import { line, mapOf, prose } from '../text.ts';
import { EnvironmentId, JobId, PageQuery, Reason, TenantId, Timestamp } from '../wire.ts';

const params = z.strictObject({ job_id: JobId });
const SignalName = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_.-]{0,63}$/)
  .describe('Name of the signal, such as `approval`');

export const jobOperations = {
  'jobs.list': read('jobs.list', {
    path: '/jobs',
    summary: 'List jobs, each in a few words',
    permission: 'ops.view',
    scope: 'filtered',
    query: z.strictObject({
      ...PageQuery,
      state: JobState.optional(),
      kind: line(64).optional().describe('Only this kind'),
      environment: EnvironmentId.optional().describe('Only jobs about it'),
      tenant_id: TenantId.optional(),
      actor: line(320).optional().describe('Only jobs of this actor'),
      lane: line(128).optional().describe('Only this lane'),
      parent_job_id: JobId.optional(),
      open: z
        .enum(['true', 'false'])
        .optional()
        .describe('`true`: only jobs that have not ended; `false`: only those that have'),
      from: Timestamp.optional().describe('Submitted at or after'),
      to: Timestamp.optional().describe('Submitted before'),
      sort: z.enum(['-created_at', 'created_at']).default('-created_at').describe('Order; `-` is newest first'),
    }),
    answer: JobPage,
    problems: ['cursor.invalid'],
  }),
  'jobs.get': read('jobs.get', {
    path: '/jobs/:job_id',
    summary: 'One job with its plan, steps and proof',
    permission: 'ops.view',
    scope: 'filtered',
    params,
    answer: Job,
    problems: ['job.unknown'],
  }),
  'jobs.events': stream('jobs.events', {
    path: '/jobs/:job_id/events',
    summary: 'Follow a job: server-sent events named `job`, one at every change, ending with the final state',
    permission: 'ops.view',
    scope: 'filtered',
    params,
    answer: Job,
    streams: ['text/event-stream'],
    concurrency: { per_principal: 50, total: 500, wait_s: 0 },
    problems: ['job.unknown'],
  }),
};

export const jobMutations = {
  'jobs.cancel': mutation('jobs.cancel', {
    path: '/jobs/:job_id/cancel',
    summary: 'Cancel a job; finished steps are undone in reverse order',
    permission: 'ops.cancel',
    scope: 'filtered',
    risk: 'low',
    params,
    body: z.strictObject({ reason: Reason }),
    problems: ['job.unknown', 'job.state'],
  }),
  'jobs.retry': mutation('jobs.retry', {
    path: '/jobs/:job_id/retry',
    summary: 'Submit an ended job once more, planned anew; of a change to many tenants what is left of it',
    permission: 'ops.retry',
    scope: 'filtered',
    risk: 'low',
    params,
    body: z.strictObject({
      reason: Reason,
      secrets: z
        .record(line(256), secret())
        .refine((map) => Object.keys(map).length <= MOST_SECRETS, `At most ${MOST_SECRETS} entries`)
        .meta({ maxProperties: MOST_SECRETS })
        .optional()
        .describe('Every secret of the job once more, by its name in `secrets` of the job: none of them was kept'),
    }),
    problems: ['job.unknown', 'job.state', 'job.unfamiliar', 'secret.needed'],
  }),
  'jobs.signal': mutation('jobs.signal', {
    path: '/jobs/:job_id/signals/:signal',
    summary: 'Send a job the signal that it waits for, or will: an approval, the word of a webhook, evidence',
    permission: 'ops.view',
    scope: 'filtered',
    risk: 'low',
    params: z.strictObject({ ...params.shape, signal: SignalName }),
    body: z.strictObject({
      verdict: Verdict,
      evidence: mapOf(prose(1, 2_000), 50)
        .optional()
        .describe('What it rests on, by name: kept with the job and in the audit log'),
      reason: Reason,
    }),
    problems: ['job.unknown', 'job.state', 'job.unfamiliar', 'signal.unknown'],
  }),
};
