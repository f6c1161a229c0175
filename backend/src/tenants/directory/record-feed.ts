/** Keeps the directory's records as MongoDB has them: a checked copy, and this replica's own writes at once. */
import { PLACED_KINDS } from '@cloudlysis/contract';
import type { Logger } from 'pino';
import type { Ambient } from '../../kernel/ambient.ts';
import { unreadableProblem } from '../../kernel/bad-records.ts';
import { tenantFault } from './stored-tenant.ts';
import { CheckedCopy, type CopyReport } from '../../copies/index.ts';
import type { PlacementBook } from '../../placement/record/placement-book.ts';
import { createCollectionSource } from '../../ports/mongo/collection-source.ts';
import type { Directory } from './directory.ts';
import type { TenantRecord } from './tenants.ts';
import { inOrder } from './tenant-view.ts';
import type { TenantStore } from './tenants.store.ts';
import { within } from '../../kernel/time.ts';

export interface RecordFeed extends LocalWrites {
  readonly copy: CopyReport;
  /** Id → why it cannot be read. */
  unreadable(): ReadonlyMap<string, string>;
  /** Resolves once every record has been read, and this replica's own committed writes are in. @throws Problem `store.unavailable` */
  current(): Promise<void>;
  /** Reads a record anew, also for the directory; null when there is none. @throws Problem `store.unavailable` */
  find(tenantId: string): Promise<TenantRecord | null>;
  start(): void;
  stop(): Promise<void>;
}

export interface RecordFeedDeps {
  readonly store: Pick<TenantStore, 'tenants'>;
  readonly directory: Directory;
  readonly placement: PlacementBook;
  readonly ambient: Ambient;
  readonly logger: Logger;
}

/** A list waits this long for the reading of this replica's last write, and is then answered without it. */
const OWN_WRITE_MS = 500;
/** A write whose transaction is not committed by now was given up. */
const COMMIT_MS = 5_000;

export function createRecordFeed({ store, directory, placement, ambient, logger }: RecordFeedDeps): RecordFeed {
  const reading = new Set<Promise<void>>();
  /** Tenants with a write of this replica that the directory has not seen committed yet. */
  const committing = new Map<string, { version: number; until: number }>();
  /** The first reading brings all of them; where they are placed comes with all placements. */
  let isFilled = false;

  const copy = new CheckedCopy<TenantRecord>({
    name: 'tenants',
    source: createCollectionSource({ collection: store.tenants, ambient }),
    ambient,
    logger,
    fault: tenantFault,
    apply(id, record) {
      if (!record) return directory.remove(id);
      directory.put(record);
      if (isFilled) track(placeNewcomer(record));
    },
  });

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
      if (!isSeen) track(copy.look([tenantId]));
    }
  }

  return {
    copy,
    unreadable: () => copy.unreadable(),
    wrote: (record) => copy.put(record._id, record),
    removed: (tenantId) => copy.put(tenantId, null),
    committing: (tenantId, version) =>
      void committing.set(tenantId, { version, until: ambient.monotonic() + COMMIT_MS }),
    async current() {
      await copy.current();
      isFilled = true;
      lookAtCommits();
      if (reading.size === 0) return;
      await within(ambient, OWN_WRITE_MS, Promise.all(reading), () => undefined);
    },
    async find(tenantId) {
      await copy.look([tenantId]);
      const reason = copy.unreadable().get(tenantId);
      if (reason !== undefined) throw unreadableProblem({ id: tenantId, reason });
      return copy.get(tenantId) ?? null;
    },
    start: () => copy.start(),
    stop: () => copy.stop(),
  };
}

/** Told of every write of this replica, so that its own lists show it at once. */
export interface LocalWrites {
  wrote(record: TenantRecord): void;
  removed(tenantId: string): void;
  /** A write of this version inside a transaction that may yet be given up: lists look whether it was committed. */
  committing(tenantId: string, version: number): void;
}
