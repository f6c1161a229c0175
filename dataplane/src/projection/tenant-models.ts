// One tenant's read models: folded in memory, saved by compare-and-swap, rebuilt from the log beside the live ones.
import type { Bus } from '../platform/bus.ts';
import { KvDocument } from '../platform/kv-document.ts';
import { EventLog, type Stored } from '../platform/event-log.ts';
import type { Fold } from '../node/event-worker.ts';
import { VIEW_NAMES, advance, emptyModel, type ReadModel, type ViewName } from './views.ts';

export interface ModelOptions {
  bus: Bus;
  tenant: string;
  /** Before each event; may be slow or throw (faults), and then the event is tried again. */
  before: (view: ViewName) => Promise<void>;
  processed: (view: ViewName) => void;
}

export class TenantModels implements Fold {
  private readonly options: ModelOptions;
  private readonly documents = new Map<ViewName, KvDocument<ReadModel>>();
  private models = new Map<ViewName, ReadModel>();
  private dirty = false;

  constructor(options: ModelOptions) {
    this.options = options;
    for (const view of VIEW_NAMES) {
      const key = `${view}.${options.tenant}`;
      this.documents.set(view, new KvDocument(options.bus.kv('read_models'), key, () => emptyModel(view)));
    }
  }

  /** The position is that of the view furthest behind; the others skip what they have. */
  async load(): Promise<{ seq: number; version: number }> {
    for (const view of VIEW_NAMES) this.models.set(view, await this.documents.get(view)!.load());
    this.dirty = false;
    const behind = [...this.models.values()].reduce((a, b) => (b.seq < a.seq ? b : a));
    return { seq: behind.seq, version: behind.version };
  }

  async apply(stored: Stored): Promise<void> {
    for (const view of VIEW_NAMES) {
      await this.options.before(view);
      this.models.set(view, advance(view, this.models.get(view)!, stored));
      this.options.processed(view);
    }
    this.dirty = true;
  }

  async commit(): Promise<void> {
    if (!this.dirty) return;
    for (const [view, model] of this.models) await this.documents.get(view)!.save(model);
    this.dirty = false;
  }

  async read(view: ViewName): Promise<ReadModel> {
    if (this.models.size === 0) await this.load();
    return this.models.get(view)!;
  }

  /** Folds the log from its first event into fresh models and swaps them in when they reach what was the head. */
  async rebuild(progress: (processed: number, target: number) => void): Promise<void> {
    const log = new EventLog(this.options.bus);
    const { tenant } = this.options;
    const head = await log.head(tenant);
    const target = head?.event.version ?? 0;
    const fresh = new Map(VIEW_NAMES.map((view) => [view, emptyModel(view)]));
    progress(0, target);
    for await (const stored of log.range(tenant, 0, head?.seq ?? 0)) {
      for (const view of VIEW_NAMES) fresh.set(view, advance(view, fresh.get(view)!, stored));
      progress(stored.event.version, target);
    }
    await this.load();
    this.models = fresh;
    this.dirty = true;
    await this.commit();
  }
}
