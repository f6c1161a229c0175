// A tenant made for one conformance run: placed, written to and paused through NATS as the control plane would, then erased.
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { ambient } from '../platform/ambient.ts';
import type { TenantEvent } from '../platform/event-log.ts';
import { BUCKETS, MAX_CONSUMERS, STREAMS, consumerName, subjects, type Kind } from '../platform/names.ts';
import type { Reply, CommandResult } from '../platform/wire.ts';
import { readLog } from '../load/verify-log.ts';

export class ProbeTenant {
  readonly tenant = `conformance-${ambient.id().slice(0, 8)}`;
  private readonly nc: NatsConnection;
  private readonly jsm: JetStreamManager;
  private readonly placement: KV;
  private readonly config: KV;
  private readonly kind: Exclude<Kind, 'gateway'>;

  private constructor(nc: NatsConnection, jsm: JetStreamManager, placement: KV, config: KV, kind: Kind) {
    this.nc = nc;
    this.jsm = jsm;
    this.placement = placement;
    this.config = config;
    this.kind = kind === 'gateway' ? 'aggregate' : kind;
  }

  static async open(natsUrl: string, kind: Kind): Promise<ProbeTenant> {
    const nc = await connect({ servers: natsUrl, name: 'conformance', timeout: 3000 });
    const kvm = new Kvm(nc);
    const [placement, config] = [await kvm.open('placement'), await kvm.open('config')];
    return new ProbeTenant(nc, await jetstreamManager(nc), placement, config, kind);
  }

  /** Streams that are there and allow fewer consumers than the contract says, though the account would. */
  async cramped(): Promise<string[]> {
    const { limits } = await this.jsm.getAccountInfo();
    const least = limits.max_consumers > 0 ? Math.min(limits.max_consumers, MAX_CONSUMERS) : MAX_CONSUMERS;
    // Before 2.15 a stream that says nothing has no limit.
    const [major = 0, minor = 0] = (this.nc.info?.version ?? '').split('.').map(Number);
    const hasDefault = major > 2 || minor >= 15;
    const found = [...Object.keys(STREAMS), ...BUCKETS.map((bucket) => `KV_${bucket}`)].map(async (name) => {
      const told = await this.jsm.streams.info(name).then(
        ({ config }) => config.max_consumers,
        () => least,
      );
      return told < least && (told > 0 || hasDefault) ? [`${name} ${told}`] : [];
    });
    return (await Promise.all(found)).flat();
  }

  async place(shard: string, revision: number): Promise<void> {
    const value = { shard, revision, job_id: null };
    await this.placement.put(`${this.kind}.${this.tenant}`, JSON.stringify(value));
  }

  async unplace(): Promise<void> {
    await this.placement.delete(`${this.kind}.${this.tenant}`);
  }

  /** What the server keeps of every watch on the placements. */
  async forgetWatches(): Promise<void> {
    for await (const { name } of this.jsm.consumers.list('KV_placement')) {
      await this.jsm.consumers.delete('KV_placement', name).catch(() => undefined);
    }
  }

  /** Deletes the bucket of placements and makes it anew, empty; the function puts the others' entries back. */
  async loseBucket(): Promise<() => Promise<void>> {
    const { config } = await this.jsm.streams.info('KV_placement');
    const others = new Map<string, Uint8Array>();
    for await (const key of await this.placement.keys()) {
      const entry = key.endsWith(`.${this.tenant}`) ? null : await this.placement.get(key);
      if (entry?.operation === 'PUT') others.set(key, entry.value);
    }
    await this.jsm.streams.delete('KV_placement');
    await this.jsm.streams.add(config);
    return async () => {
      for (const [key, value] of others) await this.placement.put(key, value);
    };
  }

  async pause(paused: boolean, revision: number): Promise<void> {
    await this.config.put(`tenants.${this.tenant}`, JSON.stringify({ paused, reason: 'conformance', revision }));
  }

  async command(shard: string, commandId: string): Promise<Reply<CommandResult>> {
    const body = {
      command_id: commandId,
      type: 'deposit',
      data: { account: 'probe', amount: 1 },
      placement_revision: 0,
    };
    const msg = await this.nc.request(subjects.commands(shard, this.tenant), JSON.stringify(body), { timeout: 3000 });
    return msg.json();
  }

  /** Writes as another shard would that took the tenant over. */
  async append(): Promise<TenantEvent> {
    const last = (await this.events()).at(-1);
    const event: TenantEvent = {
      event_id: ambient.id(),
      tenant_id: this.tenant,
      version: (last?.version ?? 0) + 1,
      command_id: `foreign-${ambient.id()}`,
      type: 'deposited',
      data: { account: 'probe', amount: 1 },
      at: ambient.iso(),
      shard_id: 'conformance',
    };
    await jetstream(this.nc).publish(subjects.log(this.tenant), JSON.stringify(event), { msgID: event.command_id });
    return event;
  }

  events(): Promise<TenantEvent[]> {
    return readLog(this.nc, this.tenant);
  }

  /** Messages the tenant's durable consumer has not acknowledged; undefined while there is no such consumer. */
  async behind(): Promise<number | undefined> {
    const name = consumerName(this.kind as 'projection' | 'runner', this.tenant);
    const info = await this.jsm.consumers.info('EVENTS', name).catch(() => undefined);
    return info && info.num_pending + info.num_ack_pending;
  }

  async close(): Promise<void> {
    await this.unplace().catch(() => undefined);
    await this.config.purge(`tenants.${this.tenant}`).catch(() => undefined);
    await ambient.sleep(300); // the node lets go first, or it would make its consumer again
    for (const kind of ['projection', 'runner'] as const) {
      await this.jsm.consumers.delete('EVENTS', consumerName(kind, this.tenant)).catch(() => undefined);
    }
    await this.jsm.streams.purge('EVENTS', { filter: subjects.tenantEvents(this.tenant) }).catch(() => undefined);
    for (const [bucket, prefix] of [
      ['snapshots', 'aggregate'],
      ['outbox', 'runner'],
      ['read_models', '*'],
    ]) {
      const filter = `$KV.${bucket}.${prefix}.${this.tenant}`;
      await this.jsm.streams.purge(`KV_${bucket}`, { filter }).catch(() => undefined);
    }
    await this.nc.close();
  }
}
