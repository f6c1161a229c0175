/** What the log asks of the jobs: which record each of them names. They are kept elsewhere, so a cut tail shows there. */

export interface JobTrace {
  readonly jobId: string;
  /** Record of its submission, as the job names it; whatever stands there. */
  readonly recordId: unknown;
  /** Final state, once it has one; whatever stands there. */
  readonly ended: string | null;
}

/** Every job once, in arrays of a few hundred. */
export type JobTraces = () => AsyncIterable<readonly JobTrace[]>;
