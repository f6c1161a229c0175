/** What was announced and is still to be looked at, a few at a time, and what checks need to know of it. */

export interface AnnouncementsOptions {
  look(ids: readonly string[]): Promise<void>;
  /** A look failed; resolves when it may be tried again. */
  failed(error: unknown): Promise<void>;
  readonly atOnce: number;
  readonly stopping: AbortSignal;
}

export class Announcements {
  private readonly options: AnnouncementsOptions;
  private readonly pending = new Set<string>();
  private lookedAt: readonly string[] = [];
  /** What was announced since each of the checks that run began. */
  private readonly witnesses = new Set<Set<string>>();
  private looking: Promise<void> | undefined;

  constructor(options: AnnouncementsOptions) {
    this.options = options;
  }

  heard(ids: readonly string[]): void {
    for (const id of ids) {
      this.pending.add(id);
      for (const witness of this.witnesses) witness.add(id);
    }
    this.looking ??= this.lookAtAll().finally(() => {
      this.looking = undefined;
      // Heard between the last look and this.
      if (this.pending.size > 0 && !this.options.stopping.aborted) this.heard([]);
    });
  }

  /** Collects what is announced from now on, and what is not settled yet, until `dismiss`. */
  witness(): Set<string> {
    const witness = new Set([...this.pending, ...this.lookedAt]);
    this.witnesses.add(witness);
    return witness;
  }

  dismiss(witness: Set<string>): void {
    this.witnesses.delete(witness);
  }

  async rest(): Promise<void> {
    await this.looking;
  }

  private async lookAtAll(): Promise<void> {
    const { look, failed, atOnce, stopping } = this.options;
    while (this.pending.size > 0 && !stopping.aborted) {
      const ids = [...this.pending].slice(0, atOnce);
      for (const id of ids) this.pending.delete(id);
      this.lookedAt = ids;
      try {
        await look(ids);
      } catch (error) {
        for (const id of ids) this.pending.add(id);
        await failed(error);
      }
      this.lookedAt = [];
    }
  }
}
