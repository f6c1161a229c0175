/** Keeps the directory's records as MongoDB has them: a change stream, this replica's own writes, and full reads as the net. */
import type { ChangeStreamDocument } from 'mongodb';
import { PLACED_KINDS } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Ambient } from '../ambient.ts';
import type { PlacementBook } from '../placement/placement-book.ts';
import type { Directory } from './directory.ts';
import type { LocalWrites } from './job-parts.ts';
import type { TenantRecord } from './tenants.ts';
import { inOrder } from './tenant-view.ts';
import type { TenantStore } from './tenants.store.ts';

export interface RecordFeed extends LocalWrites {
  /** Resolves once every record has been read, and this replica's own committed writes are in. @throws Problem `store.unavailable` */
  current(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface RecordFeedDeps {
  readonly store: TenantStore;
  readonly directory: Directory;
  readonly placement: PlacementBook;
  readonly ambient: Ambient;
  readonly logger: Logger;
}

/** The stream is resumed by the driver and read anew when it breaks for good; this catches what neither noticed. */
const RELOAD_MS = 300_000;
const REOPEN_MS = 500;
/** A list waits this long for the reading of this replica's last write, and is then answered without it. */
const OWN_WRITE_MS = 500;
/** A write whose transaction is not committed by now was given up. */
const COMMIT_MS = 5_000;

export function createRecordFeed({ store, directory, placement, ambient, logger }: RecordFeedDeps): RecordFeed {
  const stopping = new AbortController();
  const reading = new Set<Promise<void>>();
  /** Tenants with a write of this replica that the directory has not seen committed yet. */
  const committing = new Map<string, { version: number; until: number }>();
  let loading: Promise<void> | undefined;
  let loaded = false;
  let running: Promise<unknown> | undefined;
  let stream: ReturnType<TenantStore['watch']> | undefined;

  async function readAll(): Promise<void> {
    const moment = directory.moment();
    directory.replace(await store.all(), moment);
    loaded = true;
  }
  /** One full read at a time, shared by all who ask meanwhile. */
  const load = (): Promise<void> => (loading ??= readAll().finally(() => (loading = undefined)));

  async function refresh(tenantId: string): Promise<void> {
    const record = await store.find(tenantId);
    if (!record) return directory.remove(tenantId);
    directory.put(record);
    await placeNewcomer(record);
  }

  /** A tenant that has just come to life was placed a moment ago; without a look it would seem to be placed nowhere. */
  async function placeNewcomer({ _id, phase }: TenantRecord): Promise<void> {
    const known = directory.get(_id)?.placements ?? [];
    if (phase !== 'live' || known.length >= PLACED_KINDS.length) return;
    directory.place(_id, inOrder(await placement.of(_id)));
  }

  /** Lists wait for it. */
  function track(work: Promise<void>): void {
    const read = work.catch(() => undefined);
    reading.add(read);
    void read.finally(() => reading.delete(read));
  }

  /** The change stream brings a commit within milliseconds; a list that comes before it reads the record itself. */
  function lookAtCommits(): void {
    for (const [tenantId, { version, until }] of committing) {
      const isSeen = (directory.get(tenantId)?.record.version ?? 0) >= version;
      if (isSeen || ambient.monotonic() > until) committing.delete(tenantId);
      if (!isSeen) track(refresh(tenantId));
    }
  }

  async function follow(): Promise<void> {
    stream = store.watch();
    // Opened before the read, so that no change falls between the two.
    const [first] = await Promise.all([stream.tryNext(), loaded ? undefined : load()]);
    await load();
    if (first) apply(first);
    while (!stopping.signal.aborted) apply(await stream.next());
  }

  function apply(change: ChangeStreamDocument<TenantRecord>): void {
    if ('fullDocument' in change && change.fullDocument) {
      directory.put(change.fullDocument);
      track(placeNewcomer(change.fullDocument));
    } else if (change.operationType === 'delete') directory.remove(change.documentKey._id);
    else if (change.operationType !== 'update') void load().catch(() => undefined);
  }

  async function followForever(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (!stopping.signal.aborted) logger.warn({ err: error }, 'tenant records are read anew');
      }
      await stream?.close().catch(() => undefined);
      await ambient.sleep(REOPEN_MS, stopping.signal).catch(() => undefined);
    }
  }

  async function reloadForever(): Promise<void> {
    while (!stopping.signal.aborted) {
      await ambient.sleep(RELOAD_MS, stopping.signal).catch(() => undefined);
      if (!stopping.signal.aborted) await load().catch(() => undefined);
    }
  }

  return {
    wrote(record) {
      directory.put(record);
      track(placeNewcomer(record));
    },
    removed: (tenantId) => directory.remove(tenantId),
    committing: (tenantId, version) =>
      void committing.set(tenantId, { version, until: ambient.monotonic() + COMMIT_MS }),
    async current() {
      if (!loaded) await load();
      lookAtCommits();
      if (reading.size === 0) return;
      const over = new AbortController();
      const patience = ambient.sleep(OWN_WRITE_MS, over.signal).catch(() => undefined);
      await Promise.race([Promise.all(reading), patience]);
      over.abort();
    },
    start() {
      running ??= Promise.all([followForever(), reloadForever()]);
    },
    async stop() {
      stopping.abort();
      await stream?.close().catch(() => undefined);
      await running;
    },
  };
}
