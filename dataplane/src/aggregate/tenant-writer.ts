// The one writer of a tenant's log on this shard: commands in turn, decided on the folded log, appended under its lock.
import { ambient } from '../platform/ambient.ts';
import { isWrongSequence } from '../platform/bus.ts';
import type { KvDocument } from '../platform/kv-document.ts';
import type { EventLog, Stored, TenantEvent } from '../platform/event-log.ts';
import { apply, decide, type AccountEvent, type Command } from './accounts.ts';
import { RecentCommands } from './recent-commands.ts';

/** Command ids remembered exactly, beside everything inside JetStream's duplicate window (2 min). ~0.3 MB per tenant. */
export const REMEMBERED_COMMANDS = 4096;
const SNAPSHOT_EVERY = 1000;
const ATTEMPTS = 4;

export interface Snapshot {
  seq: number;
  version: number;
  balances: [string, number][];
  commands: [string, number][];
}
export type Outcome =
  { version: number; duplicate?: true } | { declined: string; detail: string } | { invalid: string } | { moved: true };

interface Folded {
  seq: number;
  version: number;
  balances: Map<string, number>;
  commands: RecentCommands;
}
export interface WriterOptions {
  tenant: string;
  shard: string;
  log: EventLog;
  snapshots: KvDocument<Snapshot | null>;
  /** Whether the tenant is still placed here; asked after another writer was seen. */
  stillHere: () => Promise<boolean>;
  conflict: () => void;
}

export class TenantWriter {
  private readonly options: WriterOptions;
  private folded: Folded | undefined;
  private current = false;
  private saved = 0;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: WriterOptions) {
    this.options = options;
  }

  /** Runs `work` after everything queued before it, whatever became of that. */
  submit<T>(work: () => Promise<T>): Promise<T> {
    const next = this.turn.then(work, work);
    this.turn = next.catch(() => undefined);
    return next;
  }

  async execute(command: Command): Promise<Outcome> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const folded = await this.catchUp();
      const done = folded.commands.versionOf(command.command_id);
      if (done !== undefined) return { version: done, duplicate: true };
      const decision = decide(folded.balances, command);
      if (!('event' in decision)) return decision;
      const event = this.toEvent(command, decision.event, folded.version + 1);
      // Until JetStream has answered, nobody knows whether the event is in the log: the next command looks first.
      this.current = false;
      try {
        const ack = await this.options.log.append(event, folded.seq);
        if (ack.duplicate) return await this.alreadyInLog(ack.seq);
        this.fold({ seq: ack.seq, event });
        this.current = true;
        if (folded.version - this.saved >= SNAPSHOT_EVERY) await this.snapshot();
        return { version: event.version };
      } catch (err) {
        if (!isWrongSequence(err)) throw err;
        this.options.conflict();
        if (!(await this.options.stillHere())) return { moved: true };
      }
    }
    throw new Error(`${ATTEMPTS} version conflicts in a row`);
  }

  /** Loads the tenant ahead of its first command, so that a takeover costs the next client nothing. */
  async warm(): Promise<void> {
    await this.catchUp();
  }

  /** Any snapshot is a true prefix of a log that is only ever appended to, so a stale or missing one costs time, never truth. */
  async snapshot(): Promise<void> {
    const { folded } = this;
    if (!folded || folded.version === this.saved) return;
    const { seq, version } = folded;
    this.saved = version;
    const value = { seq, version, balances: [...folded.balances], commands: folded.commands.entries() };
    await this.options.snapshots.save(value).catch(() => undefined);
  }

  private async catchUp(): Promise<Folded> {
    if (this.folded && this.current) return this.folded;
    const { log, tenant } = this.options;
    const head = await log.head(tenant);
    this.folded ??= await this.load(head);
    for await (const stored of log.range(tenant, this.folded.seq, head?.seq ?? 0)) this.fold(stored);
    this.current = true;
    return this.folded;
  }

  private async load(head: Stored | undefined): Promise<Folded> {
    const found = await this.options.snapshots.load();
    // A snapshot ahead of the log belongs to a log that is gone.
    const usable = found && head && found.seq <= head.seq ? found : { seq: 0, version: 0, balances: [], commands: [] };
    this.saved = usable.version;
    const { seq, version, balances, commands } = usable;
    return { seq, version, balances: new Map(balances), commands: new RecentCommands(REMEMBERED_COMMANDS, commands) };
  }

  private fold({ seq, event }: Stored): void {
    const { folded } = this;
    if (!folded) return;
    apply(folded.balances, event);
    folded.commands.add(event.command_id, event.version);
    folded.version = event.version;
    folded.seq = seq;
  }

  private async alreadyInLog(seq: number): Promise<Outcome> {
    const original = await this.options.log.at(seq);
    if (!original) throw new Error(`JetStream reported a duplicate of ${seq}, which is not there`);
    return { version: original.event.version, duplicate: true };
  }

  private toEvent(command: Command, { type, data }: AccountEvent, version: number): TenantEvent {
    const { tenant, shard } = this.options;
    const { command_id } = command;
    const fixed = { event_id: ambient.id(), tenant_id: tenant, version, command_id };
    return { ...fixed, type, data, at: ambient.iso(), shard_id: shard };
  }
}
