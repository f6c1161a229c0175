/** What can be asked about placement: shards with load and health, placements, drift, drains. */
import type { Drain, Placement, ShardView } from '@cloudlysis/contract';
import type { z } from 'zod';
import type { ReadHandlers } from '../call.ts';
import { decodeCursor, encodeCursor } from '../paging.ts';
import type { Visible } from '../principal.ts';
import type { PlacementDeps } from './deps.ts';
import { nodeHealth } from './node-health.ts';
import type { NodeReport } from './placement-book.ts';
import { shardOf, type ShardRecord } from './placement.store.ts';

export type PlacementReads = ReadHandlers<
  'scale.shards.list' | 'scale.placements.list' | 'scale.drift.get' | 'scale.drains.list'
>;
type DrainView = z.infer<typeof Drain>;

export function placementHandlers(deps: PlacementDeps): PlacementReads {
  const { store, book, mirror, drift } = deps;
  return {
    'scale.shards.list': async ({ query }) => {
      const [records, counts] = await Promise.all([store.shards(), book.counts()]);
      const page = pageAfter(
        records.filter(({ kind }) => query.kind === undefined || kind === query.kind),
        ({ _id }) => _id,
        query,
      );
      const views = page.items.map((record) =>
        view(record, counts.get(record._id) ?? 0, book.reports().get(record._id)),
      );
      return { items: views, next_cursor: page.next_cursor };
    },
    'scale.placements.list': async ({ query, visible }) => {
      const { tenant_id, kind, shard_id } = query;
      const matches = (placement: Placement): boolean =>
        (tenant_id === undefined || placement.tenant_id === tenant_id) &&
        (kind === undefined || placement.kind === kind) &&
        (shard_id === undefined || placement.shard_id === shard_id) &&
        sees(visible, placement.tenant_id);
      return pageAfter((await mirror.placements()).filter(matches), positionOf, query);
    },
    'scale.drift.get': ({ signal }) => drift.survey(signal),
    'scale.drains.list': async () => ({ items: drains(await store.shards(), book.reports()) }),
  };
}

const sees = (visible: Visible, tenantId: string): boolean => visible === 'all' || visible.has(tenantId);

/** A space sorts before every character of an id, so positions sort as tenants do, then as kinds do. */
const positionOf = ({ tenant_id, kind }: Placement): string => `${tenant_id} ${kind}`;

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

function view(record: ShardRecord, tenants: number, report: NodeReport | undefined): ShardView {
  const load = Math.round((tenants / record.capacity.tenants) * 1_000) / 1_000;
  return { ...shardOf(record), tenants, load, health: nodeHealth(report), version: record.version };
}

function drains(shards: readonly ShardRecord[], reports: ReadonlyMap<string, NodeReport>): DrainView[] {
  return shards.flatMap(({ _id: shard_id, kind }): DrainView[] => {
    const state = reports.get(shard_id)?.state;
    if (!state) return [{ shard_id, kind, tenant_id: null, state: 'unreachable', in_flight: null }];
    const total = state.tenants.reduce((sum, { in_flight }) => sum + in_flight, 0);
    const whole: DrainView[] = state.draining
      ? [{ shard_id, kind, tenant_id: null, state: total > 0 ? 'draining' : 'drained', in_flight: total }]
      : [];
    const tenants = state.tenants
      .filter((tenant) => tenant.state === 'draining' || tenant.state === 'drained')
      .map((tenant) => ({
        shard_id,
        kind,
        tenant_id: tenant.tenant_id,
        state: tenant.state,
        in_flight: tenant.in_flight,
      }));
    return [...whole, ...tenants];
  });
}
