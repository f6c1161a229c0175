/** What a claimant writes to its job, and what it is told when the job is somebody else's. */
import type { JobDocument, StepDocument } from './job-document.ts';

/** Thrown when a write finds another fence: someone else holds the job now, and this run must stop. */
export class FenceLost extends Error {
  override readonly name = 'FenceLost';
}

export type JobPatch = Partial<Omit<JobDocument, '_id' | 'steps'>> & { [step: `steps.${number}`]: StepDocument };
