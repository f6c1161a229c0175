/** Looks for drift everywhere: MongoDB, NATS and every node, read together and, where they disagree, read once more. */
import type { Drift, ServiceKind } from '@cloudlysis/contract';
import type { JobReader } from '../jobs/job-reader.ts';
import type { NatsPort, PublishedPlacement } from '../ports/nats/index.ts';
import type { Ambient } from '../ambient.ts';
import { driftOf, type Agreement, type Reporter } from './drift.ts';
import type { NodeWatch } from './node-watch.ts';
import { placementKeyOf, type ShardSight } from './placement.ts';
import type { PlacementRecord, PlacementStore } from './placement.store.ts';

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

export interface DriftSurveyor {
  /** @throws Problem `bus.unavailable` */
  survey(signal?: AbortSignal): Promise<DriftSurvey>;
}

export interface DriftSurveyDeps {
  readonly store: PlacementStore;
  readonly nats: NatsPort;
  readonly watch: NodeWatch;
  readonly jobs: JobReader;
  readonly ambient: Ambient;
  readonly readOnly: boolean;
}

export function createDriftSurveyor(deps: DriftSurveyDeps): DriftSurveyor {
  return {
    async survey(signal) {
      const first = await look(deps, signal);
      if (first.items.length === 0) return first;
      // A job may have moved a tenant while we read one place after the other: only what stays is drift.
      await deps.ambient.sleep(SECOND_LOOK_MS, signal);
      const second = await look(deps, signal);
      const before = new Set(first.items.map(({ kind, tenant_id }) => placementKeyOf(kind, tenant_id)));
      const items = second.items.filter(({ kind, tenant_id }) => before.has(placementKeyOf(kind, tenant_id)));
      return { ...second, items: items.slice(0, MAX_ITEMS) };
    },
  };
}

async function look(
  { store, nats, watch, jobs, readOnly }: DriftSurveyDeps,
  signal?: AbortSignal,
): Promise<DriftSurvey> {
  const [sights, records, entries, active] = await Promise.all([
    watch.lookAll(signal),
    store.all(),
    nats.placement.all(),
    jobs.active(),
  ]);
  const recorded = new Map(records.map((record) => [record._id, record]));
  const published = new Map(entries.map(({ key, value }) => [key, value]));
  const reported = reportersOf(sights);
  const answered = answeredOf(sights);
  const moving = new Set(active.map(({ tenantId }) => tenantId));
  const keys = new Set([...recorded.keys(), ...published.keys(), ...reported.keys()]);
  const items: Drift[] = [];
  for (const key of keys) {
    const facts = agreement(key, { recorded, published, reported, answered, readOnly });
    // A tenant that a job is working on is in between by intention.
    const drift = facts && !moving.has(facts.tenantId) ? driftOf(facts) : null;
    if (drift) items.push(drift);
  }
  const unreachable = sights.filter(({ state }) => !state).map(({ shard }) => shard.shard_id);
  return { items, checked: keys.size, unreachable };
}

interface Everything {
  readonly recorded: ReadonlyMap<string, PlacementRecord>;
  readonly published: ReadonlyMap<string, PublishedPlacement>;
  readonly reported: ReadonlyMap<string, Reporter[]>;
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
    answered: all.answered,
    readOnly: all.readOnly,
  };
}

export const answeredOf = (sights: readonly ShardSight[]): Set<string> =>
  new Set(sights.filter(({ state }) => state).map(({ shard }) => shard.shard_id));

/** `<kind>.<tenant>` → the nodes that hold it. Gateways let every tenant in and are not asked. */
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
