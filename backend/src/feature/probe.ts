/** One connection of the control plane, as a question that can be asked now. */
export interface Probe {
  readonly id: string;
  readonly title: string;
  /** Where it is, without credentials; empty where it is not configured. */
  readonly target: string;
  /** What was found, as a sentence; null where there is nothing yet, and need not be. Throws why it failed. */
  run(signal: AbortSignal): Promise<string | null>;
}

/** What there is to be tested now. */
export type Probes = () => readonly Probe[] | Promise<readonly Probe[]>;
