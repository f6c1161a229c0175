// Follows one tenant's log through its durable consumer: the consumer wakes it and holds the checkpoint, the log is truth.
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import type { Logger } from 'pino';
import { ambient } from '../platform/ambient.ts';
import { ensureConsumer, type Bus } from '../platform/bus.ts';
import { EventLog, type Stored } from '../platform/event-log.ts';
import { consumerName } from '../platform/names.ts';
import type { TenantGate } from './tenant-gate.ts';

/** What a batch of events does. `apply` sees every event once and in order; nothing is acknowledged before `commit`. */
export interface Fold {
  /** The last event already contained in the saved result. */
  load(): Promise<{ seq: number; version: number }>;
  apply(stored: Stored): Promise<void>;
  commit(): Promise<void>;
}

const BATCH = 64;
const PULL_MS = 1000;
const RETRY_MS = 100;

export interface WorkerOptions {
  bus: Bus;
  kind: 'projection' | 'runner';
  gate: TenantGate;
  fold: Fold;
  log: Logger;
  /** A paused tenant's projection goes on reading; its runner does not act. */
  stopsWhenPaused: boolean;
  lag: (events: number) => void;
}

export class EventWorker {
  private readonly options: WorkerOptions;
  private readonly stopping = new AbortController();
  private readonly finished: Promise<void>;
  private readonly tasks: (() => Promise<void>)[] = [];
  private position: { seq: number; version: number } | undefined;
  private consumer: Consumer | undefined;

  constructor(options: WorkerOptions) {
    this.options = options;
    this.finished = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.options.gate.wake();
    await this.finished;
  }

  /** Runs `task` between two batches and reads the position anew afterwards; for a rebuild. */
  interleave(task: () => Promise<void>): void {
    this.tasks.push(task);
    this.options.gate.wake();
  }

  private get shut(): boolean {
    const { gate, stopsWhenPaused } = this.options;
    return this.stopping.signal.aborted || gate.draining || (stopsWhenPaused && gate.paused);
  }

  private async run(): Promise<void> {
    const { gate, log } = this.options;
    await ambient.sleep(0);
    while (!this.stopping.signal.aborted) {
      try {
        const task = this.tasks.shift();
        if (task) {
          this.position = undefined;
          await this.between(task);
        }
        if (this.shut) await gate.changed();
        else await this.batch();
      } catch (err) {
        this.position = undefined;
        log.warn({ tenant_id: gate.tenant, err: (err as Error).message }, 'batch failed; it will be read again');
        await ambient.sleep(RETRY_MS * 5, this.stopping.signal);
      }
    }
  }

  private async between(task: () => Promise<void>): Promise<void> {
    const leave = this.options.gate.enter();
    try {
      await task();
    } finally {
      leave();
    }
  }

  private async batch(): Promise<void> {
    if (!this.position) await this.between(() => this.open());
    const messages = await this.pull();
    const last = messages.at(-1);
    if (!last) return this.options.lag(0);
    // The gate may have shut while the pull was under way; what came is handed back untouched.
    if (this.shut) return messages.forEach((msg) => msg.nak());
    const leave = this.options.gate.enter(messages.length);
    try {
      const reached = await this.advance(last, messages);
      await this.options.fold.commit();
      for (const msg of messages) if (msg.seq <= reached) msg.ack();
      const handedBack = messages.filter((msg) => msg.seq > reached);
      for (const msg of handedBack) msg.nak(RETRY_MS);
      this.options.lag(last.info.pending + handedBack.length);
    } catch (err) {
      for (const msg of messages) msg.nak(RETRY_MS);
      throw err;
    } finally {
      leave();
    }
  }

  private async open(): Promise<void> {
    const { bus, kind, gate, fold } = this.options;
    await ensureConsumer(bus, kind, gate.tenant);
    this.consumer = await bus.js.consumers.get('EVENTS', consumerName(kind, gate.tenant));
    const position = await fold.load();
    await fold.commit(); // whatever an earlier process saved and did not finish
    this.position = position;
  }

  /** Waits for one message, then takes what is already behind it: a pull for more would wait for the batch to fill. */
  private async pull(): Promise<JsMsg[]> {
    const start = ambient.ticks();
    const first = await this.consumer!.next({ expires: PULL_MS });
    if (!first && ambient.ticks() - start < PULL_MS / 2) throw new Error('the consumer does not answer');
    if (!first) return [];
    const more = Math.min(first.info.pending, BATCH - 1);
    const messages = [first];
    if (more === 0) return messages;
    for await (const msg of await this.consumer!.fetch({ max_messages: more, expires: PULL_MS })) messages.push(msg);
    return messages;
  }

  /** Applies everything after our position up to `last`; after a crash that is more, or less, than what was delivered. */
  private async advance(last: JsMsg, messages: JsMsg[]): Promise<number> {
    const { bus, gate } = this.options;
    const position = this.position!;
    const delivered = messages.map((msg): Stored => ({ seq: msg.seq, event: msg.json() }));
    const fresh = delivered.filter(({ seq }) => seq > position.seq).sort((a, b) => a.seq - b.seq);
    const whole = fresh.every(({ event }, index) => event.version === position.version + 1 + index);
    const source = whole ? fresh : new EventLog(bus).range(gate.tenant, position.seq, last.seq);
    for await (const stored of source) {
      if (!(await this.applied(stored, messages))) break;
      position.seq = stored.seq;
      position.version = stored.event.version;
    }
    return position.seq;
  }

  /** Tries until it works: a fold that skips an event is wrong for ever. Gives up only when the tenant must move on. */
  private async applied(stored: Stored, messages: JsMsg[]): Promise<boolean> {
    for (;;) {
      try {
        await this.options.fold.apply(stored);
        return true;
      } catch (err) {
        if (this.shut) return false;
        this.options.log.debug({ tenant_id: stored.event.tenant_id, err: (err as Error).message }, 'event failed');
        for (const msg of messages) msg.working();
        await ambient.sleep(RETRY_MS, this.stopping.signal);
      }
    }
  }
}
