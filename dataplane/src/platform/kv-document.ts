// One JSON document in a KV bucket, saved by compare-and-swap: of two writers that both believe they own it, one loses.
import { JetStreamApiError } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import { isWrongSequence } from './bus.ts';

export class Superseded extends Error {}

export class KvDocument<T> {
  private readonly kv: KV;
  private readonly key: string;
  private readonly empty: () => T;
  private revision = 0;

  constructor(kv: KV, key: string, empty: () => T) {
    this.kv = kv;
    this.key = key;
    this.empty = empty;
  }

  async load(): Promise<T> {
    const entry = await this.kv.get(this.key);
    this.revision = entry?.revision ?? 0;
    return entry?.operation === 'PUT' ? entry.json<T>() : this.empty();
  }

  /** Throws Superseded when another writer saved since our load; load again and fold on. */
  async save(value: T): Promise<void> {
    try {
      this.revision = await this.kv.put(this.key, JSON.stringify(value), { previousSeq: this.revision });
    } catch (err) {
      if (isWrongSequence(err)) throw new Superseded(`${this.key} was saved by another writer`);
      throw err instanceof JetStreamApiError ? new Error(`${this.key}: ${err.message}`) : err;
    }
  }
}
