/** What a checked copy is a copy of: something that can be read in full and in part, and that says when it changes. */

/** A part of what is stored, or all of it. */
export interface Found<T> {
  /** Ids of the copy that would be in `found` if they were there. */
  readonly expected: Iterable<string>;
  readonly found: readonly (readonly [id: string, value: T])[];
}

export interface Changes {
  /** From now on nothing is missed; also again after a break. */
  opened(): void;
  /** These may have changed. */
  changed(ids: readonly string[]): void;
  /** Something happened to all of it: dropped, renamed, restored, made anew. */
  doubt(reason: string): void;
}

export interface Source<T> {
  /** Everything, read after the call. @throws Problem */
  all(): Promise<readonly (readonly [id: string, value: T])[]>;
  /** Everything again, in parts that cost the store little each; `all` where it is not given. @throws Problem */
  windows?(known: Iterable<[id: string, value: T]>): AsyncIterable<Found<T>>;
  /** Those of the ids that are there, in no order. @throws Problem */
  some(ids: readonly string[]): Promise<readonly (readonly [id: string, value: T])[]>;
  /** Tells of changes until the signal is aborted or it breaks, which it throws or returns to say. */
  follow(changes: Changes, signal: AbortSignal): Promise<void>;
  isSame(one: T, other: T): boolean;
}
