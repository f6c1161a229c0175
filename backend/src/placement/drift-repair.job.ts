/** `scale.drift.repair`: publish the recorded placements again where they drifted, and have the nodes read them. */
import { Problem, type Drift } from '@cloudlysis/contract';
import type { InputOf } from '../call.ts';
import type { JobDefinition, StepContext } from '../jobs/definition.ts';
import { blastRadiusOf, inFlightOf } from './blast-radius.ts';
import { checkOf, grouped, holds } from './checks.ts';
import type { PlacementDeps } from './deps.ts';
import { laneHolder } from './move-survey.ts';
import { laneCheck, placementKeyOf } from './placement.ts';
import { tell } from './placing.ts';
import { waitFor } from './waiting.ts';

type Input = InputOf<'scale.drift.repair'>;

type Context = StepContext<Input>;

/** Nodes that read a placement again take it over or give it up within moments. */
const MENDED_MS = 10_000;
const TRIES = 5;

const keyOf = ({ kind, tenant_id }: Pick<Drift, 'kind' | 'tenant_id'>): string => placementKeyOf(kind, tenant_id);

export function driftRepairJob(deps: PlacementDeps): JobDefinition<Input> {
  return {
    kind: 'scale.drift.repair',
    risk: 'high',
    permission: 'scale.apply',
    lane: () => 'platform',
    tenantId: () => null,
    resource: () => 'placement',
    plan: (_input, caller) => plan(deps, caller.jobId),
    steps: [
      {
        name: 'publish',
        title: 'Publish the recorded placements where they drifted',
        timeoutMs: 120_000,
        /** What is mended is decided once: after the first half is done, the rest must not be forgotten. */
        intent: async ({ signal }) => (await deps.drift.survey(signal)).items.filter(({ repairable }) => repairable),
        async run({ intent, jobId, signal }) {
          const drifted = intent as Drift[];
          for (const drift of drifted) {
            signal.throwIfAborted();
            await mend(deps, drift, jobId);
          }
          return { published: drifted.length };
        },
      },
      {
        name: 'reload',
        title: 'Have the nodes concerned read their placements again',
        async run({ intentOf, signal }) {
          const drifted = intentOf<Drift[]>('publish') ?? [];
          const shards = new Set(
            drifted.flatMap(({ recorded, published, reported }) => [recorded, published, ...reported]),
          );
          const known = new Set((await deps.book.shards()).map(({ shard_id }) => shard_id));
          const told = [...shards].filter((id): id is string => id !== null && known.has(id));
          return { reloaded: told.length, problems: await tell(deps, told, signal) };
        },
      },
    ],
    verify: (context) => verifyMended(deps, context),
  };
}

async function plan(deps: PlacementDeps, jobId: string | null) {
  if (deps.readOnly) throw new Problem('placement.read_only');
  const [survey, holder] = await Promise.all([deps.drift.survey(), laneHolder(deps.jobs, 'platform', jobId)]);
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
      checkOf('nodes.answer', 'Every node answers', survey.unreachable.length ? 'warn' : 'pass', {
        measured: survey.unreachable.length,
        limit: 0,
        unit: 'nodes',
        detail: survey.unreachable.length ? `nothing is known of ${survey.unreachable.join(', ')}` : 'all answer',
      }),
    ],
    diff: mended.map((drift) => ({
      op: 'replace' as const,
      path: `published.${keyOf(drift)}`,
      before: { published: drift.published, reported: drift.reported },
      after: drift.recorded,
    })),
    blastRadius: blastRadiusOf(tenants, inFlightOf(tenants, deps.book.reports()), deps),
    rollback:
      'Nothing to undo: what is published afterwards is what is recorded. A tenant recorded wrongly is migrated.',
  };
}

/** Where NATS is ahead of the record (a database that was restored), the record is lifted above it first. */
async function mend({ store, publication, nats }: PlacementDeps, drift: Drift, jobId: string): Promise<void> {
  for (let tried = 0; tried < TRIES; tried++) {
    const record = await store.find(drift.kind, drift.tenant_id);
    if (!record) return;
    const published = (await nats.placement.get(record._id))?.value;
    const isBehind =
      published !== undefined &&
      (published.revision > record.revision ||
        (published.revision === record.revision && published.shard !== record.shard_id && record.shard_id !== null));
    if (isBehind) {
      const lifted = { ...record, revision: published.revision + 1, job_id: jobId };
      if (!(await publication.swap(lifted, record.revision))) continue;
    }
    try {
      return await publication.publish(drift.kind, drift.tenant_id);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'version.stale') throw error;
    }
  }
  throw new Problem('version.stale', `others keep writing ${keyOf(drift)}`);
}

async function verifyMended(deps: PlacementDeps, { intentOf, signal }: Context) {
  const wanted = new Set((intentOf<Drift[]>('publish') ?? []).map(keyOf));
  let left: Drift[] = [];
  await waitFor(deps.ambient, MENDED_MS, signal, async () => {
    left = (await deps.drift.survey(signal)).items.filter((drift) => wanted.has(keyOf(drift)));
    return left.length === 0 ? true : null;
  });
  const detail = left.length
    ? left.slice(0, 20).map((drift) => `${keyOf(drift)}: ${drift.reason}`).join('; ') // prettier-ignore
    : `${grouped(wanted.size)} placements agree again`;
  const values = { measured: left.length, limit: 0, unit: 'placements', detail };
  return {
    checks: [holds('drift.gone', 'What drifted agrees again', left.length === 0, values)],
    facts: { repaired: wanted.size - left.length },
  };
}
