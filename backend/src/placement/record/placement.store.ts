/** Shards and placements in MongoDB: compare-and-swap on the placement's revision, and nothing else knows the driver. */
import type { ClientSession, Collection } from 'mongodb';
import { Problem, type Placement, type ServiceKind, type Shard } from '@cloudlysis/contract';
import { ensureCollection } from '../../ports/mongo/ensure-collection.ts';
import { isDuplicateKey, prompt, READ_MS, translated, type Mongo } from '../../ports/mongo/mongo.ts';
import { sifted, sound, type Unreadable } from '../../kernel/bad-records.ts';
import {
  placementFault,
  placementKeyOf,
  shardFault,
  type PlacementRecord,
  type ShardRecord,
} from './stored-placement.ts';

/** Reading 30 000 placements takes 400 ms on the embedded store; the usual deadline is for single documents. */
const FULL_READ_MS = 20_000;

export interface PlacementStore {
  readonly placements: Collection<PlacementRecord>;
  ensureIndexes(): Promise<void>;
  shards(): Promise<ShardRecord[]>;
  /** Those that the last reading left out. */
  unreadableShards(): readonly Unreadable[];
  /** @throws Problem `shard.unknown` */
  shard(shardId: string): Promise<ShardRecord>;
  findShard(shardId: string): Promise<ShardRecord | null>;
  saveShard(shard: Shard, session?: ClientSession): Promise<void>;
  seedShards(shards: readonly Shard[]): Promise<void>;
  find(kind: ServiceKind, tenantId: string): Promise<PlacementRecord | null>;
  /** Of every kind, released ones included. */
  ofTenants(tenantIds: readonly string[]): Promise<PlacementRecord[]>;
  all(): Promise<PlacementRecord[]>;
  /** Writes `next` over `expected`; `expected` null: only where there is no record. False when somebody was faster. */
  swap(next: PlacementRecord, expected: number | null): Promise<boolean>;
}

export const shardOf = ({ _id, version: _version, ...rest }: ShardRecord): Shard => ({ shard_id: _id, ...rest });

/** @throws Problem `shard.unknown` */
export const shardAt = async ({ store }: { store: Pick<PlacementStore, 'shard'> }, shardId: string): Promise<Shard> =>
  shardOf(await store.shard(shardId));

export const placementOf = (record: PlacementRecord): Placement | null =>
  record.shard_id === null
    ? null
    : { tenant_id: record.tenant_id, kind: record.kind, shard_id: record.shard_id, revision: record.revision };

export function createPlacementStore({ db }: Pick<Mongo, 'db'>): PlacementStore {
  const shards = db.collection<ShardRecord>('shards');
  const placements = db.collection<PlacementRecord>('placements');
  let unreadable: readonly Unreadable[] = [];
  const findShard = async (id: string): Promise<ShardRecord | null> =>
    sound(await prompt(() => shards.findOne({ _id: id })), shardFault);
  const legible = (found: PlacementRecord[]): PlacementRecord[] => sifted(found, placementFault).good;
  const allShards = async (): Promise<ShardRecord[]> => {
    const { good, unreadable: bad } = sifted(await shards.find().toArray(), shardFault);
    unreadable = bad;
    return good.sort((a, b) => (a._id < b._id ? -1 : 1));
  };
  return {
    placements,
    ensureIndexes: () => ensureIndexes(db),
    shards: () => prompt(allShards, READ_MS),
    unreadableShards: () => unreadable,
    shard: async (id) => (await findShard(id)) ?? unknownShard(id),
    findShard,
    saveShard: (shard, session) => translated(() => saveShard(shards, shard, session), session),
    seedShards: async (given) => {
      if (given.length === 0 || (await translated(() => shards.findOne({})))) return;
      for (const shard of given) await translated(() => insertShard(shards, shard));
    },
    find: async (kind, tenantId) =>
      sound(await prompt(() => placements.findOne({ _id: placementKeyOf(kind, tenantId) })), placementFault),
    ofTenants: async (ids) =>
      legible(await prompt(() => placements.find({ tenant_id: { $in: [...ids] } }).toArray(), READ_MS)),
    all: async () =>
      legible(await translated(() => placements.find({}, { timeoutMS: FULL_READ_MS, batchSize: 5_000 }).toArray())),
    swap: (next, expected) => translated(() => swap(placements, next, expected)),
  };
}

/** Collections must exist before a transaction writes to them. */
async function ensureIndexes(db: Mongo['db']): Promise<void> {
  await ensureCollection(db, 'shards');
  await ensureCollection(db, 'placements', [{ key: { tenant_id: 1 } }]);
}

async function saveShard(shards: Collection<ShardRecord>, shard: Shard, session?: ClientSession): Promise<void> {
  const { shard_id: _id, ...values } = shard;
  const options = { upsert: true, ...(session ? { session } : {}) };
  await shards.updateOne({ _id }, { $set: values, $inc: { version: 1 } }, options);
}

async function insertShard(shards: Collection<ShardRecord>, { shard_id, ...values }: Shard): Promise<void> {
  try {
    await shards.insertOne({ _id: shard_id, ...values, version: 1 });
  } catch (error) {
    // Another replica seeds the same file.
    if (!isDuplicateKey(error)) throw error;
  }
}

async function swap(
  placements: Collection<PlacementRecord>,
  next: PlacementRecord,
  expected: number | null,
): Promise<boolean> {
  if (expected === null) {
    try {
      await placements.insertOne(next);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
  const { shard_id, revision, job_id } = next;
  // updateOne and not findOneAndUpdate: the latter scans the collection on the embedded store (155 ms at 30 000).
  const done = await placements.updateOne(
    { _id: next._id, revision: expected },
    { $set: { shard_id, revision, job_id } },
  );
  return done.matchedCount === 1;
}

function unknownShard(id: string): never {
  throw new Problem('shard.unknown', `there is no shard ${id}`);
}
