/** What features may ask about jobs: which ones are under way, for computing status and for lane checks. */
import type { MutationId } from '@cloudlysis/contract';

export interface ActiveJob {
  readonly jobId: string;
  readonly kind: MutationId;
  readonly tenantId: string | null;
  readonly lane: string;
  readonly actor: string;
  readonly since: Date;
  /** Input it was submitted with. */
  readonly input: unknown;
}

export interface JobReader {
  /** Jobs that hold their lane, at most 1 000; those that wait have done nothing yet. */
  active(): Promise<ActiveJob[]>;
  /** The job that holds a lane or waits for it, other than `except`; null when it is free. */
  holderOf(lane: string, except: string | null): Promise<ActiveJob | null>;
}
