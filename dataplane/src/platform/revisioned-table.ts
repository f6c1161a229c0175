// Pure: the newest known value per key, where an entry older than the applied one is ignored however late it arrives.
export interface Revisioned {
  revision: number;
}
export type Applied = 'applied' | 'stale' | 'invalid' | 'removed';

export class RevisionedTable<T extends Revisioned> {
  private readonly entries = new Map<string, T>();
  private readonly parse: (value: unknown) => T | undefined;
  private readonly changed: (key: string, now: T | undefined, before: T | undefined) => void;
  private highest = 0;

  constructor(
    parse: (value: unknown) => T | undefined,
    changed: (key: string, now: T | undefined, before: T | undefined) => void = () => undefined,
  ) {
    this.parse = parse;
    this.changed = changed;
  }

  /** The highest revision ever applied here; it never falls, so a caller can wait for it. */
  get revision(): number {
    return this.highest;
  }

  get(key: string): T | undefined {
    return this.entries.get(key);
  }

  all(): IterableIterator<[string, T]> {
    return this.entries.entries();
  }

  keys(): IterableIterator<string> {
    return this.entries.keys();
  }

  /** `anew`: of a bucket that was made anew; revisions of one bucket say nothing about another's. */
  apply(key: string, value: unknown, anew = false): Applied {
    const before = this.entries.get(key);
    if (value === undefined) {
      if (!this.entries.delete(key)) return 'stale';
      this.changed(key, undefined, before);
      return 'removed';
    }
    const now = this.parse(value);
    if (!now) return 'invalid';
    if (before && !anew && now.revision < before.revision) return 'stale';
    this.entries.set(key, now);
    this.highest = Math.max(this.highest, now.revision);
    this.changed(key, now, before);
    return 'applied';
  }

  replace(entries: Map<string, unknown>): void {
    for (const key of [...this.entries.keys()]) if (!entries.has(key)) this.apply(key, undefined);
    for (const [key, value] of entries) this.apply(key, value);
  }
}
