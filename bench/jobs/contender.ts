/** Runs one job to its durable end: ours, or a peer it is measured against. */
export interface Contender {
  run(): Promise<unknown>;
  stop(): Promise<void>;
}
