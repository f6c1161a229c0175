/** `scale.evacuate`: empty a shard, one child migration per tenant, a few at once. */
import { Problem, type Change, type Check, type ServiceKind, type Shard } from '@cloudlysis/contract';
import { touched } from '../../jobs/define/blast-radius.ts';
import type { InputOf } from '../../call/call.ts';
import { defineJob } from '../../jobs/define/define-job.ts';
import type { ChildJob, ChildResult, ChildrenStep, JobContext, JobDefinition } from '../../jobs/define/definition.ts';
import { touchedTenants } from '../record/tenants-touched.ts';
import { checkOf, holds } from '../../jobs/plan/checks.ts';
import { grouped, percent } from '../../kernel/figures.ts';
import type { PlacementDeps } from '../migrate/placement-deps.ts';
import { planEvacuation, type Candidate, type Evacuation } from './evacuation.ts';
import { laneCheck, laneHolder } from '../../jobs/plan/lanes.ts';
import type { LogVerdict } from '../migrate/log-verdict.ts';
import type { ShardSight } from '../nodes/node-checks.ts';
import { isMovable, moveDiff } from '../migrate/move-decision.ts';
import { goneChecks, sourceChecks } from '../nodes/gone-source-checks.ts';
import { shardAt, shardOf } from '../record/placement.store.ts';

type Input = InputOf<'scale.evacuate'>;

type Context = JobContext<Input, Moves>;

const AT_ONCE = 2;
/** Ids in a sentence. */
const NAMED = 200;

export function evacuateJob(deps: PlacementDeps): JobDefinition<Input, Moves> {
  const move = moveStep();
  return defineJob('scale.evacuate', {
    lane: (input) => `shard:${input.shard_id}`,
    tenantId: () => null,
    resource: (input) => `shard:${input.shard_id}`,
    async plan(input, caller) {
      const sight = await survey(deps, input, caller.jobId);
      const { moves } = sight.evacuation;
      const tenants = [...moves.map(({ tenantId }) => tenantId), ...sight.evacuation.homeless];
      const inFlight = sight.source.state?.tenants.reduce((sum, tenant) => sum + tenant.in_flight, 0) ?? null;
      return {
        checks: decide(sight),
        diff: sight.diff,
        blastRadius: [...touched('shard', [input.shard_id]), ...touchedTenants(tenants, inFlight, deps)],
        rollback:
          'A tenant whose move fails stays on this shard and is served there. Tenants that were moved stay moved, also when ' +
          'the evacuation is cancelled or fails: each of them is moved back by the undo of its own migration.',
        decision: decidedBy(sight),
      };
    },
    steps: [move],
    verify: (context) => verifyEmpty(deps, move, context),
    /** Wherever they are now: who came to the shard since has to leave it as well. */
    async remainder(input, succeeded) {
      const here = (await deps.mirror.placements()).filter(({ shard_id }) => shard_id === input.shard_id);
      const left = here.map(({ tenant_id }) => tenant_id).sort();
      return { input, left, done: succeeded.filter((id) => !left.includes(id)), changedSince: [] };
    },
  });
}

type MoveStep = ChildrenStep<Input, Moves, unknown, Moved>;

const moveStep = (): MoveStep => ({
  name: 'move',
  title: (input) => `Move every tenant off ${input.shard_id}, ${input.concurrency ?? AT_ONCE} at once`,
  children: (context) => ({ jobs: migrations(context), atOnce: context.input.concurrency ?? AT_ONCE }),
  joined: async (_context, results) => allMoved(results),
});

interface EvacuationSight {
  readonly source: ShardSight;
  readonly sourceGone: boolean;
  readonly evacuation: Evacuation;
  readonly candidates: number;
  readonly diff: Change[];
  readonly holder: string | null;
  /** Tenants that no migration would take as they are, in words. */
  readonly staying: readonly string[];
}

