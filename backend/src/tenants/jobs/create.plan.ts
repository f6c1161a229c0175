/** The preflight of a new tenant: which shards it would live on, whether they can take it, and all that would be made. */
import { PLACED_KINDS, Problem, type Change, type Check, type ServiceKind, type Shard } from '@cloudlysis/contract';
import { touched } from '../../jobs/define/blast-radius.ts';
import type { InputOf } from '../../call/call.ts';
import type { PlanDraft } from '../../jobs/define/definition.ts';
import type { PlacementBook } from '../../placement/record/placement-book.ts';
import { consumerNames } from '../../ports/nats/index.ts';
import type { TenantJobParts } from './job-parts.ts';
import { busCheck, consumersCheck, laneCheck, laneOf, nodesCheck } from './preflight-checks.ts';
import { blocked, passed } from '../../jobs/plan/checks.ts';
import type { ShardChoice } from './provisioning.ts';
import { completeMetadata, SEED_JOB } from '../directory/tenants.ts';

type CreateInput = InputOf<'tenants.create'>;

interface Chosen {
  readonly kind: ServiceKind;
  /** Null where no shard of the kind exists. */
  readonly shard: Shard | null;
}

/** @throws Problem `tenant.exists` | `shard.unknown` | `shard.kind_mismatch` */
export async function planCreation(
  input: CreateInput,
  jobId: string | null,
  parts: TenantJobParts,
): Promise<PlanDraft<ShardChoice> & { readonly decision: ShardChoice }> {
  const { tenant_id } = input;
  const { placement, jobs, nats, environment } = parts;
  const free = await idCheck(tenant_id, jobId, parts);
  const chosen = await chooseShards(input, placement);
  const [lane, bus, room, counts, leftovers, gateways] = await Promise.all([
    laneCheck(jobs, tenant_id, jobId),
    busCheck(nats),
    consumersCheck(tenant_id, nats),
    placement.counts(),
    placement.of(tenant_id),
    // Nothing is placed yet: what is asked is the gateways, which have to route it at the end.
    nodesCheck(parts.serving, tenant_id),
  ]);
  const takesOver = free.status === 'warn';
  const unplaced = leftovers.length && !takesOver ? [leftoverCheck(tenant_id, leftovers.length)] : [];
  return {
    checks: [
      free,
      lane,
      bus,
      gateways,
      ...room,
      ...unplaced,
      ...chosen.flatMap((choice) => shardChecks(choice, counts, placement)),
    ],
    diff: additions(tenant_id, chosen, completeMetadata(input.metadata, environment.id)),
    blastRadius: touched('tenant', [tenant_id]),
    rollback: 'What was made is taken away in reverse order; once it lives, archive stops it and keeps its data.',
    decision: Object.fromEntries(chosen.flatMap(({ kind, shard }) => (shard ? [[kind, shard.shard_id]] : []))),
  };
}

async function idCheck(tenantId: string, jobId: string | null, { store, jobs }: TenantJobParts): Promise<Check> {
  const title = 'The id is free';
  const found = await store.find(tenantId);
  if (!found || found.job_id === jobId) return passed('tenant.id_free', title, `there is no tenant ${tenantId}`);
  const isLeftover = found.phase === 'provisioning' && found.job_id !== SEED_JOB;
  if (!isLeftover || (await jobs.holderOf(laneOf(tenantId), jobId))) {
    throw new Problem('tenant.exists', `there is a tenant ${tenantId} already`);
  }
  const detail = `${found.job_id} ended without undoing all of it; what it left is cleared away first`;
  return { ...passed('tenant.id_free', title, detail, found.job_id), status: 'warn' };
}

async function chooseShards({ shards: told = {} }: CreateInput, placement: PlacementBook): Promise<Chosen[]> {
  const kinds: ServiceKind[] = [...PLACED_KINDS, ...(told.gateway ? (['gateway'] as const) : [])];
  return Promise.all(
    kinds.map(async (kind): Promise<Chosen> => {
      const id = told[kind];
      if (id === undefined) return { kind, shard: await placement.leastLoaded(kind) };
      const shard = await placement.shard(id);
      if (shard.kind !== kind)
        throw new Problem('shard.kind_mismatch', `${id} is a shard for ${shard.kind}, not ${kind}`);
      return { kind, shard };
    }),
  );
}

function shardChecks({ kind, shard }: Chosen, counts: ReadonlyMap<string, number>, placement: PlacementBook): Check[] {
  if (!shard) return [blocked(`shard.${kind}`, `A shard for ${kind} exists`, `there is no shard for ${kind}`, 0)];
  const { shard_id, capacity } = shard;
  const after = (counts.get(shard_id) ?? 0) + 1;
  const fits = after <= capacity.tenants;
  const detail = `${shard_id} would hold ${after} of ${capacity.tenants} tenants`;
  const room: Check = {
    ...(fits ? passed : blocked)(`capacity.${kind}`, `${shard_id} has room`, detail, after),
    limit: capacity.tenants,
    unit: 'tenants',
  };
  return [room, readinessCheck(kind, shard_id, placement)];
}

function readinessCheck(kind: ServiceKind, shardId: string, placement: PlacementBook): Check {
  const [id, title] = [`ready.${kind}`, `${shardId} is ready`];
  const report = placement.reports().get(shardId);
  if (!report) return { ...passed(id, title, `${shardId} was not asked yet`, null), status: 'warn' };
  if (report.problem) return blocked(id, title, `${shardId}: ${report.problem}`, 'unreachable');
  if (report.state?.draining) return blocked(id, title, `${shardId} is being drained`, 'draining');
  if (report.readiness && !report.readiness.ready) return blocked(id, title, `${shardId} is not ready`, 'not-ready');
  return passed(id, title, `${shardId} is ready`, 'ready');
}

const leftoverCheck = (tenantId: string, count: number): Check =>
  blocked('placement.none', 'It is placed nowhere', `${tenantId} has ${count} placements but no record`, count);

function additions(tenantId: string, chosen: readonly Chosen[], metadata: unknown): Change[] {
  const add = (path: string, after: unknown): Change => ({ op: 'add', path, before: null, after });
  return [
    add(`tenants.${tenantId}.metadata`, metadata),
    ...consumerNames(tenantId).map((name) => add(`consumers.${name}`, 'EVENTS')),
    add(`config.tenants.${tenantId}.paused`, false),
    ...chosen.flatMap(({ kind, shard }) =>
      shard ? [add(`placement.${kind}.${tenantId}.shard_id`, shard.shard_id)] : [],
    ),
  ];
}
