/** `scale.drift.repair`: publish the recorded placements again where they drifted, and have nodes and gateways read them. */
import { Problem, type Drift, type ServiceKind } from '@cloudlysis/contract';
import type { InputOf } from '../../call/call.ts';
import { defineJob } from '../../jobs/define/define-job.ts';
import type { JobContext, JobDefinition, EffectStep } from '../../jobs/define/definition.ts';
import { inFlightOf, touchedTenants } from '../record/tenants-touched.ts';
import { checkOf, holds } from '../../jobs/plan/checks.ts';
import { grouped } from '../../kernel/figures.ts';
import type { NodeDeps } from '../nodes/node-deps.ts';
import type { JobReader } from '../../jobs/record/job-reader.ts';
import { laneCheck, laneHolder } from '../../jobs/plan/lanes.ts';
import type { NodeMetrics } from '../../node-metrics/index.ts';
import type { NatsPort } from '../../ports/nats/index.ts';
import type { DriftSurveyor } from './drift-survey.ts';
import type { PlacementBook } from '../record/placement-book.ts';
import type { Publication } from '../record/publication.ts';
import type { TenantsSight } from '../record/tenants-sight.ts';
import { placementKeyOf } from '../record/stored-placement.ts';
import { tellNodes } from '../nodes/tell-nodes.ts';
import { waitFor } from '../../kernel/time.ts';

export interface RepairDeps extends NodeDeps {
  /** Where all of it is. */
  readonly environment: string;
  readonly nats: NatsPort;
  readonly jobs: JobReader;
  readonly book: PlacementBook;
  readonly publication: Publication;
  readonly drift: DriftSurveyor;
  readonly traffic: Pick<NodeMetrics, 'measure' | 'flowOf'>;
  /** Placement comes from a static file: nothing can be moved. */
  readonly readOnly: boolean;
  readonly lagOf: TenantsSight['lagOf'];
}

type Input = InputOf<'scale.drift.repair'>;

type Context = JobContext<Input>;

type PublishStep = EffectStep<Input, unknown, StoredRepair>;

/** Nodes that read a placement again take it over or give it up within moments. */
const MENDED_MS = 10_000;
const TRIES = 5;
/** Placements that a plan spells out; the checks say how many there are. */
const SHOWN = 1_000;

function silentCheck(unreachable: readonly string[], words: string) {
  const detail = unreachable.length ? `${words} ${unreachable.join(', ')}` : 'all answer';
  const values = { measured: unreachable.length, limit: 0, unit: 'nodes', detail };
  return checkOf('nodes.answer', 'Every node and gateway answers', unreachable.length ? 'warn' : 'pass', values);
}

const keyOf = ({ kind, tenant_id }: Pick<Drift, 'kind' | 'tenant_id'>): string => placementKeyOf(kind, tenant_id);

export function driftRepairJob(deps: RepairDeps): JobDefinition<Input> {
  const publish = publishStep(deps);
  return defineJob<Input>('scale.drift.repair', {
    lane: () => 'platform',
    tenantId: () => null,
    resource: () => 'placement',
    plan: (_input, caller) => plan(deps, caller.jobId),
    steps: [
      publish,
      {
        name: 'reload',
        title: 'Have the nodes and gateways concerned read their placements again',
        async run({ intentOf, signal }) {
          const { told } = repairOf(intentOf(publish));
          return { reloaded: told.length, problems: await tellNodes(deps, told, signal) };
        },
      },
    ],
    verify: (context) => verifyMended(deps, publish, context),
  });
}

const publishStep = (deps: RepairDeps): PublishStep => ({
  name: 'publish',
  title: 'Publish the recorded placements where they drifted, above every revision that a node reports',
  timeoutMs: 120_000,
  /** What is mended is decided once: after the first half is done, the rest must not be forgotten. */
  intent: ({ signal }) => intend(deps, signal),
  async run({ intent, jobId, signal }) {
    const { mends } = repairOf(intent);
    for (const one of mends) {
      signal.throwIfAborted();
      await mend(deps, one, jobId);
    }
    return { published: mends.length };
  },
});

async function plan(deps: RepairDeps, jobId: string | null) {
  if (deps.readOnly) throw new Problem('placement.read_only');
  const [survey, holder] = await Promise.all([deps.drift.full(), laneHolder(deps.jobs, 'platform', jobId)]);
  const mended = survey.items.filter(({ repairable }) => repairable);
  const left = survey.items.filter(({ repairable }) => !repairable);
  const tenants = [...new Set(mended.map(({ tenant_id }) => tenant_id))];
  return {
    checks: [
      laneCheck('platform', holder),
      checkOf('drift.repairable', 'Drift that this mends', 'pass', {
        measured: mended.length,
        limit: null,
        unit: 'placements',
        detail: `${grouped(mended.length)} of ${grouped(survey.checked)} placements drifted and are mended`,
      }),
      checkOf('drift.left', 'Drift that needs a person', left.length ? 'warn' : 'pass', {
        measured: left.length,
        limit: 0,
        unit: 'placements',
        detail: left.length
          ? left.slice(0, 20).map((drift) => `${keyOf(drift)}: ${drift.reason}`).join('; ') // prettier-ignore
          : 'none',
      }),
      silentCheck(survey.unreachable, 'nothing is known of'),
    ],
    diff: mended.slice(0, SHOWN).map((drift) => ({
      op: 'replace' as const,
      path: `published.${keyOf(drift)}`,
      before: { published: drift.published, reported: drift.reported },
      after: drift.recorded,
    })),
    blastRadius: touchedTenants(tenants, inFlightOf(tenants, deps.book.reports()), deps),
    rollback:
      'Nothing to undo: what is published afterwards is what is recorded. A tenant recorded wrongly is migrated.',
  };
}

