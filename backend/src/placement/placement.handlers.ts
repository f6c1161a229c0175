/** What can be asked about placement: shards with load and health, placements, drift, drains. */
import type { Drain, Placement, ShardView } from '@cloudlysis/contract';
import type { ReadHandlers } from '../call/call.ts';
import { decodeCursor, encodeCursor } from '../kernel/paging.ts';
import { unreadableOf } from '../kernel/bad-records.ts';
import type { Visible } from '../call/principal.ts';
import type { PlacementDeps } from './migrate/placement-deps.ts';
import { tenantOn, type NodeState } from '../ports/nodes/index.ts';
import { orderId } from './record/drain-orders.ts';
import type { DrainOrder, ShardRecord } from './record/stored-placement.ts';
import { nodeHealth } from './nodes/node-health.ts';
import type { NodeReport } from './record/placement-book.ts';
import { positionOf } from './record/placement-mirror.ts';
import { shardOf } from './record/placement.store.ts';

export type PlacementReads = ReadHandlers<
  'scale.shards.list' | 'scale.placements.list' | 'scale.drift.get' | 'scale.drains.list'
>;

export function placementHandlers(deps: PlacementDeps): PlacementReads {
  const { environment, store, book, mirror, drift } = deps;
  const here = <T extends object>(item: T): T & { environment: string } => ({ environment, ...item });
  return {
    'scale.shards.list': async ({ query }) => {
      const [records, counts] = await Promise.all([store.shards(), book.counts()]);
      const page = pageAfter(
        records.filter(({ kind }) => query.kind === undefined || kind === query.kind),
        ({ _id }) => _id,
        query,
      );
      const views = page.items.map((record) =>
        here(view(record, counts.get(record._id) ?? 0, book.reports().get(record._id), book.drains().get(record._id))),
      );
      return { items: views, next_cursor: page.next_cursor, unreadable: [...store.unreadableShards()] };
    },
    'scale.placements.list': async ({ query, visible }) => {
      const { tenant_id, kind, shard_id } = query;
      const matches = (placement: Placement): boolean =>
        (tenant_id === undefined || placement.tenant_id === tenant_id) &&
        (kind === undefined || placement.kind === kind) &&
        (shard_id === undefined || placement.shard_id === shard_id) &&
        sees(visible, placement.tenant_id);
      const page = pageAfter((await mirror.placements()).filter(matches), positionOf, query);
      return { ...page, items: page.items.map(here), unreadable: unreadableOf(mirror.copy.unreadable()) };
    },
    'scale.drift.get': async ({ signal }) => {
      const survey = await drift.survey(signal);
      return { ...survey, items: survey.items.map(here), unreadable: unreadableOf(mirror.copy.unreadable()) };
    },
    'scale.drains.list': async () => {
      const [shards, orders] = await Promise.all([store.shards(), deps.drains.standing()]);
      const unreadable = [...store.unreadableShards(), ...deps.drains.unreadable()];
      return { items: drains(shards, book.reports(), orders).map(here), unreadable };
    },
  };
}

const sees = (visible: Visible, tenantId: string): boolean => visible === 'all' || visible.has(tenantId);

/** The page after a cursor, of items that are sorted by position already. */
function pageAfter<T>(
  items: readonly T[],
  position: (item: T) => string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): { items: T[]; next_cursor: string | null } {
  const after = cursor === undefined ? '' : decodeCursor(cursor, 'string');
  const start = firstAfter(items, position, after);
  const page = items.slice(start, start + limit);
  const last = page.at(-1);
  const isMore = start + limit < items.length;
  return { items: page, next_cursor: isMore && last !== undefined ? encodeCursor(position(last)) : null };
}

function firstAfter<T>(items: readonly T[], position: (item: T) => string, after: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (position(items[middle]!) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}

function view(
  record: ShardRecord,
  tenants: number,
  report: NodeReport | undefined,
  order: DrainOrder | undefined,
): Omit<ShardView, 'environment'> {
  const load = Math.round((tenants / record.capacity.tenants) * 1_000) / 1_000;
  return { ...shardOf(record), tenants, load, health: nodeHealth(report, order), version: record.version };
}

type Orders = ReadonlyMap<string, DrainOrder>;

/** What nodes report and what was ordered, side by side: a row for each drain that is either. */
function drains(shards: readonly ShardRecord[], reports: ReadonlyMap<string, NodeReport>, orders: Orders): Drain[] {
  return shards.flatMap((shard) => {
    const state = reports.get(shard._id)?.state ?? null;
    const single = [...orders.values()].filter(
      ({ shard_id, tenant_id }) => shard_id === shard._id && tenant_id !== null,
    );
    const reported = state?.tenants.filter((tenant) => ['draining', 'drained'].includes(tenant.state)) ?? [];
    const tenants = new Set([...single, ...reported].map(({ tenant_id }) => tenant_id!));
    const whole = nodeDrain(shard, state, orders);
    return [...(whole ? [whole] : []), ...[...tenants].sort().map((id) => tenantDrain(shard, state, id, orders))];
  });
}

function nodeDrain({ _id: shard_id, kind }: ShardRecord, state: NodeState | null, orders: Orders): Drain | null {
  const ordered = orderedOf(orders, shard_id, null);
  const about = { shard_id, kind, tenant_id: null, ordered };
  if (!state) return { ...about, state: 'unreachable', in_flight: null };
  if (!state.draining && !ordered) return null;
  const in_flight = state.tenants.reduce((sum, tenant) => sum + tenant.in_flight, 0);
  return { ...about, state: !state.draining ? 'serving' : in_flight > 0 ? 'draining' : 'drained', in_flight };
}

function tenantDrain(
  { _id: shard_id, kind }: ShardRecord,
  state: NodeState | null,
  tenant_id: string,
  orders: Orders,
): Drain {
  const there = tenantOn(state, tenant_id);
  const ordered = orderedOf(orders, shard_id, tenant_id);
  return {
    shard_id,
    kind,
    tenant_id,
    ordered,
    state: there?.state ?? 'unreachable',
    in_flight: there?.in_flight ?? null,
  };
}

function orderedOf(orders: Orders, shardId: string, tenantId: string | null): Drain['ordered'] {
  const order = orders.get(orderId(shardId, tenantId));
  if (!order) return null;
  const { job_id, by, reason, since } = order;
  return { job_id, by, reason, since: since.toISOString() };
}
