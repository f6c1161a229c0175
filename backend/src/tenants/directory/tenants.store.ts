/** Tenant records: compare-and-swap on the version, and nothing else knows the driver. */
import { Problem } from '@cloudlysis/contract';
import type { ClientSession, Collection } from 'mongodb';
import { ensureCollection } from '../../ports/mongo/ensure-collection.ts';
import { isDuplicateKey, prompt, READ_MS, translated, type Mongo } from '../../ports/mongo/mongo.ts';
import { unreadableProblem } from '../../kernel/bad-records.ts';
import { tenantFault } from './stored-tenant.ts';
import type { TenantRecord } from './tenants.ts';

const SEED_MARK = 'seed';

interface SeedMark {
  readonly _id: string;
  readonly done: boolean;
}

export interface TenantStore {
  readonly tenants: Collection<TenantRecord>;
  ensureIndexes(): Promise<void>;
  /** @throws Problem `tenant.exists` */
  insert(record: TenantRecord): Promise<TenantRecord>;
  find(id: string): Promise<TenantRecord | null>;
  /** @throws Problem `tenant.unknown` */
  get(id: string): Promise<TenantRecord>;
  /** Those of the named that exist, in no order. */
  some(ids: readonly string[]): Promise<TenantRecord[]>;
  /** Writes `next` over version `expected`. @throws Problem `version.stale` | `tenant.unknown` */
  save(next: TenantRecord, expected: number, session?: ClientSession): Promise<TenantRecord>;
  /** Takes back an insert: only a record that this job is still provisioning. Idempotent. */
  removeProvisioning(id: string, jobId: string): Promise<boolean>;
  /** False once seeding has ended, or was never due because tenants existed before. */
  seedingDue(): Promise<boolean>;
  seeded(): Promise<void>;
}

export function createTenantStore({ db }: Pick<Mongo, 'db'>): TenantStore {
  const tenants = db.collection<TenantRecord>('tenants');
  const marks = db.collection<SeedMark>('tenant_marks');
  const find = async (id: string): Promise<TenantRecord | null> => {
    const found = await prompt(() => tenants.findOne({ _id: id }));
    const reason = found && tenantFault(found);
    if (reason) throw unreadableProblem({ id, reason });
    return found;
  };
  return {
    tenants,
    async ensureIndexes() {
      for (const name of ['tenants', 'tenant_marks']) await ensureCollection(db, name);
    },
    insert: (record) => insert(tenants, record),
    find,
    get: async (id) => (await find(id)) ?? unknown(id),
    some: (ids) => prompt(() => tenants.find({ _id: { $in: [...ids] } }).toArray(), READ_MS),
    save: (next, expected, session) => translated(() => save(tenants, next, expected, session), session),
    removeProvisioning: async (id, jobId) => {
      const done = await translated(() => tenants.deleteOne({ _id: id, job_id: jobId, phase: 'provisioning' }));
      return done.deletedCount === 1;
    },
    seedingDue: () => translated(() => seedingDue(tenants, marks)),
    seeded: async () => {
      await translated(() => marks.updateOne({ _id: SEED_MARK }, { $set: { done: true } }, { upsert: true }));
    },
  };
}

async function insert(tenants: Collection<TenantRecord>, record: TenantRecord): Promise<TenantRecord> {
  try {
    await translated(() => tenants.insertOne(record));
    return record;
  } catch (error) {
    if (isDuplicateKey(error)) throw new Problem('tenant.exists', `there is a tenant ${record._id} already`);
    throw error;
  }
}

async function save(
  tenants: Collection<TenantRecord>,
  next: TenantRecord,
  expected: number,
  session?: ClientSession,
): Promise<TenantRecord> {
  const options = session ? { session } : {};
  const saved = { ...next, version: expected + 1 };
  const { _id, ...replacement } = saved;
  const done = await tenants.replaceOne({ _id, version: expected }, replacement, options);
  if (done.matchedCount === 1) return saved;
  const now = (await tenants.findOne({ _id }, options)) ?? unknown(_id);
  throw new Problem('version.stale', `${_id} is at version ${now.version}, not ${expected}`, {
    expected,
    actual: now.version,
  });
}

/** A mark, not an empty collection, says whether seeding is over: a crash after five of twelve tenants must not end it. */
async function seedingDue(tenants: Collection<TenantRecord>, marks: Collection<SeedMark>): Promise<boolean> {
  const mark = await marks.findOne({ _id: SEED_MARK });
  if (mark) return !mark.done;
  const empty = (await tenants.findOne({})) === null;
  try {
    await marks.insertOne({ _id: SEED_MARK, done: !empty });
    return empty;
  } catch (error) {
    // Another replica was first; its verdict stands.
    if (isDuplicateKey(error)) return seedingDue(tenants, marks);
    throw error;
  }
}

function unknown(id: string): never {
  throw new Problem('tenant.unknown', `there is no tenant ${id}`);
}