/** Recorded before the first effect. */
interface Repair {
  readonly mends: readonly Mend[];
  /** Shards whose nodes are made to read. */
  readonly told: readonly string[];
}

interface Mend {
  readonly kind: ServiceKind;
  readonly tenant_id: string;
  /** Highest revision that a node or gateway reports. */
  readonly held: number;
}

async function intend(deps: RepairDeps, signal: AbortSignal): Promise<Repair> {
  const survey = await deps.drift.full(signal);
  const drifted = survey.items.filter(({ repairable }) => repairable);
  const known = new Set((await deps.book.shards()).map(({ shard_id }) => shard_id));
  const mends = drifted.map((drift) => ({ ...whoseOf(drift), held: survey.held.get(keyOf(drift)) ?? 0 }));
  return { mends, told: shardsOf(drifted).filter((id) => known.has(id)) };
}

const shardsOf = (drifted: readonly Drift[]): string[] => {
  const named = drifted.flatMap(({ recorded, published, reported, misrouted }) => [
    recorded, published, ...reported, ...(misrouted ?? []),
  ]); // prettier-ignore
  return [...new Set(named.filter((id) => id !== null))];
};

const whoseOf = ({ kind, tenant_id }: Drift): Pick<Mend, 'kind' | 'tenant_id'> => ({ kind, tenant_id });

/** As jobs of earlier versions recorded it: the drift itself, and after that the keys of what is mended. */
type StoredRepair =
  | Repair
  | readonly Drift[]
  | { readonly mends: readonly { key: string; held: number }[]; readonly told: readonly string[] };

function repairOf(intent: StoredRepair | undefined): Repair {
  if (!intent) return { mends: [], told: [] };
  if (!('mends' in intent))
    return { mends: intent.map((drift) => ({ ...whoseOf(drift), held: 0 })), told: shardsOf(intent) };
  const mends = intent.mends.map((one) => ('key' in one ? { ...splitKey(one.key), held: one.held } : one));
  return { mends, told: intent.told };
}

function splitKey(key: string): Pick<Mend, 'kind' | 'tenant_id'> {
  const dot = key.indexOf('.');
  return { kind: key.slice(0, dot) as ServiceKind, tenant_id: key.slice(dot + 1) };
}

/**
 * Where NATS or a node is ahead of the record (a database that was restored), the record is lifted above it first: what
 * is published below what a node holds would be ignored.
 */
async function mend(
  { store, publication, nats }: RepairDeps,
  { kind, tenant_id: tenantId, held }: Mend,
  jobId: string,
): Promise<void> {
  const key = placementKeyOf(kind, tenantId);
  for (let tried = 0; tried < TRIES; tried++) {
    const record = await store.find(kind, tenantId);
    const published = (await nats.placement.get(key))?.value;
    // Held by nodes and recorded on no shard: a mark says so on purpose, where nothing at all says nothing.
    if (!record || (record.shard_id === null && !published)) return published ? undefined : nats.placement.delete(key);
    const placed = record.shard_id !== null;
    const ahead = Math.max(placed ? held : 0, published?.revision ?? 0);
    const clashes = placed && published?.revision === record.revision && published.shard !== record.shard_id;
    if (ahead > record.revision || clashes) {
      const lifted = { ...record, revision: ahead + 1, job_id: jobId };
      if (!(await publication.swap(lifted, record.revision))) continue;
    }
    try {
      return await publication.publish(kind, tenantId);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'version.stale') throw error;
    }
  }
  throw new Problem('version.stale', `others keep writing ${key}`);
}

async function verifyMended(deps: RepairDeps, publish: PublishStep, { intentOf, signal }: Context) {
  const wanted = new Set(repairOf(intentOf(publish)).mends.map(keyOf));
  let survey = await deps.drift.full(signal);
  const isLeft = (drift: Drift): boolean => wanted.has(keyOf(drift));
  await waitFor(deps.ambient, MENDED_MS, signal, async () => {
    if (!survey.items.some(isLeft)) return true;
    survey = await deps.drift.full(signal);
    return null;
  });
  const left = survey.items.filter(isLeft);
  const others = survey.items.length - left.length;
  const detail = left.length
    ? left.slice(0, 20).map((drift) => `${keyOf(drift)}: ${drift.reason}`).join('; ') // prettier-ignore
    : `${grouped(wanted.size)} placements agree again`;
  const values = { measured: left.length, limit: 0, unit: 'placements', detail };
  return {
    checks: [
      holds('drift.gone', 'What drifted agrees again, nodes and gateways included', left.length === 0, values),
      checkOf('drift.left', 'Nothing else drifts', others ? 'warn' : 'pass', {
        measured: others,
        limit: 0,
        unit: 'placements',
        detail: others ? `${grouped(others)} other placements drift: look again` : 'none',
      }),
      silentCheck(survey.unreachable, 'not confirmed by'),
    ],
    facts: { repaired: wanted.size - left.length },
  };
}
