/** The plan of a change to many tenants: who may be changed, who would feel it, and what would be different. */
import type { BlastRadius, Change, Check } from '@cloudlysis/contract';
import { busCheck, laneOf } from './preflight-checks.ts';
import { blocked, passed } from '../../jobs/plan/checks.ts';
import { inFlightOf, touchedTenants } from '../../placement/index.ts';
import type { TenantJobParts } from './job-parts.ts';
import { refusalOf, type LifecycleKind, type TenantRecord } from '../directory/tenants.ts';

export interface BulkInput {
  readonly tenant_ids: readonly string[];
  readonly concurrency?: number | undefined;
  readonly reason: string;
}

/** What is said of the changes; `kind` is that of the children. */
export interface BulkWords {
  readonly kind: LifecycleKind & ('tenants.pause' | 'tenants.resume' | 'tenants.archive');
  readonly rollback: string;
}

export async function planBulk(
  { kind, rollback }: BulkWords,
  input: BulkInput,
  jobId: string | null,
  parts: TenantJobParts,
) {
  const ids = [...input.tenant_ids].sort();
  const [records, holders, bus] = await Promise.all([
    parts.store.some(ids),
    Promise.all(ids.map((id) => parts.jobs.holderOf(laneOf(id), jobId))),
    busCheck(parts.nats),
  ]);
  const known = new Map(records.map((record) => [record._id, record]));
  const refusals = ids.flatMap((id, index): Check[] => {
    const detail = refusalOfOne(kind, id, known.get(id), holders[index] ?? null, parts.ambient.now());
    return detail === null ? [] : [blocked(`tenant.${id}`, `${id} can be changed`, detail)];
  });
  const ready = ids.length - refusals.length;
  return {
    checks: [
      {
        ...passed(
          'tenants.ready',
          'Tenants that can be changed',
          `${ready} of ${ids.length} tenants can be changed`,
          ready,
        ),
        limit: ids.length,
        unit: 'tenants',
        status: refusals.length ? 'block' : 'pass',
      } as Check,
      ...refusals,
      bus,
      await nodesCheck(ids, parts),
    ],
    diff: records.flatMap((record) => diffOf(kind, record, parts.config.ARCHIVE_COOLING_DAYS)),
    blastRadius: blastOf(ids, known, parts),
    rollback,
    world: records.map(({ _id, version }) => [_id, version]),
  };
}

type Holder = Awaited<ReturnType<TenantJobParts['jobs']['holderOf']>>;

function refusalOfOne(
  kind: LifecycleKind,
  id: string,
  record: TenantRecord | undefined,
  holder: Holder,
  now: Date,
): string | null {
  if (!record) return `there is no tenant ${id}`;
  const refusal = refusalOf(kind, record, now);
  if (refusal !== null || !holder) return refusal;
  return `${holder.jobId} (${holder.kind}, asked for by ${holder.actor}) is working on ${id}`;
}

/** From the last reports, 2 s old at most: 200 tenants on four nodes would be 800 questions with the same answers. */
async function nodesCheck(ids: readonly string[], { placement }: TenantJobParts): Promise<Check> {
  // The records themselves, in one query: a copy that is behind would ask other nodes than those that serve them.
  const [placements, gateways] = await Promise.all([
    Promise.all(ids.map((id) => placement.of(id))),
    placement.shards('gateway'),
  ]);
  const serving = new Set([
    ...placements.flat().map(({ shard_id }) => shard_id),
    ...gateways.map(({ shard_id }) => shard_id),
  ]);
  const reports = placement.reports();
  const silent = [...serving].flatMap((id) => {
    const problem = reports.has(id) ? reports.get(id)!.problem : 'it was not asked yet';
    return problem === null ? [] : [`${id}: ${problem}`];
  });
  const detail = silent.length
    ? `${silent.join('; ')}; a tenant whose nodes do not all confirm its change is left as it was`
    : `all ${serving.size} nodes that serve them answer`;
  return {
    ...passed('nodes.answer', 'The nodes that serve the tenants answer', detail, serving.size - silent.length),
    limit: serving.size,
    unit: 'nodes',
    status: silent.length ? 'warn' : 'pass',
  };
}

/** Without the reason: a plan is shown before anybody has said why. */
function diffOf(kind: BulkWords['kind'], { _id, paused, phase }: TenantRecord, coolingDays: number): Change[] {
  const replace = (field: string, before: unknown, after: unknown): Change => ({
    op: 'replace',
    path: `tenants.${_id}.${field}`,
    before,
    after,
  });
  if (kind !== 'tenants.archive') return [replace('paused', paused !== null, kind === 'tenants.pause')];
  return [replace('phase', phase, 'archived'), replace('purge_after', null, `${coolingDays} days after the job ends`)];
}

function blastOf(ids: readonly string[], known: ReadonlyMap<string, TenantRecord>, parts: TenantJobParts): BlastRadius {
  const flowing = ids.filter((id) => known.has(id) && !known.get(id)!.paused && !known.get(id)!.archived);
  return touchedTenants(ids, inFlightOf(flowing, parts.placement.reports()), parts, flowing);
}
