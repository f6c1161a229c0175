/** A copy of every placement in memory, kept by a change stream: counts, pages and drift cost no query at 30 000 placements. */
import type { ChangeStream } from 'mongodb';
import type { Logger } from 'pino';
import type { Placement } from '@cloudlysis/contract';
import type { Ambient } from '../ambient.ts';
import { placementOf, type PlacementRecord, type PlacementStore } from './placement.store.ts';

const RETRY_MS = 1_000;

export class PlacementMirror {
  private readonly store: PlacementStore;
  private readonly ambient: Ambient;
  private readonly logger: Logger;
  private readonly records = new Map<string, PlacementRecord>();
  private readonly stopping = new AbortController();
  private stream: ChangeStream<PlacementRecord> | undefined;
  private loading: Promise<void> | undefined;
  private sorted: Placement[] | undefined;

  constructor(store: PlacementStore, ambient: Ambient, logger: Logger) {
    this.store = store;
    this.ambient = ambient;
    this.logger = logger;
  }

  /** Every placement, by tenant, then by kind. */
  async placements(): Promise<readonly Placement[]> {
    await this.loaded();
    this.sorted ??= [...this.records.values()].flatMap((record) => placementOf(record) ?? []).sort(byTenantAndKind);
    return this.sorted;
  }

  /** Released ones included. */
  async all(): Promise<ReadonlyMap<string, PlacementRecord>> {
    await this.loaded();
    return this.records;
  }

  /** Revisions only go up, so the higher one is the newer one, whichever way it came. */
  apply(record: PlacementRecord): void {
    const known = this.records.get(record._id);
    if (known && known.revision >= record.revision) return;
    this.records.set(record._id, record);
    this.sorted = undefined;
  }

  start(): void {
    void this.follow();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.stream?.close().catch(() => undefined);
  }

  private loaded(): Promise<void> {
    this.loading ??= this.load().catch((error: unknown) => {
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  private async load(): Promise<void> {
    for (const record of await this.store.all()) this.apply(record);
  }

  /** Opens the stream before it reads, so that no change falls between the two; reads again whenever the stream broke. */
  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        const stream = this.store.placements.watch([], { fullDocument: 'updateLookup', timeoutMS: 0 });
        this.stream = stream;
        const next = stream.next();
        next.catch(() => undefined);
        await this.load();
        this.loading ??= Promise.resolve();
        for (let change = await next; !signal.aborted; change = await stream.next()) {
          if ('fullDocument' in change && change.fullDocument) this.apply(change.fullDocument);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.logger.warn({ err: error }, 'the watch over placements broke; it is opened again');
        await this.stream?.close().catch(() => undefined);
        await this.ambient.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }
}

const byTenantAndKind = (a: Placement, b: Placement): number => {
  if (a.tenant_id !== b.tenant_id) return a.tenant_id < b.tenant_id ? -1 : 1;
  return a.kind < b.kind ? -1 : 1;
};
