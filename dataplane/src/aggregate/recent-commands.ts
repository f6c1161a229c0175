// The bounded memory of what was already done: the last N command ids of a tenant with the version each one got.
export class RecentCommands {
  private readonly versions: Map<string, number>;
  private readonly limit: number;

  constructor(limit: number, entries: Iterable<[string, number]> = []) {
    this.limit = limit;
    this.versions = new Map(entries);
  }

  versionOf(commandId: string): number | undefined {
    return this.versions.get(commandId);
  }

  /** A Map keeps insertion order, so its first key is the oldest. */
  add(commandId: string, version: number): void {
    this.versions.set(commandId, version);
    if (this.versions.size > this.limit) this.versions.delete(this.versions.keys().next().value!);
  }

  entries(): [string, number][] {
    return [...this.versions];
  }
}
