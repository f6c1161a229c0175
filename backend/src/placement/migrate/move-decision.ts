/** Pure rules of moving one tenant: what is looked at, what may move, and what would change. */
import { LAG_LIMIT } from '../record/tenants-sight.ts';
import type { Change, Check, Placement } from '@cloudlysis/contract';
import { checkOf } from '../../jobs/plan/checks.ts';
import { grouped } from '../../kernel/figures.ts';
import { capacityCheck, nodeCheck, storageCheck, type ShardSight } from '../nodes/node-checks.ts';
import { routePlanChecks, type RouteSight } from '../nodes/gateways.ts';
import { goneChecks, sourceChecks } from '../nodes/gone-source-checks.ts';
import { tenantOn } from '../../ports/nodes/index.ts';
import type { TenantSight } from '../record/tenants-sight.ts';
import { laneCheck } from '../../jobs/plan/lanes.ts';

export interface MoveLimits {
  readonly inFlight: number;
  readonly lag: number;
  readonly drainTimeoutMs: number;
}

export interface LimitInput {
  readonly max_in_flight?: number | undefined;
  readonly max_consumer_lag?: number | undefined;
  readonly drain_timeout_s?: number | undefined;
}

/** SCL-08, SCL-10, SCL-11: 100 commands, 5 000 events, 30 s unless told. */
export const limitsOf = (input: LimitInput): MoveLimits => ({
  inFlight: input.max_in_flight ?? 100,
  lag: input.max_consumer_lag ?? LAG_LIMIT,
  drainTimeoutMs: (input.drain_timeout_s ?? 30) * 1_000,
});

export interface ConsumerSight {
  readonly kind: 'projection' | 'runner';
  /** Where the consumer's tenant lives; null when it is not placed for that kind. */
  readonly shardId: string | null;
  /** Null when the consumer does not exist: then nothing is behind. */
  readonly lag: number | null;
}

/** Everything the decision is made on. */
export interface MoveSight {
  readonly tenantId: string;
  readonly tenant: TenantSight;
  readonly placement: Placement;
  readonly source: ShardSight;
  /** The drain of the tenant there, in words; null when none was ordered. */
  readonly ordered: string | null;
  /** The operator says that the source is gone. */
  readonly sourceGone: boolean;
  readonly target: ShardSight;
  /** Tenants placed on the target now. */
  readonly targetTenants: number;
  /** Why JetStream could not be asked; null when it was. */
  readonly busProblem: string | null;
  readonly consumers: readonly ConsumerSight[];
  /** The sentence why the placement has drifted; null when it has not. */
  readonly drift: string | null;
  /** The job that holds the tenant's lane, in words; null when it is free. */
  readonly laneHolder: string | null;
  /** The job that empties or drains the target, in words; null when it stays. */
  readonly targetLeaving: string | null;
  /** What each gateway says of the tenant; none for a kind that gateways do not route to. */
  readonly gateways: readonly RouteSight[];
}

export interface MoveDecision {
  readonly checks: readonly Check[];
  readonly diff: readonly Change[];
}

export function decideMigration(now: MoveSight, limits: MoveLimits): MoveDecision {
  const { source, target, sourceGone } = now;
  const { kind } = now.placement;
  const [reachable, ...stored] = sourceChecks(source);
  const checks = [
    tenantCheck(now),
    ...drainCheck(now),
    laneCheck(`tenant:${now.tenantId}`, now.laneHolder),
    ...(sourceGone ? goneChecks(source, kind) : [reachable!]),
    nodeCheck('target', target),
    readyCheck(target),
    stayingCheck(now),
    ...(sourceGone ? [] : stored),
    storageCheck('target', target),
    ...(sourceGone ? [] : [inFlightCheck(now, limits.inFlight)]),
    ...lagChecks(now, limits.lag),
    capacityCheck('target.capacity', target.shard, now.targetTenants + 1),
    driftCheck(now.drift),
    ...routePlanChecks(now.gateways, now.placement),
  ];
  return { checks, diff: moveDiff(now.placement, target.shard.shard_id) };
}

export const moveDiff = ({ kind, tenant_id, shard_id, revision }: Placement, to: string): Change[] => {
  const path = `placement.${kind}.${tenant_id}`;
  return [
    { op: 'replace', path: `${path}.shard_id`, before: shard_id, after: to },
    { op: 'replace', path: `${path}.revision`, before: revision, after: revision + 1 },
  ];
};

