/** The job engine as everything that is built on it knows it. */
import type { Plan } from '@cloudlysis/contract';
import type { Cancel } from './cancel-job.ts';
import type { JobDefinition } from '../define/definition.ts';
import type { JobDocument } from '../record/job-document.ts';
import type { JobNotices } from '../store/job-notices.ts';
import type { JobReader } from '../record/job-reader.ts';
import type { JobWatch } from '../store/job-watch.ts';
import type { JobStore } from '../store/jobs.store.ts';
import type { PlanSeal } from '../plan/plan-seal.ts';
import type { Replicas } from '../store/replicas.ts';
import type { WaitForEnd } from '../store/wait-for-end.ts';
import type { Signalling } from './signalling.ts';
import type { preflight, Submission } from './submission.ts';
import type { UnknownJob } from './unknown-jobs.ts';

export interface JobEngine extends JobReader {
  readonly store: JobStore;
  readonly notices: JobNotices;
  readonly watch: JobWatch;
  /** The time of jobs and plans, the same on every replica. */
  now(): Date;
  /** Kinds become known before `start`. */
  define(definitions: Readonly<Record<string, JobDefinition<never>>>): void;
  definitionOf(kind: string): JobDefinition<unknown>;
  /** Replicas alive that have another CONTROL_KEY. */
  withOtherKey(): string[];
  /** Our name, if another process runs under it. */
  namesake(): string | null;
  /** Jobs that this replica met and does not know, and that nobody takes. */
  unknownJobs(): readonly UnknownJob[];
  /** The plan of a change, sealed for whoever asks. */
  preflight(wanted: Parameters<typeof preflight>[1]): Promise<Plan>;
  readonly seal: PlanSeal;
  /** The other replicas that are alive, and how far their clocks are off. */
  readonly otherReplicas: Replicas['others'];
  submit(wanted: Submission): Promise<JobDocument>;
  /** Sends a job what it waits for, or will. @throws Problem `job.unknown` | `job.state` | `job.unfamiliar` | `signal.unknown` */
  readonly signal: Signalling['send'];
  readonly signalled: Signalling['asked'];
  readonly cancel: Cancel;
  readonly settled: WaitForEnd;
  /** Time, indexes, and what is left of ended jobs. Harmless to repeat. @throws Problem `store.unavailable` */
  prepare(): Promise<void>;
  /** Prepares where that was not done, and takes jobs. */
  start(): Promise<void>;
  /** Hands running jobs back within `ms`. */
  stop(ms: number): Promise<void>;
}
