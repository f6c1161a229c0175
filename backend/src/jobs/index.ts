/** The job engine, as the rest of the service may use it. */
export type * from './definition.ts';
export type { ActiveJob, JobReader } from './job-reader.ts';
export { jobEngine, type EngineOptions, type JobEngine } from './engine.ts';
export { isJobKind, jobMutations, jobReads, type JobDefinitions, type JobMutationId } from './jobs.handlers.ts';
export { summaryToWire, type JobSummaryDocument } from './job-summary.ts';
export type { May } from './rights.ts';
export type { CrashPoint } from './run-record.ts';
export type { UnknownJob } from './unknown-jobs.ts';
