// The aggregate node: answers commands for the tenants placed on its shard, behind each tenant's gate.
import type { Msg } from '@nats-io/transport-node';
import { ambient } from '../platform/ambient.ts';
import type { Bus } from '../platform/bus.ts';
import { KvDocument } from '../platform/kv-document.ts';
import { EventLog } from '../platform/event-log.ts';
import { TENANT_ID, subjects } from '../platform/names.ts';
import { placementKey } from '../platform/placement.ts';
import { lastToken, parseCommand, readJson, refuse, type CommandResult, type Reply } from '../platform/wire.ts';
import { InjectedFault } from '../node/faults.ts';
import type { Node, Service } from '../node/node.ts';
import type { TenantGate } from '../node/tenant-gate.ts';
import type { Command } from './accounts.ts';
import { TenantWriter, type Outcome } from './tenant-writer.ts';

/** Per tenant; beyond it the answer is "busy", so that one noisy tenant cannot fill the node's memory. */
const MAX_IN_FLIGHT = 1000;

export class Aggregate implements Service {
  private readonly node: Node;
  private readonly writers = new Map<string, TenantWriter>();
  private readonly inFlight;
  private readonly duration;
  private readonly conflicts;
  private bus!: Bus;

  constructor(node: Node) {
    this.node = node;
    const { metrics } = node;
    this.inFlight = metrics.gauge('aggregate_in_flight_commands', 'Accepted and not yet answered', ['tenant_id']);
    this.duration = metrics.histogram('aggregate_command_duration_seconds', 'From acceptance to answer', ['outcome']);
    this.conflicts = metrics.counter('aggregate_version_conflicts_total', 'Appends refused by the optimistic lock');
  }

  start(bus: Bus): Promise<void> {
    this.bus = bus;
    const { shard } = this.node.config;
    // A queue group, so that an accidental second process of a shard cannot answer the same command twice.
    bus.nc.subscribe(subjects.commands(shard, '*'), { queue: shard, callback: (_err, msg) => void this.receive(msg) });
    return Promise.resolve();
  }

  arrive(gate: TenantGate): void {
    this.inFlight.inc({ tenant_id: this.node.metrics.tenant(gate.tenant) }, 0); // a quiet tenant reads 0, not nothing
    const writer = this.writer(gate.tenant);
    void writer.submit(() => writer.warm()).catch(() => undefined);
  }

  draining(gate: TenantGate): void {
    const writer = this.writer(gate.tenant);
    void writer.submit(() => writer.snapshot()).catch(() => undefined);
  }

  left(tenant: string): void {
    this.writers.delete(tenant);
    this.inFlight.remove({ tenant_id: tenant });
  }

  async stop(): Promise<void> {
    for (const gate of this.node.gates.all()) gate.set({ draining: true });
    const saves = [...this.writers.values()].map((writer) => writer.submit(() => writer.snapshot()));
    await Promise.race([Promise.allSettled(saves), ambient.sleep(5000)]);
  }

  private async receive(msg: Msg): Promise<void> {
    const reply = await this.answer(lastToken(msg.subject), readJson(msg)).catch((err: unknown) => {
      const injected = err instanceof InjectedFault;
      if (!injected) this.node.log.warn({ err: (err as Error).message }, 'command not answered');
      return refuse(injected ? 'command.failed' : 'tenant.unavailable', (err as Error).message);
    });
    msg.respond(JSON.stringify(reply));
  }

  private async answer(tenant: string, body: Record<string, unknown>): Promise<Reply<CommandResult>> {
    const command = parseCommand(body);
    if (!command || !TENANT_ID.test(tenant)) return refuse('request.invalid', 'needs command_id, type and data');
    const gate = await this.gateFor(tenant, Number(body['placement_revision'] ?? 0));
    if (!gate) return refuse('tenant.moved', `${tenant} is not placed on ${this.node.config.shard}`);
    if (gate.paused) return refuse('tenant.paused', `${tenant} is paused`);
    if (gate.draining) return refuse('tenant.draining', `${tenant} is draining on ${this.node.config.shard}`);
    if (gate.inFlight >= MAX_IN_FLIGHT) return refuse('tenant.busy', `${MAX_IN_FLIGHT} commands are in flight`);
    return this.execute(gate, command);
  }

  private async execute(gate: TenantGate, command: Command): Promise<Reply<CommandResult>> {
    const tenant_id = this.node.metrics.tenant(gate.tenant);
    const leave = gate.enter();
    this.inFlight.inc({ tenant_id });
    const stop = this.duration.startTimer();
    let outcome = 'failed';
    try {
      const writer = this.writer(gate.tenant);
      const result = await writer.submit(() => this.node.faults.strike().then(() => writer.execute(command)));
      outcome = 'version' in result ? 'accepted' : 'declined';
      return toReply(result);
    } finally {
      stop({ outcome });
      leave();
      this.inFlight.dec({ tenant_id });
    }
  }

  /** The sender may have seen a newer placement than we have; then we look before we refuse or serve. */
  private async gateFor(tenant: string, senderRevision: number): Promise<TenantGate | undefined> {
    const { node } = this;
    const known = node.placements.get(placementKey('aggregate', tenant))?.revision ?? 0;
    if (senderRevision > known) await node.catchUp(tenant);
    const gate = node.gates.get(tenant);
    return gate && !gate.leaving ? gate : undefined;
  }

  private writer(tenant: string): TenantWriter {
    let writer = this.writers.get(tenant);
    if (!writer) {
      const { node, bus } = this;
      writer = new TenantWriter({
        tenant,
        shard: node.config.shard,
        log: new EventLog(bus),
        snapshots: new KvDocument(bus.kv('snapshots'), `aggregate.${tenant}`, () => null),
        stillHere: async () => (await node.catchUp(tenant), node.gates.get(tenant)?.leaving === false),
        conflict: () => this.conflicts.inc(),
      });
      this.writers.set(tenant, writer);
    }
    return writer;
  }
}

function toReply(outcome: Outcome): Reply<CommandResult> {
  if ('version' in outcome) return { ok: true, result: outcome };
  if ('invalid' in outcome) return refuse('request.invalid', outcome.invalid);
  if ('moved' in outcome) return refuse('tenant.moved', 'the tenant was taken over by another shard');
  return { ...refuse('command.declined', outcome.detail), reason: outcome.declined };
}