async function survey(deps: PlacementDeps, input: Input, jobId: string | null): Promise<EvacuationSight> {
  if (deps.readOnly) throw new Problem('placement.read_only');
  const shard = await shardAt(deps, input.shard_id);
  if (shard.kind === 'gateway')
    throw new Problem(
      'shard.kind_mismatch',
      `${shard.shard_id} is a gateway: it serves every tenant, and none lives there`,
    );
  // A tenant that the copy does not know here would be missed, so it is compared with the record first.
  await deps.mirror.copy.check();
  const [targets, placements, counts, holder, source] = await Promise.all([
    targetsOf(deps, shard, input.to),
    deps.mirror.placements(),
    deps.book.counts(),
    laneHolder(deps.jobs, `shard:${input.shard_id}`, jobId),
    deps.watch.look(shard),
  ]);
  const sights = await Promise.all(targets.map((target) => deps.watch.look(target)));
  const candidates = sights
    .filter(isFit)
    .map(({ shard: target }): Candidate => ({ shard: target, tenants: counts.get(target.shard_id) ?? 0 }));
  const here = placements.filter(({ shard_id }) => shard_id === input.shard_id);
  const evacuation = planEvacuation(
    here.map(({ tenant_id }) => tenant_id),
    candidates,
  );
  const byTenant = new Map(here.map((placement) => [placement.tenant_id, placement]));
  const diff = evacuation.moves.flatMap(({ tenantId, to }) => moveDiff(byTenant.get(tenantId)!, to));
  const sourceGone = input.source === 'gone';
  const staying = here.flatMap(({ tenant_id }) => {
    const state = deps.stateSeen(tenant_id);
    return state !== null && !isMovable({ state }) ? [`${tenant_id} is ${state}`] : [];
  });
  return { source, sourceGone, evacuation, candidates: candidates.length, diff, holder, staying };
}

async function targetsOf({ book, store }: PlacementDeps, from: Shard, to: Input['to']): Promise<Shard[]> {
  if (!to) return (await book.shards(from.kind)).filter(({ shard_id }) => shard_id !== from.shard_id);
  const chosen = await Promise.all([...new Set(to)].map(async (id) => shardOf(await store.shard(id))));
  for (const { shard_id, kind } of chosen) {
    if (kind !== from.kind) throw new Problem('shard.kind_mismatch', `${shard_id} serves ${kind}, not ${from.kind}`);
  }
  return chosen.filter(({ shard_id }) => shard_id !== from.shard_id);
}

const isFit = ({ shard, state, readiness }: ShardSight): boolean =>
  state !== null && readiness?.ready === true && !state.draining && state.shard_id === shard.shard_id;

function decide({ source, sourceGone, evacuation, candidates, holder, staying }: EvacuationSight): Check[] {
  const { homeless, moves, loads } = evacuation;
  const total = moves.length + homeless.length;
  const left = homeless.length;
  return [
    laneCheck(`shard:${source.shard.shard_id}`, holder),
    ...(sourceGone ? goneChecks(source, source.shard.kind) : sourceChecks(source)),
    checkOf('targets.ready', 'There is a shard that can take tenants', candidates ? 'pass' : 'block', {
      measured: candidates,
      limit: 1,
      unit: 'shards',
      detail: `${candidates} other ${source.shard.kind} shards are ready`,
    }),
    checkOf('targets.capacity', 'The targets have room for all', left ? 'block' : 'pass', {
      measured: moves.length,
      limit: total,
      unit: 'tenants',
      detail: left
        ? `no room for ${grouped(left)} of ${grouped(total)} tenants: ${named(homeless)}`
        : `room for all ${grouped(total)} tenants`,
    }),
    ...stayingChecks(staying, source.shard.shard_id),
    ...loads.map(({ shard, before, after }) => {
      const { tenants } = shard.capacity;
      return checkOf(`load.${shard.shard_id}`, `Load of ${shard.shard_id}`, after / tenants > 0.8 ? 'warn' : 'pass', {
        measured: after,
        limit: tenants,
        unit: 'tenants',
        detail: `${shard.shard_id}: ${grouped(before)} → ${grouped(after)} of ${grouped(tenants)} tenants (${percent(before / tenants)} → ${percent(after / tenants)})`,
      });
    }),
  ];
}

/** Said before anything moves: the evacuation then ends without success, with everybody else moved. */
function stayingChecks(staying: readonly string[], shardId: string): Check[] {
  if (staying.length === 0) return [];
  const detail = `${grouped(staying.length)} stay on ${shardId}, because they cannot be moved as they are: ${named(staying)}`;
  const values = { measured: staying.length, limit: 0, unit: 'tenants', detail };
  return [checkOf('tenants.movable', 'Every tenant can be moved', 'warn', values)];
}

/** Which tenants go where: what was shown is what is done. Kept apart from the job where they are many. */
interface Moves {
  readonly kind: ServiceKind;
  /** Each target with its tenants; pairs, since a shard may be called `constructor`. */
  readonly to: readonly (readonly [shard: string, tenants: readonly string[]])[];
}

