/** Looks for drift everywhere: MongoDB, NATS, every node and what gateways route, read together and, where they disagree, read once more. */
import { Problem, type Drift, type ServiceKind } from '@cloudlysis/contract';
import type { JobReader } from '../../jobs/record/job-reader.ts';
import type { NatsPort, PublishedPlacement } from '../../ports/nats/index.ts';
import type { NodeRoute, NodesPort } from '../../ports/nodes/index.ts';
import type { Ambient } from '../../kernel/ambient.ts';
import { driftOf, type Agreement, type Reporter, type Routed } from './drift.ts';
import { isRouted } from '../nodes/gateways.ts';
import type { NodeWatch } from '../nodes/node-watch.ts';
import type { ShardSight } from '../nodes/node-checks.ts';
import { placementKeyOf, type PlacementRecord } from '../record/stored-placement.ts';
import type { PlacementStore } from '../record/placement.store.ts';

const MAX_ITEMS = 1_000;
/** Long enough for a node to hear of a placement that was published between the first readings. */
const SECOND_LOOK_MS = 300;
const KINDS: readonly string[] = ['aggregate', 'projection', 'runner', 'gateway'] satisfies ServiceKind[];

export interface DriftSurvey {
  readonly items: Drift[];
  readonly checked: number;
  /** Shards whose node did not answer. */
  readonly unreachable: string[];
}

export interface FullSurvey extends DriftSurvey {
  /** Highest revision that any node or gateway reports of a placement. */
  readonly held: ReadonlyMap<string, number>;
}

export interface DriftSurveyor {
  /** At most 1 000 items. @throws Problem `bus.unavailable` */
  survey(signal?: AbortSignal): Promise<DriftSurvey>;
  /** All of it, for who mends it. @throws Problem `bus.unavailable` */
  full(signal?: AbortSignal): Promise<FullSurvey>;
}

export interface DriftSurveyDeps {
  readonly store: PlacementStore;
  readonly nats: NatsPort;
  readonly watch: NodeWatch;
  readonly nodes: NodesPort;
  readonly jobs: JobReader;
  readonly ambient: Ambient;
  readonly readOnly: boolean;
}

export function createDriftSurveyor(deps: DriftSurveyDeps): DriftSurveyor {
  const full = async (signal?: AbortSignal): Promise<FullSurvey> => {
    const first = await look(deps, signal);
    if (first.items.length === 0) return first;
    // A job may have moved a tenant while we read one place after the other: only what stays is drift.
    await deps.ambient.sleep(SECOND_LOOK_MS, signal);
    const second = await look(deps, signal);
    const before = new Set(first.items.map(({ kind, tenant_id }) => placementKeyOf(kind, tenant_id)));
    const items = second.items.filter(({ kind, tenant_id }) => before.has(placementKeyOf(kind, tenant_id)));
    return { ...second, items };
  };
  return {
    full,
    async survey(signal) {
      const { items, checked, unreachable } = await full(signal);
      return { items: items.slice(0, MAX_ITEMS), checked, unreachable };
    },
  };
}

async function look(deps: DriftSurveyDeps, signal?: AbortSignal): Promise<FullSurvey> {
  const { store, nats, watch, jobs, readOnly } = deps;
  const [[sights, routes], records, entries, active] = await Promise.all([
    watch.lookAll(signal).then(async (seen) => [seen, await routesOf(deps, seen, signal)] as const),
    store.all(),
    nats.placement.all(),
    jobs.active(),
  ]);
  const recorded = new Map(records.map((record) => [record._id, record]));
  const published = new Map(entries.map(({ key, value }) => [key, value]));
  const reported = reportersOf(sights);
  const answered = answeredOf(sights);
  const moving = new Set(active.map(({ tenantId }) => tenantId));
  const routed = [...routes.values()].flatMap((table) => [...(table?.keys() ?? [])]);
  const keys = new Set([...recorded.keys(), ...published.keys(), ...reported.keys(), ...routed]);
  const items: Drift[] = [];
  const held = new Map<string, number>();
  for (const key of keys) {
    const facts = agreement(key, { recorded, published, reported, routes, answered, readOnly });
    if (!facts) continue;
    held.set(key, Math.max(0, ...[...facts.reported, ...facts.routed].map(({ revision }) => revision)));
    // A tenant that a job is working on is in between by intention.
    const drift = moving.has(facts.tenantId) ? null : driftOf(facts);
    if (drift) items.push(drift);
  }
  const silent = sights.filter(({ shard, state }) => !state || routes.get(shard.shard_id) === null);
  return { items, checked: keys.size, unreachable: silent.map(({ shard }) => shard.shard_id), held };
}

/** By key, of each gateway; null where it did not say. */
type Routes = ReadonlyMap<string, ReadonlyMap<string, NodeRoute> | null>;

async function routesOf(
  { nodes }: DriftSurveyDeps,
  sights: readonly ShardSight[],
  signal?: AbortSignal,
): Promise<Routes> {
  const gateways = sights.filter(({ shard, state }) => shard.kind === 'gateway' && state);
  const tables = gateways.map(async ({ shard }) => {
    try {
      const routes = await nodes.at(shard).routes(signal);
      return [shard.shard_id, new Map(routes.map((route) => [`${route.kind}.${route.tenant_id}`, route]))] as const;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Problem)) throw error;
      return [shard.shard_id, null] as const;
    }
  });
  return new Map(await Promise.all(tables));
}

interface Everything {
  readonly recorded: ReadonlyMap<string, PlacementRecord>;
  readonly published: ReadonlyMap<string, PublishedPlacement>;
  readonly reported: ReadonlyMap<string, Reporter[]>;
  readonly routes: Routes;
  readonly answered: ReadonlySet<string>;
  readonly readOnly: boolean;
}

function agreement(key: string, all: Everything): Agreement | null {
  const dot = key.indexOf('.');
  const kind = key.slice(0, dot);
  if (!KINDS.includes(kind)) return null;
  const record = all.recorded.get(key);
  return {
    tenantId: key.slice(dot + 1),
    kind: kind as ServiceKind,
    recorded: record ? { shardId: record.shard_id, revision: record.revision } : null,
    published: all.published.get(key) ?? null,
    reported: all.reported.get(key) ?? [],
    routed: isRouted(kind as ServiceKind) ? routedTo(key, all.routes) : [],
    answered: all.answered,
    readOnly: all.readOnly,
  };
}

function routedTo(key: string, routes: Routes): Routed[] {
  return [...routes].flatMap(([gateway, table]) => {
    if (!table) return [];
    const route = table.get(key);
    return [{ gateway, shardId: route?.shard_id ?? null, revision: route?.revision ?? 0 }];
  });
}

export const answeredOf = (sights: readonly ShardSight[]): Set<string> =>
  new Set(sights.filter(({ state }) => state).map(({ shard }) => shard.shard_id));

/** `<kind>.<tenant>` → the nodes that hold it. Gateways hold every tenant; what they route is compared apart. */
export function reportersOf(sights: readonly ShardSight[]): Map<string, Reporter[]> {
  const reporters = new Map<string, Reporter[]>();
  for (const { shard, state } of sights) {
    if (shard.kind === 'gateway') continue;
    for (const { tenant_id, placement_revision } of state?.tenants ?? []) {
      const key = placementKeyOf(shard.kind, tenant_id);
      const known = reporters.get(key) ?? [];
      known.push({ shardId: shard.shard_id, revision: placement_revision });
      reporters.set(key, known);
    }
  }
  return reporters;
}
