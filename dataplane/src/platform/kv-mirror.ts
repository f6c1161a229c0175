// A live local copy of some keys of a KV bucket: read in full, then followed; reading again heals whatever was missed.
import { KvWatchInclude, type KV, type KvEntry } from '@nats-io/kv';
import { ambient, within } from './ambient.ts';

const FULL_READ_MS = 5000;
const RETRY_MS = 1000;

export interface Mirrored {
  /** The whole truth at one moment: keys that are not in it are gone. */
  replace(entries: Map<string, unknown>): void;
  /** One change; `undefined` when the key was deleted. */
  apply(key: string, value: unknown): void;
}

export class KvMirror {
  private readonly kv: KV;
  private readonly keys: string[];
  private readonly into: Mirrored;
  private watch: { stop(): void } | undefined;
  private turn: Promise<void> = Promise.resolve();

  constructor(kv: KV, keys: string[], into: Mirrored) {
    this.kv = kv;
    this.keys = keys;
    this.into = into;
  }

  /** Full read plus a fresh watch; serialised, so that two callers cannot interleave their snapshots. */
  reload(): Promise<void> {
    const next = this.turn.catch(() => undefined).then(() => within(FULL_READ_MS, 'reading the bucket', this.follow()));
    this.turn = next;
    return next;
  }

  /** Asks the bucket for one key now; for a node that was told it is behind. */
  async refresh(key: string): Promise<void> {
    const entry = await this.kv.get(key);
    this.into.apply(key, entry ? decode(entry) : undefined);
  }

  stop(): void {
    const { watch } = this;
    this.watch = undefined;
    watch?.stop();
  }

  private async follow(): Promise<void> {
    // The watch starts before the read, so that no change can fall between the two.
    const watch = await this.kv.watch({ key: this.keys, include: KvWatchInclude.UpdatesOnly });
    const entries = new Map<string, unknown>();
    let read = 0;
    for await (const entry of await this.kv.history({ key: this.keys })) {
      read = Math.max(read, entry.revision);
      const value = decode(entry);
      if (value !== undefined) entries.set(entry.key, value);
    }
    const before = this.watch;
    this.watch = watch;
    before?.stop();
    this.into.replace(entries);
    void this.apply(watch, read);
  }

  private async apply(watch: AsyncIterable<KvEntry> & { stop(): void }, after: number): Promise<void> {
    try {
      for await (const entry of watch) if (entry.revision > after) this.into.apply(entry.key, decode(entry));
    } catch {
      // told apart below: a watch that ended although nobody ended it must be made again
    }
    while (this.watch === watch) {
      await ambient.sleep(RETRY_MS);
      if (this.watch === watch) await this.reload().catch(() => undefined);
    }
  }
}

function decode(entry: KvEntry): unknown {
  if (entry.operation !== 'PUT') return undefined;
  try {
    return entry.json();
  } catch {
    return null; // not JSON: the table refuses it and keeps what it has
  }
}
