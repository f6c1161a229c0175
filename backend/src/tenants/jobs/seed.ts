/** First start: the tenants that configuration names are provisioned, by several replicas at once and through any crash. */
import { PLACED_KINDS, Problem, type Placement, type ServiceKind } from '@cloudlysis/contract';
import { createProvisioning, type Provisioning } from './provisioning.ts';
import type { TenantJobParts } from './job-parts.ts';
import { completeMetadata, newTenant, SEED_JOB, type TenantRecord } from '../directory/tenants.ts';

/**
 * Provisions each configured tenant, unless seeding has ended before. Call it again when it throws: it goes on where
 * it stopped. Nodes need not be there yet; until they are, the tenants are degraded and say so.
 * @throws Problem `store.unavailable` | `bus.unavailable` | `shard.unknown` when a kind has no shard
 * @returns how many tenants it brought to life
 */
export async function seedTenants(tenantIds: readonly string[], parts: TenantJobParts): Promise<number> {
  if (!(await parts.store.seedingDue())) return 0;
  const provisioning = createProvisioning(parts);
  if (tenantIds.length) await parts.nats.ensureStreams();
  let seeded = 0;
  for (const id of tenantIds) if (await seedOne(id, parts, provisioning)) seeded += 1;
  await parts.store.seeded();
  return seeded;
}

async function seedOne(id: string, parts: TenantJobParts, provisioning: Provisioning): Promise<boolean> {
  const record = await recordOf(id, parts);
  // Live already, or an operator's own tenant of that name.
  if (record.phase !== 'provisioning' || record.job_id !== SEED_JOB) return false;
  await provisioning.ensureConsumers(id);
  await seedFlag(id, parts, provisioning);
  for (const kind of PLACED_KINDS) await placeOnce(id, kind, parts);
  return goLive(record, parts);
}

async function recordOf(
  id: string,
  { store, ambient, environment, writes, audit }: TenantJobParts,
): Promise<TenantRecord> {
  const found = await store.find(id);
  if (found) return found;
  const metadata = completeMetadata({ name: nameOf(id) }, environment.id);
  await audit.append({
    code: 'tenant.seeded',
    action: 'tenants.create',
    actor: 'system:configuration',
    resource: `tenant:${id}`,
    tenantId: id,
    outcome: 'requested',
    reason: 'Named by the configuration at first start',
    after: metadata,
  });
  try {
    const record = await store.insert(newTenant(id, metadata, SEED_JOB, ambient.now()));
    writes.wrote(record);
    return record;
  } catch (error) {
    if (error instanceof Problem && error.code === 'tenant.exists') return store.get(id);
    throw error;
  }
}

/** `acme-corp` → `Acme Corp`. */
const nameOf = (id: string): string =>
  id
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join(' ');

/** Another replica that raised the flag meanwhile has done this one's work. */
async function seedFlag(id: string, { flag }: TenantJobParts, provisioning: Provisioning): Promise<void> {
  await provisioning.ensureFlag(id, await flag.intend(id));
}

async function placeOnce(id: string, kind: ServiceKind, { placement }: TenantJobParts): Promise<Placement> {
  const existing = async (): Promise<Placement | undefined> =>
    (await placement.of(id)).find((placed) => placed.kind === kind);
  const placed = await existing();
  const shard = placed ? await placement.shard(placed.shard_id) : await placement.leastLoaded(kind);
  if (!shard) throw new Problem('shard.unknown', `there is no shard for ${kind} to place ${id} on`);
  try {
    // Also where it is placed already: assigning again publishes what a crash left unpublished.
    return await placement.assign(id, kind, shard.shard_id, SEED_JOB);
  } catch (error) {
    // Another replica chose another shard; its choice stands.
    const other = error instanceof Problem && error.code === 'version.stale' ? await existing() : undefined;
    if (other) return other;
    throw error;
  }
}

async function goLive(record: TenantRecord, { store, ambient, writes }: TenantJobParts): Promise<boolean> {
  const now = ambient.now();
  try {
    writes.wrote(await store.save({ ...record, phase: 'live', state_since: now, updated_at: now }, record.version));
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'version.stale') return false;
    throw error;
  }
}
