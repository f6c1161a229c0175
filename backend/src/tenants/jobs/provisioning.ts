/** What a tenant stands on (TEN-10..12), made piece by piece: each piece may be made again after a crash, and taken away. */
import type { Check, Placement, ServiceKind } from '@cloudlysis/contract';
import type { PlacementBook } from '../../placement/record/placement-book.ts';
import { consumerNames, placementKey, tenantFlagsKey, type NatsPort } from '../../ports/nats/index.ts';
import { blocked, passed } from '../../jobs/plan/checks.ts';
import type { FlagIntent, TenantFlag } from '../nodes/tenant-flag.ts';

export interface ProvisioningDeps {
  readonly nats: NatsPort;
  readonly placement: PlacementBook;
  readonly flag: TenantFlag;
}

export type ShardChoice = Partial<Record<ServiceKind, string>>;

export interface Provisioning {
  /** Names of the tenant's consumers that exist now. */
  existingConsumers(tenantId: string): Promise<string[]>;
  ensureConsumers(tenantId: string): Promise<string[]>;
  /** Deletes the tenant's consumers other than `kept`. */
  dropConsumers(tenantId: string, kept: readonly string[]): Promise<void>;
  /** A flag that lets the tenant through, unless there is one. */
  ensureFlag(tenantId: string, intent: FlagIntent): Promise<{ revision: number }>;
  place(tenantId: string, shards: ShardChoice, jobId: string): Promise<Placement[]>;
  /** Takes away whatever an earlier attempt left, whoever made it. */
  clear(tenantId: string, jobId: string): Promise<void>;
  /** Post-conditions: consumers exist, the flag is there, what is recorded is published. */
  checks(tenantId: string, published: boolean): Promise<Check[]>;
}

const SEEDED = { paused: false, reason: 'provisioned' };

export function createProvisioning({ nats, placement, flag }: ProvisioningDeps): Provisioning {
  const existingConsumers = async (tenantId: string): Promise<string[]> => {
    const found = await Promise.all([nats.consumer(tenantId, 'projection'), nats.consumer(tenantId, 'runner')]);
    return found.flatMap((consumer) => (consumer ? [consumer.name] : []));
  };
  return {
    existingConsumers,
    ensureConsumers: (tenantId) => nats.ensureConsumers(tenantId),
    dropConsumers: (tenantId, kept) =>
      nats.deleteConsumers(
        tenantId,
        consumerNames(tenantId).filter((name) => !kept.includes(name)),
      ),
    ensureFlag: async (tenantId, intent) => intent.before ?? (await flag.write(tenantId, SEEDED, intent)),
    place: async (tenantId, shards, jobId) => {
      const placed: Placement[] = [];
      for (const [kind, shardId] of Object.entries(shards)) {
        placed.push(await placement.assign(tenantId, kind as ServiceKind, shardId, jobId));
      }
      return placed;
    },
    clear: async (tenantId, jobId) => {
      await placement.release(tenantId, jobId);
      await nats.config.delete(tenantFlagsKey(tenantId));
      await nats.deleteConsumers(tenantId, consumerNames(tenantId));
    },
    checks: async (tenantId, published) => {
      const [consumers, entry, recorded] = await Promise.all([
        existingConsumers(tenantId),
        flag.read(tenantId),
        placement.of(tenantId),
      ]);
      const boards = published ? await Promise.all(recorded.map((at) => publishedCheck(nats, at))) : [];
      const missing = consumerNames(tenantId).filter((name) => !consumers.includes(name));
      const consumersTitle = 'Its consumers exist';
      const flagTitle = 'Its flag lets it through';
      return [
        missing.length
          ? blocked('consumers.exist', consumersTitle, `${missing.join(', ')} missing`, consumers)
          : passed('consumers.exist', consumersTitle, `${consumers.join(', ')} exist`, consumers),
        entry && !entry.paused
          ? passed('flag.published', flagTitle, `not paused, revision ${entry.revision}`, entry.revision)
          : blocked('flag.published', flagTitle, entry ? `paused: ${entry.reason}` : 'there is no entry', null),
        ...boards,
      ];
    },
  };
}

async function publishedCheck(nats: NatsPort, { tenant_id, kind, shard_id, revision }: Placement): Promise<Check> {
  const entry = await nats.placement.get(placementKey(kind, tenant_id));
  const same = entry?.value.shard === shard_id && entry.value.revision === revision;
  const says = entry ? `${entry.value.shard} at revision ${entry.value.revision}` : 'nothing';
  const detail = `${kind}: recorded ${shard_id} at revision ${revision}, published ${says}`;
  return (same ? passed : blocked)(`placement.${kind}`, `Its ${kind} placement is published as recorded`, detail, says);
}
