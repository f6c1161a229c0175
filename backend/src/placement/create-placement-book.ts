/** The placement book: who lives where, as other features ask for it, and first placements made and taken back. */
import { Problem, type Placement, type ServiceKind, type Shard } from '@cloudlysis/contract';
import type { JobReader } from '../jobs/record/job-reader.ts';
import type { NatsPort } from '../ports/nats/index.ts';
import { placementKeyOf, type DrainOrder, type PlacementRecord } from './record/stored-placement.ts';
import type { NodeWatch } from './nodes/node-watch.ts';
import type { PlacementBook } from './record/placement-book.ts';
import type { PlacementMirror } from './record/placement-mirror.ts';
import { placementOf, shardOf, type PlacementStore } from './record/placement.store.ts';
import type { Publication } from './record/publication.ts';

export interface BookDeps {
  readonly store: PlacementStore;
  readonly mirror: PlacementMirror;
  readonly publication: Publication;
  readonly watch: NodeWatch;
  readonly nats: NatsPort;
  readonly jobs: JobReader;
  readonly readOnly: boolean;
  drains(): ReadonlyMap<string, DrainOrder>;
}

export function createPlacementBook(deps: BookDeps): PlacementBook {
  const { store, mirror, watch } = deps;
  const shards = async (kind?: ServiceKind): Promise<Shard[]> => {
    const all = (await store.shards()).map(shardOf);
    return kind ? all.filter((shard) => shard.kind === kind) : all;
  };
  const counts = async (): Promise<Map<string, number>> => {
    const count = new Map<string, number>();
    for (const { shard_id } of await mirror.placements()) count.set(shard_id, (count.get(shard_id) ?? 0) + 1);
    return count;
  };
  return {
    shards,
    shard: async (id) => shardOf(await store.shard(id)),
    of: batched(store),
    all: () => mirror.placements(),
    counts,
    leastLoaded: async (kind) => {
      await mirror.copy.trusted();
      const [candidates, count, active] = await Promise.all([shards(kind), counts(), deps.jobs.active()]);
      const emptying = new Set(active.filter((job) => job.kind === 'scale.evacuate').map((job) => job.lane));
      return chooseLeastLoaded(candidates, count, (shard) => {
        if (emptying.has(`shard:${shard.shard_id}`)) return 'leaving';
        const report = watch.reports().get(shard.shard_id);
        if (!report) return 'fit';
        return report.problem === null && report.readiness?.ready && !report.state?.draining ? 'fit' : 'unwell';
      });
    },
    assign: (tenantId, kind, shardId, jobId) => assign(deps, { tenantId, kind, shardId, jobId }),
    release: (tenantId, jobId) => release(deps, tenantId, jobId),
    reports: () => watch.reports(),
    drains: () => deps.drains(),
  };
}

export type Fitness = 'fit' | 'unwell' | 'leaving';
const BEST_FIRST: readonly Fitness[] = ['fit', 'unwell', 'leaving'];

/** A shard that is unwell or drains is taken only when there is no other, one that is being emptied only as the last. */
export function chooseLeastLoaded(
  shards: readonly Shard[],
  counts: ReadonlyMap<string, number>,
  fitness: (shard: Shard) => Fitness,
): Shard | null {
  const [first] = shards
    .map((shard) => ({
      shard,
      rank: BEST_FIRST.indexOf(fitness(shard)),
      load: (counts.get(shard.shard_id) ?? 0) / shard.capacity.tenants,
    }))
    .sort((a, b) => a.rank - b.rank || a.load - b.load || (a.shard.shard_id < b.shard.shard_id ? -1 : 1));
  return first?.shard ?? null;
}

/** A page of 50 tenants asks 50 times in one tick; that is one query (10 ms where fifty take 45). */
function batched(store: PlacementStore): PlacementBook['of'] {
  let asked: { ids: Set<string>; answer: Promise<PlacementRecord[]> } | null = null;
  return async (tenantId) => {
    if (!asked) {
      const ids = new Set<string>();
      const answer = Promise.resolve().then(() => {
        asked = null;
        return store.ofTenants([...ids]);
      });
      asked = { ids, answer };
    }
    asked.ids.add(tenantId);
    const records = await asked.answer;
    return records
      .filter((record) => record.tenant_id === tenantId)
      .flatMap((record) => placementOf(record) ?? [])
      .sort((a, b) => (a.kind < b.kind ? -1 : 1));
  };
}

interface Assignment {
  readonly tenantId: string;
  readonly kind: ServiceKind;
  readonly shardId: string;
  readonly jobId: string;
}

async function assign(deps: BookDeps, wanted: Assignment): Promise<Placement> {
  const { tenantId, kind, jobId } = wanted;
  const { store, publication } = deps;
  const entry = await deps.nats.placement.get(placementKeyOf(kind, tenantId));
  // With a static file the file says where; what is not in it cannot be placed.
  if (deps.readOnly && !entry) throw notInFile(tenantId, kind);
  const shardId = deps.readOnly && entry ? entry.value.shard : wanted.shardId;
  const shard = await store.shard(shardId);
  if (shard.kind !== kind) throw new Problem('shard.kind_mismatch', `${shardId} serves ${shard.kind}, not ${kind}`);
  const record = await store.find(kind, tenantId);
  if (!isHere(record, shardId, jobId)) {
    if (record && record.shard_id !== null) throw placedElsewhere(record);
    const last = Math.max(record?.revision ?? 0, entry?.value.revision ?? 0);
    const next: PlacementRecord = {
      _id: placementKeyOf(kind, tenantId),
      tenant_id: tenantId,
      kind,
      shard_id: shardId,
      revision: deps.readOnly ? last : last + 1,
      job_id: jobId,
    };
    if (!(await publication.swap(next, record?.revision ?? null))) {
      const now = await store.find(kind, tenantId);
      if (!isHere(now, shardId, jobId)) throw placedElsewhere(now);
    }
  }
  await publication.publish(kind, tenantId);
  const now = await store.find(kind, tenantId);
  const placed = now && placementOf(now);
  if (!placed) throw placedElsewhere(now);
  return placed;
}

const isHere = (record: PlacementRecord | null, shardId: string, jobId: string): boolean =>
  record?.shard_id === shardId && record.job_id === jobId;

async function release({ store, publication }: BookDeps, tenantId: string, jobId: string): Promise<void> {
  for (const record of await store.ofTenants([tenantId])) {
    if (record.shard_id !== null) {
      const gone = { ...record, shard_id: null, revision: record.revision + 1, job_id: jobId };
      if (!(await publication.swap(gone, record.revision)))
        throw placedElsewhere(await store.find(record.kind, tenantId));
    }
    await publication.publish(record.kind, tenantId);
  }
}

const placedElsewhere = (record: PlacementRecord | null): Problem => {
  const detail = record
    ? `${record._id} was placed on ${record.shard_id ?? 'no shard'} by ${record.job_id} at revision ${record.revision}`
    : 'the placement is gone';
  return new Problem('version.stale', detail);
};

const notInFile = (tenantId: string, kind: ServiceKind): Problem =>
  new Problem('placement.read_only', `the placement file has no ${kind}.${tenantId}: add it there first`);
