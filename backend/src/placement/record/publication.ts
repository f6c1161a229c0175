/** Brings the published placement in line with the record: MongoDB first, then NATS KV, each by compare-and-swap. */
import { Problem, type ServiceKind } from '@cloudlysis/contract';
import type { NatsPort } from '../../ports/nats/index.ts';
import { placementKeyOf, type PlacementRecord } from './stored-placement.ts';
import type { PlacementMirror } from './placement-mirror.ts';
import type { PlacementStore } from './placement.store.ts';

/** Enough for a handful of writers on one key; more than that is not a race but a fight. */
const TRIES = 8;

export interface Publication {
  /** Writes the record over `expected` and remembers it; false when somebody was faster. */
  swap(next: PlacementRecord, expected: number | null): Promise<boolean>;
  /**
   * Publishes what is recorded now. Idempotent; safe to be late: it never puts a lower revision over a higher one.
   * @throws Problem `version.stale` when something newer than the record is published
   */
  publish(kind: ServiceKind, tenantId: string): Promise<void>;
}

export interface PublicationDeps {
  readonly store: PlacementStore;
  readonly mirror: PlacementMirror;
  readonly nats: NatsPort;
  readonly readOnly: boolean;
}

export function createPublication({ store, mirror, nats, readOnly }: PublicationDeps): Publication {
  const publishOnce = async (kind: ServiceKind, tenantId: string): Promise<boolean> => {
    const key = placementKeyOf(kind, tenantId);
    const record = await store.find(kind, tenantId);
    if (!record) return true;
    const entry = await nats.placement.get(key);
    const { shard_id: shard, revision, job_id } = record;
    if (shard === null) {
      if (entry && entry.value.revision > revision) throw newer(key, entry.value.revision, revision);
      if (entry) await nats.placement.delete(key);
      return true;
    }
    const published = entry?.value;
    if (published?.shard === shard && published.revision === revision) return true;
    if (published && published.revision >= revision) throw newer(key, published.revision, revision);
    return nats.placement.put(key, { shard, revision, job_id }, entry?.kvRevision ?? 0);
  };
  return {
    async swap(next, expected) {
      const done = await store.swap(next, expected);
      if (done) mirror.apply(next);
      return done;
    },
    async publish(kind, tenantId) {
      if (readOnly) return;
      for (let tried = 0; tried < TRIES; tried++) if (await publishOnce(kind, tenantId)) return;
      throw new Problem('version.stale', `others keep writing ${placementKeyOf(kind, tenantId)} on NATS`);
    },
  };
}

const newer = (key: string, published: number, recorded: number): Problem =>
  new Problem('version.stale', `${key} is published at revision ${published}, recorded at ${recorded}`, {
    published,
    recorded,
  });
