/** Whether a stored document is a job that can be run: what a foreign hand or a half restore left is not. */
import { JobState } from '@cloudlysis/contract';
import { z } from 'zod';
import type { JobDocument } from './job-document.ts';

const time = z.date().nullable();
const word = z.string().nullable();

/** Of the documents written here. Raised when their meaning changes: a replica leaves those of a later shape alone. */
export const SHAPE = 3;

/**
 * A stored job as this version has it. Shape 1, of 0.1, says neither its shape nor the version of its definition; shape 2
 * has no decision, and a step that needs one says so (runner.ts).
 */
export function upgraded(job: JobDocument): JobDocument {
  return { ...job, shape: job.shape ?? 1, version: job.version ?? 1, parked: job.parked ?? null };
}

/** Types alone: bounds have changed and will, and what an earlier version stored stays a job. */
const Stored = z.looseObject({
  _id: z.string(), order: z.number(), kind: z.string(), state: JobState, lane: z.string(), active: z.boolean(),
  shape: z.number().optional(), version: z.number().optional(), parked: z.looseObject({ what: z.string(), at: z.date() }).nullish(),
  secrets: z.looseObject({ fields: z.array(z.string()), key: z.string() }).optional(),
  owner: word, fence: z.number(), direction: z.enum(['forward', 'backward']), actor: z.string(), tenant_id: word,
  resource: z.string(), tenants: z.array(z.string()).optional(), retry_of: word, cancel: z.looseObject({}).nullable(), parent_job_id: word, created_at: z.date(), started_at: time, ended_at: time,
  plan: z.looseObject({ steps: z.array(z.unknown()), diff: z.array(z.unknown()) }),
  steps: z.array(z.looseObject({ name: z.string(), title: z.string(), state: z.string(), attempts: z.number(), started_at: time, ended_at: time })),
  provenance: z.looseObject({ requestId: z.string() }),
}); // prettier-ignore

/** Which field is wrong; null where it can be run. */
export function jobFault(job: JobDocument): string | null {
  const issue = Stored.safeParse(job).error?.issues[0];
  return issue ? `${issue.path.join('.') || 'the document'}: ${issue.message}` : null;
}
