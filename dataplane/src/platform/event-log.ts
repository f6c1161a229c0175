// The tenant's log in JetStream: append under the optimistic lock, read a range in order, find the head.
import { DeliverPolicy } from '@nats-io/jetstream';
import type { Bus } from './bus.ts';
import { subjects } from './names.ts';

export interface TenantEvent {
  event_id: string;
  tenant_id: string;
  /** 1, 2, 3 … without gaps per tenant: the control plane's proof that a move lost nothing. */
  version: number;
  command_id: string;
  type: string;
  data: Record<string, unknown>;
  at: string;
  shard_id: string;
}
export interface Stored {
  seq: number;
  event: TenantEvent;
}

const PUBLISH_TIMEOUT_MS = 2000;

export class EventLog {
  private readonly bus: Bus;
  constructor(bus: Bus) {
    this.bus = bus;
  }

  /**
   * Refused by JetStream (isWrongSequence) unless `after` is still the tenant's last sequence: a shard that lost its
   * tenant cannot write, whatever it believes. The message id carries the tenant, because JetStream's duplicate window
   * spans the stream and one tenant's command id must not silence another's.
   */
  append(event: TenantEvent, after: number): Promise<{ seq: number; duplicate: boolean }> {
    return this.bus.js.publish(subjects.log(event.tenant_id), JSON.stringify(event), {
      msgID: `${event.tenant_id}:${event.command_id}`,
      expect: { lastSubjectSequence: after },
      timeout: PUBLISH_TIMEOUT_MS,
      retries: 0,
    });
  }

  async head(tenant: string): Promise<Stored | undefined> {
    const msg = await this.bus.jsm.streams.getMessage('EVENTS', { last_by_subj: subjects.log(tenant) });
    return msg ? { seq: msg.seq, event: msg.json<TenantEvent>() } : undefined;
  }

  async at(seq: number): Promise<Stored | undefined> {
    const msg = await this.bus.jsm.streams.getMessage('EVENTS', { seq });
    return msg ? { seq: msg.seq, event: msg.json<TenantEvent>() } : undefined;
  }

  /** Events with `after` < seq ≤ `until`, in order. */
  async *range(tenant: string, after: number, until: number): AsyncGenerator<Stored> {
    if (until <= after) return;
    const consumer = await this.bus.js.consumers.get('EVENTS', {
      filter_subjects: subjects.log(tenant),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: after + 1,
      inactive_threshold: 30_000,
    });
    const messages = await consumer.consume({ max_messages: 500 });
    try {
      for await (const msg of messages) {
        if (msg.seq <= until) yield { seq: msg.seq, event: msg.json<TenantEvent>() };
        if (msg.seq >= until || msg.info.pending === 0) return;
      }
    } finally {
      await messages.close();
      await consumer.delete().catch(() => undefined);
    }
  }
}
