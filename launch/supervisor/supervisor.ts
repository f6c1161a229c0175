// Starts groups of processes in order, each when the one before is ready, and stops them in reverse order.
import { Supervised, type Backoff, type Spec, type Witness } from './supervised.ts';

export class Supervisor {
  readonly #witness: Witness;
  readonly #backoff: Backoff | undefined;
  readonly #groups: Supervised[][] = [];
  #stopping: Promise<void> | undefined;

  constructor(witness: Witness, backoff?: Backoff) {
    this.#witness = witness;
    this.#backoff = backoff;
  }

  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** Starts the group at once and waits for all of it; when one fails, everything is stopped and it throws. */
  async start(specs: readonly Spec[]): Promise<void> {
    if (this.#stopping) return this.#stopping;
    const group = specs.map((spec) => new Supervised(spec, this.#witness, this.#backoff));
    this.#groups.push(group);
    try {
      await Promise.all(group.map((one) => one.start()));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stopAll());
  }

  async #stopAll(): Promise<void> {
    for (const group of this.#groups.toReversed()) await Promise.all(group.map((one) => one.stop()));
  }

  /** For the impatient: a second Ctrl-C. */
  kill(): void {
    for (const one of this.#groups.flat()) one.kill();
  }
}
