/** Looks at everything a move is decided on: record, publication, both nodes, JetStream, the lane; one moment, in parallel. */
import { Problem, type Placement, type ServiceKind, type Source } from '@cloudlysis/contract';
import type { JobReader } from '../../jobs/record/job-reader.ts';
import type { PlanCaller } from '../../jobs/define/definition.ts';
import type { PlacementDeps } from './placement-deps.ts';
import { askedBy } from '../record/drain-orders.ts';
import { driftOf } from '../drift/drift.ts';
import { answeredOf, reportersOf } from '../drift/drift-survey.ts';
import { routesNow, routesTo, type RouteSight } from '../nodes/gateways.ts';
import type { ShardSight } from '../nodes/node-checks.ts';
import type { ConsumerSight, MoveSight } from './move-decision.ts';
import type { TenantSight } from '../record/tenants-sight.ts';
import { placementKeyOf } from '../record/stored-placement.ts';
import { placementOf, shardAt } from '../record/placement.store.ts';
import { inWords, laneHolder } from '../../jobs/plan/lanes.ts';

export interface MoveInput {
  readonly tenant_id: string;
  readonly kind: ServiceKind;
  readonly to: string;
  readonly source?: Source | undefined;
}

/**
 * @throws Problem when there is nothing to decide: `placement.read_only`, `tenant.unknown`, `shard.unknown`,
 * `shard.kind_mismatch`, `placement.unknown`, `placement.unchanged`
 */
export async function surveyMove(
  deps: PlacementDeps,
  input: MoveInput,
  { jobId, seesAll = false }: Pick<PlanCaller, 'jobId' | 'seesAll'>,
): Promise<MoveSight> {
  if (deps.readOnly) throw new Problem('placement.read_only');
  const { tenant, placement } = await movable(deps, input);
  const target = await shardAt(deps, input.to);
  if (target.kind !== input.kind) {
    throw new Problem('shard.kind_mismatch', `${input.to} serves ${target.kind}, not ${input.kind}`);
  }
  if (placement.shard_id === input.to) {
    throw new Problem('placement.unchanged', `${input.tenant_id} is on ${input.to} for ${input.kind} already`);
  }
  const source = await shardAt(deps, placement.shard_id);
  await deps.mirror.copy.trusted();
  const [from, to, bus, counts, holder, leaving, gateways, order] = await Promise.all([
    deps.watch.look(source),
    deps.watch.look(target),
    askBus(deps, placement),
    deps.book.counts(),
    laneHolder(deps.jobs, `tenant:${input.tenant_id}`, jobId),
    leavingJob(deps.jobs, input.to, seesAll),
    routesSettled(deps, placement),
    deps.drains.find(placement.shard_id, input.tenant_id),
  ]);
  return {
    tenantId: input.tenant_id,
    tenant: { state: tenant.state, reason: seesAll ? tenant.reason : (tenant.outline ?? tenant.reason) },
    placement,
    source: from,
    ordered: order?.wanted === 'drained' ? askedBy(order) : null,
    sourceGone: input.source === 'gone',
    target: to,
    targetTenants: counts.get(input.to) ?? 0,
    busProblem: bus.problem,
    consumers: bus.consumers,
    drift: bus.problem === null ? driftNow(placement, bus.published, [from, to]) : null,
    laneHolder: holder,
    targetLeaving: leaving,
    gateways,
  };
}

/** Long enough for a gateway to hear of what was published a moment ago. */
const SECOND_LOOK_MS = 300;

async function routesSettled(deps: PlacementDeps, placement: Placement): Promise<RouteSight[]> {
  const first = await routesNow(deps, placement);
  if (first.every((sight) => sight.answer !== 'told' || routesTo(placement)(sight))) return first;
  await deps.ambient.sleep(SECOND_LOOK_MS);
  return routesNow(deps, placement);
}

async function movable(deps: PlacementDeps, input: MoveInput): Promise<{ tenant: TenantSight; placement: Placement }> {
  const { tenant_id, kind } = input;
  const [tenant, record] = await Promise.all([deps.tenantState(tenant_id), deps.store.find(kind, tenant_id)]);
  if (!tenant) throw new Problem('tenant.unknown', `there is no tenant ${tenant_id}`);
  const placement = record && placementOf(record);
  if (!placement) throw new Problem('placement.unknown', `${tenant_id} has no placement of kind ${kind}`);
  return { tenant, placement };
}

/** A job of the platform: whoever may see one tenant is told what it does, and not whose it is. */
async function leavingJob(jobs: JobReader, shardId: string, seesAll: boolean): Promise<string | null> {
  const holder = await jobs.holderOf(`shard:${shardId}`, null);
  if (holder?.kind !== 'scale.evacuate' && holder?.kind !== 'scale.drain') return null;
  return seesAll ? inWords(holder) : `a job of the platform (${holder.kind})`;
}

interface BusSight {
  readonly problem: string | null;
  readonly consumers: readonly ConsumerSight[];
  readonly published: Awaited<ReturnType<PlacementDeps['nats']['placement']['get']>>;
}

/** NATS away is a blocked check, not an error: the plan still says everything else. */
async function askBus({ nats, store }: PlacementDeps, placement: Placement): Promise<BusSight> {
  const { tenant_id, kind } = placement;
  try {
    const [published, projection, runner, records] = await Promise.all([
      nats.placement.get(placementKeyOf(kind, tenant_id)),
      nats.consumer(tenant_id, 'projection'),
      nats.consumer(tenant_id, 'runner'),
      store.ofTenants([tenant_id]),
    ]);
    const home = (of: ServiceKind): string | null => records.find((record) => record.kind === of)?.shard_id ?? null;
    const consumers = [
      { kind: 'projection', shardId: home('projection'), lag: projection?.lag ?? null },
      { kind: 'runner', shardId: home('runner'), lag: runner?.lag ?? null },
    ] as const;
    return { problem: null, consumers, published };
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'bus.unavailable') throw error;
    return { problem: error.message, consumers: [], published: null };
  }
}

function driftNow(placement: Placement, published: BusSight['published'], sights: ShardSight[]): string | null {
  const { kind, tenant_id, shard_id, revision } = placement;
  const drift = driftOf({
    tenantId: tenant_id,
    kind,
    recorded: { shardId: shard_id, revision },
    published: published?.value ?? null,
    reported: reportersOf(sights).get(placementKeyOf(kind, tenant_id)) ?? [],
    // Gateways are asked for this one tenant, with a check of their own.
    routed: [],
    answered: answeredOf(sights),
    readOnly: false,
  });
  return drift && `${placementKeyOf(kind, tenant_id)}: ${drift.reason}`;
}
