/** The job engine, as the rest of the service may use it. */
export type * from './define/definition.ts';
export type { ActiveJob, JobReader } from './record/job-reader.ts';
export { createJobEngine, type EngineOptions } from './engine/create-job-engine.ts';
export type { JobEngine } from './engine/job-engine.ts';
export { isJobKind, jobMutations, jobReads, type JobDefinitions, type JobMutationId } from './api/jobs.handlers.ts';
export { jobsLook } from './api/attention.ts';
export { jobSight } from './api/job-sight.ts';
export type { May } from './record/rights.ts';
export type { CrashPoint } from './run/run-record.ts';
