// One tenant's outbox at work: events fill it, it is saved, its effects are published in order, it is saved empty.
import { ambient } from '../platform/ambient.ts';
import { isWrongSequence, type Bus } from '../platform/bus.ts';
import { KvDocument } from '../platform/kv-document.ts';
import type { Stored } from '../platform/event-log.ts';
import { subjects } from '../platform/names.ts';
import type { Fold } from '../node/event-worker.ts';
import { emptyOutbox, take, withoutPublished, type Effect, type Outbox, type OutboxEntry } from './outbox.ts';

const MAX_ATTEMPTS = 5;
const RETRY_MS = 50;

export interface EffectOptions {
  bus: Bus;
  tenant: string;
  /** Before each effect; may be slow or throw (faults). */
  before: () => Promise<void>;
  depth: (entries: number) => void;
  published: (seconds: number) => void;
  failed: () => void;
  deadLettered: () => void;
}

export class TenantEffects implements Fold {
  private readonly options: EffectOptions;
  private readonly document: KvDocument<Outbox>;
  private outbox = emptyOutbox();
  /** Last sequence of effects.<tenant>: the lock that refuses a second runner's effect (and our own repeated one). */
  private lastEffect = 0;
  private dirty = false;

  constructor(options: EffectOptions) {
    this.options = options;
    this.document = new KvDocument(options.bus.kv('outbox'), `runner.${options.tenant}`, emptyOutbox);
  }

  async load(): Promise<{ seq: number; version: number }> {
    const { bus, tenant } = this.options;
    const query = { last_by_subj: subjects.effects(tenant) };
    const [saved, last] = [await this.document.load(), await bus.jsm.streams.getMessage('EFFECTS', query)];
    this.lastEffect = last?.seq ?? 0;
    this.outbox = withoutPublished(saved, last?.json<Effect>().version ?? 0);
    this.dirty = this.outbox.entries.length < saved.entries.length;
    this.options.depth(this.outbox.entries.length);
    return { seq: this.outbox.seq, version: this.outbox.version };
  }

  async apply(stored: Stored): Promise<void> {
    this.outbox = take(this.outbox, stored);
    this.dirty = true;
    this.options.depth(this.outbox.entries.length);
  }

  /** Saved before the first effect, so that a crash repeats nothing and forgets nothing; saved again when done. */
  async commit(): Promise<void> {
    if (this.dirty) await this.save();
    for (let entry = this.outbox.entries[0]; entry; entry = this.outbox.entries[0]) {
      await this.dispatch(entry);
      this.outbox = { ...this.outbox, entries: this.outbox.entries.slice(1) };
      this.dirty = true;
      this.options.depth(this.outbox.entries.length);
    }
    if (this.dirty) await this.save();
  }

  private async save(): Promise<void> {
    await this.document.save(this.outbox);
    this.dirty = false;
  }

  private async dispatch(entry: OutboxEntry): Promise<void> {
    const { effect } = entry;
    const start = ambient.ticks();
    for (;;) {
      try {
        await this.options.before();
        await this.publish(effect);
        return this.options.published((ambient.ticks() - start) / 1000);
      } catch (err) {
        if (isWrongSequence(err)) throw err; // another runner is at work: load again and see what is left
        this.options.failed();
        if (++entry.attempts >= MAX_ATTEMPTS) return this.deadLetter(effect, (err as Error).message);
        await ambient.sleep(RETRY_MS * entry.attempts);
      }
    }
  }

  private async publish(effect: Effect): Promise<void> {
    const ack = await this.options.bus.js.publish(subjects.effects(effect.tenant_id), JSON.stringify(effect), {
      msgID: effect.effect_id,
      expect: { lastSubjectSequence: this.lastEffect },
    });
    this.lastEffect = Math.max(this.lastEffect, ack.seq);
  }

  private async deadLetter(effect: Effect, reason: string): Promise<void> {
    const body = JSON.stringify({ ...effect, reason, at: ambient.iso() });
    const msgID = `dead:${effect.effect_id}`;
    await this.options.bus.js.publish(subjects.deadLetters(effect.tenant_id), body, { msgID });
    this.options.deadLettered();
  }
}
