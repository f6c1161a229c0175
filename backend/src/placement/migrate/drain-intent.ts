/** What a move records before it asks the source to drain: what its later steps, and its way back, go by. */
import type { GoneSource } from '../nodes/gone-source-steps.ts';

/** Recorded before the source is asked to drain. */
export interface DrainIntent {
  readonly from: string;
  /** The placement's revision before the move; the move makes it one more. */
  readonly revision: number;
  /** Where the tenant's log ended. */
  readonly baseline: { readonly version: number; readonly seq: number };
  /** Somebody had drained the tenant before: undoing then leaves it drained. */
  readonly was_drained: boolean;
  /** Commands were flowing, so that the first one on the target is worth waiting for; absent in jobs of an earlier version. */
  readonly flowing?: boolean;
  /** Why the source was not drained, and whether it answers at all; absent in a move whose source serves. */
  readonly gone?: GoneSource;
}