const NOT_MOVABLE = ['provisioning', 'archived'];
/** Moving mends none of these, and a drained or paused tenant moves without a pause of its own. */
const WORTH_SAYING = ['suspended', 'degraded', 'draining'];

export const isMovable = ({ state }: Pick<TenantSight, 'state'>): boolean => !NOT_MOVABLE.includes(state);

function tenantCheck({ tenantId, tenant }: MoveSight): Check {
  const status = !isMovable(tenant) ? 'block' : WORTH_SAYING.includes(tenant.state) ? 'warn' : 'pass';
  const detail = `${tenantId} is ${tenant.state}: ${tenant.reason}`;
  return checkOf('tenant.active', 'The tenant is active', status, { measured: tenant.state, limit: 'active', detail });
}

function drainCheck({ tenantId, ordered, source, target }: MoveSight): Check[] {
  if (ordered === null) return [];
  const { shard_id } = source.shard;
  const detail = `drained on ${shard_id} ${ordered}: the move ends that drain, and ${tenantId} is served on ${target.shard.shard_id}`;
  return [
    checkOf('tenant.drained', 'A drain ends with the move', 'warn', { measured: 'drained', limit: null, detail }),
  ];
}

function readyCheck({ shard, readiness, state, problem }: ShardSight): Check {
  const failing = readiness?.dependencies.filter((one) => !one.ok) ?? [];
  const why = failing.map((one) => `${one.name}: ${one.detail ?? 'not ok'}`).join('; ');
  const trouble = !readiness
    ? (problem ?? 'it did not answer')
    : !readiness.ready
      ? why || 'it says so'
      : state?.draining
        ? 'the whole node drains'
        : null;
  const detail = trouble === null ? `${shard.shard_id} is ready` : `${shard.shard_id} is not ready: ${trouble}`;
  const values = { measured: trouble === null, limit: true, detail };
  return checkOf('target.ready', 'The target is ready to serve', trouble === null ? 'pass' : 'block', values);
}

function stayingCheck({ target, targetLeaving }: MoveSight): Check {
  const id = target.shard.shard_id;
  const detail = targetLeaving ? `${targetLeaving} takes ${id} out of service` : `nothing takes ${id} out of service`;
  const values = { measured: targetLeaving, limit: null, detail };
  return checkOf('target.staying', 'The target stays in service', targetLeaving ? 'block' : 'pass', values);
}

/** SCL-08. */
function inFlightCheck({ tenantId, source }: MoveSight, limit: number): Check {
  const title = 'Work in flight is low enough to drain';
  const there = tenantOn(source.state, tenantId);
  if (!source.state) {
    const detail = `${source.shard.shard_id} did not say what is in flight`;
    return checkOf('drain.in_flight', title, 'block', { measured: null, limit, detail });
  }
  const measured = there?.in_flight ?? 0;
  const over = measured > limit;
  const detail = `in flight ${grouped(measured)} ${over ? '>' : '≤'} ${grouped(limit)}`;
  return checkOf('drain.in_flight', title, over ? 'block' : 'pass', { measured, limit, unit: 'commands', detail });
}

/** SCL-10: both consumers, whatever moves; a tenant that is behind is not moved on top of it. */
function lagChecks({ consumers, busProblem, sourceGone }: MoveSight, limit: number): Check[] {
  const title = 'Consumers have caught up';
  if (busProblem !== null) {
    return [checkOf('lag.consumer', title, 'block', { measured: null, limit, detail: busProblem })];
  }
  return consumers.map(({ kind, shardId, lag }) => {
    const where = shardId === null ? kind : `${kind}/${shardId}`;
    if (lag === null) {
      const detail = `${where} has no consumer yet, so nothing is behind`;
      return checkOf(`lag.${kind}`, title, 'pass', { measured: null, limit, unit: 'events', detail });
    }
    const over = lag > limit;
    const detail = `consumer lag ${grouped(lag)} ${over ? '>' : '≤'} ${grouped(limit)} on ${where}`;
    // It grows for as long as a dead node is waited for: the move is what ends it.
    const verdict = over ? (sourceGone ? 'warn' : 'block') : 'pass';
    return checkOf(`lag.${kind}`, title, verdict, { measured: lag, limit, unit: 'events', detail });
  });
}

function driftCheck(drift: string | null): Check {
  const detail = drift ?? 'record, publication and nodes agree';
  const title = 'The placement has not drifted';
  return checkOf('drift.none', title, drift ? 'block' : 'pass', { measured: drift, limit: null, detail });
}