function decidedBy({ source, evacuation }: EvacuationSight): Moves {
  const to = new Map<string, string[]>();
  for (const { tenantId, to: shard } of evacuation.moves) {
    const others = to.get(shard);
    if (others) others.push(tenantId);
    else to.set(shard, [tenantId]);
  }
  return { kind: source.shard.kind, to: [...to] };
}

function migrations({ decision, input }: Context): ChildJob[] {
  const { max_in_flight, max_consumer_lag, drain_timeout_s, source, reason } = input;
  const { kind, to } = decision;
  const told = Object.entries({ source, max_in_flight, max_consumer_lag, drain_timeout_s }).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  return to
    .flatMap(([shard, tenants]) => tenants.map((tenant_id) => ({ tenant_id, kind, to: shard, reason })))
    .sort((a, b) => (a.tenant_id < b.tenant_id ? -1 : 1))
    .map((move) => ({
      kind: 'scale.migrate',
      key: move.tenant_id,
      input: { ...move, ...Object.fromEntries(told) },
    }));
}

interface Moved {
  readonly moved: number;
  /** Both null when a move does not say. */
  readonly lost: number | null;
  readonly duplicated: number | null;
  readonly jobs: readonly string[];
}

/** @throws Problem that names those that were not moved */
function allMoved(results: readonly ChildResult[]): Moved {
  const failed = results.filter(({ state }) => state !== 'succeeded');
  if (failed.length) {
    const each = failed.slice(0, 20).map(({ key, state, detail }) => `${key} ${state}${detail ? ` (${detail})` : ''}`);
    const more = failed.length > 20 ? ` and ${failed.length - 20} more` : '';
    throw new Problem(
      'step.failed',
      `${failed.length} of ${results.length} tenants were not moved and stay where they were: ${each.join('; ')}${more}`,
      { failed: failed.map(({ key, jobId, state }) => ({ tenant_id: key, job_id: jobId, state })).slice(0, NAMED) },
    );
  }
  return {
    moved: results.length,
    lost: sumOf(results, 'lost'),
    duplicated: sumOf(results, 'duplicated'),
    jobs: results.flatMap(({ jobId }) => jobId ?? []),
  };
}

/** Of what each move counted in its log: one that does not say is not one that lost nothing. */
function sumOf(results: readonly ChildResult[], fact: Extract<keyof LogVerdict, 'lost' | 'duplicated'>): number | null {
  const counts = results.map(({ proof }) => proof?.facts[fact]);
  return counts.every((count) => typeof count === 'number') ? counts.reduce((sum, count) => sum + count, 0) : null;
}

async function verifyEmpty(deps: PlacementDeps, move: MoveStep, { input, outcomeOf, signal }: Context) {
  const shard = await shardAt(deps, input.shard_id);
  const [records, entries, sight] = await Promise.all([
    deps.store.all(),
    deps.nats.placement.all(),
    deps.watch.look(shard, signal),
  ]);
  const recorded = records.filter(({ shard_id }) => shard_id === input.shard_id).map(({ tenant_id }) => tenant_id);
  const published = entries.filter(({ value }) => value.shard === input.shard_id).map(({ key }) => key);
  const reported = sight.state?.tenants.map(({ tenant_id }) => tenant_id) ?? [];
  const empty = (id: string, title: string, left: readonly string[]): Check => {
    const detail = left.length ? `${grouped(left.length)} left: ${named(left)}` : 'none left';
    return holds(id, title, left.length === 0, { measured: left.length, limit: 0, unit: 'tenants', detail });
  };
  const held = 'The node holds no tenant';
  const { jobs: _jobs, ...facts }: Partial<Moved> = outcomeOf(move) ?? {};
  return {
    checks: [
      empty('shard.recorded', `MongoDB has no tenant on ${input.shard_id}`, recorded),
      empty('shard.published', `NATS KV has no tenant on ${input.shard_id}`, published),
      sight.state ? empty('shard.reported', held, reported) : unasked(held, sight),
    ],
    facts,
  };
}

/** Nobody asked is not the same as none left. */
const unasked = (title: string, { shard, problem }: ShardSight): Check =>
  checkOf('shard.reported', title, 'warn', {
    measured: null,
    limit: 0,
    unit: 'tenants',
    detail: `${shard.shard_id}: ${problem}; when it comes back it reads where its tenants live, and gives them up`,
  });

const named = (ids: readonly string[]): string =>
  ids.slice(0, 20).join(', ') + (ids.length > 20 ? ` and ${ids.length - 20} more` : '');
