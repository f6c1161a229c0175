/** Whether a stored document is a job that can be run: what a foreign hand or a half restore left is not. */
import { JobState } from '@cloudlysis/contract';
import { z } from 'zod';
import { storedPrincipal } from '../../call/principal.ts';
import { isFinal, type JobDocument } from './job-document.ts';

const time = z.date().nullable();
const word = z.string().nullable();

/** Of the documents written here. Raised when their meaning changes: a replica leaves those of a later shape alone. */
export const SHAPE = 3;

/**
 * A stored job as this version has it. Shape 1, of 0.1, says neither its shape nor the version of its definition. Before
 * shape 3 a job has no decision (a step that needs one says so, runner.ts), no step waited, and a claimed job was in no queue.
 */
export function upgraded(job: JobDocument): JobDocument {
  const { shape = 1, version = 1, parked = null } = job;
  if (shape >= 3) return { ...job, shape, version, parked, requester: job.requester && storedPrincipal(job.requester) };
  const { state, active } = job;
  return {
    ...job,
    shape,
    version,
    parked,
    queue: active && !isFinal(state) ? 'running' : (job.queue ?? null),
    wait: null,
    woken: null,
    plan_again: state === 'queued',
    requester: null,
  };
}

/** Of what a job waits for: lists and pages tell it. */
export const Waited = z.looseObject({
  for: z.enum(['time', 'signal', 'children']),
  what: z.string(),
  since: z.date(),
  until: time,
});

/** Types alone: bounds have changed and will, and what an earlier version stored stays a job. */
const Stored = z.looseObject({
  _id: z.string(),
  order: z.number(),
  kind: z.string(),
  state: JobState,
  lane: z.string(),
  active: z.boolean(),
  shape: z.number().optional(),
  version: z.number().optional(),
  parked: z.looseObject({ what: z.string(), at: z.date() }).nullish(),
  wait: Waited.nullish(),
  secrets: z.looseObject({ fields: z.array(z.string()), key: z.string() }).optional(),
  owner: word,
  fence: z.number(),
  direction: z.enum(['forward', 'backward']),
  actor: z.string(),
  environment: word.optional(),
  tenant_id: word,
  resource: z.string(),
  tenants: z.array(z.string()).optional(),
  retry_of: word,
  cancel: z.looseObject({}).nullable(),
  parent_job_id: word,
  created_at: z.date(),
  started_at: time,
  ended_at: time,
  plan: z.looseObject({ steps: z.array(z.unknown()), diff: z.array(z.unknown()) }),
  steps: z.array(
    z.looseObject({
      name: z.string(),
      title: z.string(),
      state: z.string(),
      attempts: z.number(),
      started_at: time,
      ended_at: time,
    }),
  ),
  provenance: z.looseObject({ requestId: z.string() }),
});

/** Which field is wrong; null where it can be run. */
export function jobFault(job: JobDocument): string | null {
  const issue = Stored.safeParse(job).error?.issues[0];
  return issue ? `${issue.path.join('.') || 'the document'}: ${issue.message}` : null;
}
