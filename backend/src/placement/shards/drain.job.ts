/**
 * `scale.drain`: drain a tenant on a shard, or the whole node, or take it back (OPS-07, OPS-08). The order is recorded
 * first and the node told afterwards: from then on the keeper of drains sees to it that the node does not forget.
 */
import { Problem, type Change, type Check, type Shard } from '@cloudlysis/contract';
import { touched } from '../../jobs/define/blast-radius.ts';
import type { InputOf } from '../../call/call.ts';
import { defineJob } from '../../jobs/define/define-job.ts';
import type { JobDefinition, PlanCaller, EffectStep } from '../../jobs/define/definition.ts';
import { touchedTenants } from '../record/tenants-touched.ts';
import { checkOf, holds } from '../../jobs/plan/checks.ts';
import { grouped } from '../../kernel/figures.ts';
import type { PlacementDeps } from '../migrate/placement-deps.ts';
import { laneCheck, laneHolder } from '../../jobs/plan/lanes.ts';
import type { ShardSight } from '../nodes/node-checks.ts';
import { nodeChecks, orderCheck, orderedChecks, untold } from './drain-checks.ts';
import { isDrainedAt, wishOf, type DrainWish } from '../record/drain-orders.ts';
import type { DrainOrder } from '../record/stored-placement.ts';
import { limitsOf } from '../migrate/move-decision.ts';
import { shardAt } from '../record/placement.store.ts';
import { isAway } from '../../ports/nodes/index.ts';
import { untilDrained } from '../nodes/tenant-at-node.ts';
import { waitFor } from '../../kernel/time.ts';

type Input = InputOf<'scale.drain'>;

/** Of a tenant's, or of the whole node's. */
interface Before {
  readonly was_drained: boolean;
  /** What was ordered before; absent in jobs of an earlier version. */
  readonly order?: DrainWish | null;
  /** When this order was given. */
  readonly since?: string;
  /** Why the node could not be told; null when it answers. */
  readonly gone?: string | null;
}

const RESUME_MS = 10_000;
const GRACE_MS = 5_000;

const laneOf = ({ tenant_id, shard_id }: Input): string => (tenant_id ? `tenant:${tenant_id}` : `shard:${shard_id}`);
const subjectOf = ({ tenant_id, shard_id }: Input): string => (tenant_id ? `${tenant_id} on ${shard_id}` : shard_id);
const tenantOf = ({ tenant_id }: Input): string | null => tenant_id ?? null;
const wantedBy = ({ action }: Input): DrainOrder['wanted'] => (action === 'drain' ? 'drained' : 'serving');

export function drainJob(deps: PlacementDeps): JobDefinition<Input> {
  const act = actStep(deps);
  return defineJob<Input>('scale.drain', {
    lane: laneOf,
    tenantId: (input) => input.tenant_id ?? null,
    resource: laneOf,
    plan: (input, caller) => plan(deps, input, caller),
    steps: [act, convergeStep(deps, act)],
    verify: async ({ input, jobId, intentOf, signal }) => {
      const shard = await shardAt(deps, input.shard_id);
      const [sight, order] = await Promise.all([
        deps.watch.look(shard, signal),
        deps.drains.find(input.shard_id, tenantOf(input)),
      ]);
      const gone = intentOf(act)?.gone ?? null;
      const outcome = gone !== null && !sight.state ? untold(input, sight) : outcomeCheck(input, sight);
      const facts = { in_flight: inFlight(input, sight), ...(gone === null ? {} : { node_gone: gone }) };
      return { checks: [outcome, orderCheck(input, order, jobId)], facts };
    },
    undo(input, context) {
      // It was so before: undoing would change what this job did not.
      const wanted = input.action === 'drain';
      const before = context.intentOf(act);
      if (before && before.gone == null && before.was_drained === wanted) return null;
      if (before?.gone != null && (before.order?.wanted === 'drained') === wanted) return null;
      const action = wanted ? 'resume' : 'drain';
      const { node: _node, ...body } = input;
      return { operation: 'scale.drain', params: {}, body: { ...body, action, reason: `Undo of ${context.jobId}` } };
    },
  });
}

async function plan(deps: PlacementDeps, input: Input, { jobId, seesAll = false }: PlanCaller) {
  const shard = await shardAt(deps, input.shard_id);
  if (input.tenant_id) await assertPlaced(deps, shard, input.tenant_id);
  const [sight, holder, orders] = await Promise.all([
    deps.watch.look(shard),
    laneHolder(deps.jobs, laneOf(input), jobId),
    deps.drains.all(),
  ]);
  const tenants = input.tenant_id ? [input.tenant_id] : await heldBy(deps, sight);
  return {
    checks: [
      laneCheck(laneOf(input), holder),
      ...nodeChecks(input, sight),
      effectCheck(input, tenants.length),
      ...orderedChecks(input, orders, seesAll),
    ],
    diff: diffOf(input, sight),
    blastRadius: [
      ...(input.tenant_id ? [] : touched('shard', [input.shard_id])),
      ...touchedTenants(tenants, inFlight(input, sight), deps),
    ],
    rollback:
      input.action === 'drain'
        ? 'A drain that does not converge in its time, or is cancelled, is taken back. Once finished, a resume undoes it.'
        : 'A drain undoes it.',
    world: { shard: shard.shard_id, endpoint: shard.endpoint, ...(input.node === 'gone' ? { gone: true } : {}) },
  };
}

/** Whom it concerns: what the node holds, or, where it does not say, what is placed there. */
async function heldBy(deps: PlacementDeps, { shard, state }: ShardSight): Promise<string[]> {
  if (state) return state.tenants.map(({ tenant_id }) => tenant_id);
  const placements = await deps.mirror.placements();
  return placements.filter(({ shard_id }) => shard_id === shard.shard_id).map(({ tenant_id }) => tenant_id);
}

async function assertPlaced(deps: PlacementDeps, { shard_id, kind }: Shard, tenantId: string): Promise<void> {
  if (!(await deps.tenantState(tenantId))) throw new Problem('tenant.unknown', `there is no tenant ${tenantId}`);
  // A gateway serves every tenant, placed or not.
  if (kind === 'gateway') return;
  const record = await deps.store.find(kind, tenantId);
  if (record?.shard_id === shard_id) return;
  throw new Problem(
    'placement.unknown',
    `${tenantId} is on ${record?.shard_id ?? 'no shard'} for ${kind}, not on ${shard_id}`,
  );
}

function effectCheck(input: Input, tenants: number): Check {
  const drains = input.action === 'drain';
  const detail = drains
    ? `${grouped(tenants)} tenants are not served by ${input.shard_id} until it is resumed`
    : `${grouped(tenants)} tenants are served by ${input.shard_id} again`;
  const values = { measured: tenants, limit: null, unit: 'tenants', detail };
  return checkOf('drain.effect', 'What it means for tenants', drains ? 'warn' : 'pass', values);
}

async function tellNode(
  deps: PlacementDeps,
  input: Input,
  action: Input['action'],
  signal: AbortSignal,
): Promise<void> {
  const node = deps.nodes.at(await shardAt(deps, input.shard_id));
  const tenant = tenantOf(input);
  if (action === 'drain') await node.drain(tenant, signal);
  else await node.resume(tenant, signal);
  // A resume of the node opens every gate of it, also of tenants that are drained for themselves.
  if (tenant !== null || action === 'drain') return;
  for (const { tenant_id, wanted } of await tenantOrders(deps, input)) {
    if (wanted === 'drained') await node.drain(tenant_id, signal);
  }
}

type ActStep = EffectStep<Input, unknown, Before>;

function actStep(deps: PlacementDeps): ActStep {
  return {
    name: 'act',
    title: (input) => `${input.action === 'drain' ? 'Drain' : 'Resume'} ${subjectOf(input)}`,
    async intent({ input, signal }) {
      const [{ state, problem }, standing] = await Promise.all([
        deps.watch.look(await shardAt(deps, input.shard_id), signal),
        deps.drains.find(input.shard_id, tenantOf(input)),
      ]);
      const gone = input.node === 'gone';
      if (!gone && !state) throw new Problem('node.unreachable', problem ?? `${input.shard_id} did not answer`);
      if (gone && state)
        throw new Problem('plan.stale', `${input.shard_id} answers again: without \`node: gone\` it is told now`);
      const order = standing && wishOf(standing);
      const was_drained = state ? isDrained(input, state) : order?.wanted === 'drained';
      return { was_drained, order, since: deps.ambient.now().toISOString(), gone: state ? null : problem };
    },
    async run({ input, intent: { since, gone }, jobId, actor, reason, signal }) {
      const wish = {
        wanted: wantedBy(input),
        job_id: jobId,
        by: actor,
        reason,
        since: since ? new Date(since) : deps.ambient.now(),
      };
      await deps.drains.wish(input.shard_id, tenantOf(input), wish);
      await endExceptions(deps, input);
      if (gone == null) await tellNode(deps, input, input.action, signal);
      return null;
    },
    async compensate({ input, intent: before, jobId, actor, reason, signal }) {
      if (!before) return;
      const lifted = { wanted: 'serving', job_id: jobId, by: actor, reason, since: deps.ambient.now() } as const;
      // What was recorded has been through JSON. Where nothing stood before, an order to serve sets right what was told late.
      const standing = before.order && { ...before.order, since: new Date(before.order.since) };
      const wish = standing ?? (before.was_drained ? null : lifted);
      if (wish) await deps.drains.wish(input.shard_id, tenantOf(input), wish);
      else await deps.drains.forget(input.shard_id, tenantOf(input));
      if (before.gone != null) return;
      try {
        await tellNode(deps, input, before.was_drained ? 'drain' : 'resume', signal);
      } catch (error) {
        signal.throwIfAborted();
        // A node that is away is told by the keeper when it is back.
        if (!isAway(error)) throw error;
      }
    },
  };
}

const tenantOrders = async (deps: PlacementDeps, { shard_id }: Input): Promise<DrainOrder[]> =>
  (await deps.drains.all()).filter((order) => order.shard_id === shard_id && order.tenant_id !== null);

/** Draining the whole node is the later word: a tenant that was resumed on it before is no exception any more. */
async function endExceptions(deps: PlacementDeps, input: Input): Promise<void> {
  if (input.tenant_id !== undefined || input.action === 'resume') return;
  for (const order of await tenantOrders(deps, input)) if (order.wanted === 'serving') await deps.drains.drop(order);
}

function convergeStep(deps: PlacementDeps, act: ActStep): EffectStep<Input> {
  return {
    name: 'converge',
    title: (input) =>
      input.action === 'drain'
        ? `Wait until nothing is in flight, at most ${limitsOf(input).drainTimeoutMs / 1_000} s`
        : 'Wait until the node says that it serves again',
    timeoutMs: (input) => limitsOf(input).drainTimeoutMs + RESUME_MS + GRACE_MS,
    attempts: 1,
    async run({ input, intentOf, signal }) {
      const shard = await shardAt(deps, input.shard_id);
      const gone = intentOf(act)?.gone ?? null;
      if (gone !== null) {
        if ((await deps.watch.look(shard, signal)).state === null) return { node_problem: gone };
        // It came back meanwhile. The keeper of orders lets it be as long as this job works on it.
        await tellNode(deps, input, input.action, signal);
      }
      if (input.action === 'resume') return untilResumed(deps, input, shard, signal);
      const limit = limitsOf(input).drainTimeoutMs;
      const drained = await untilDrained(deps, shard, input.tenant_id ?? null, limit, signal);
      if ('overrun' in drained) {
        deps.metrics.overran(shard.kind);
        const detail = `${subjectOf(input)} did not drain in ${limit / 1_000} s: ${drained.overrun}`;
        throw new Problem('drain.not_converging', detail);
      }
      deps.metrics.drained(shard.kind, drained.ms / 1_000);
      return drained;
    },
  };
}

async function untilResumed(deps: PlacementDeps, input: Input, shard: Shard, signal: AbortSignal) {
  const done = await waitFor(deps.ambient, RESUME_MS, signal, async () => {
    const sight = await deps.watch.look(shard, signal);
    return outcomeCheck(input, sight).status === 'pass' ? { resumed: true } : null;
  });
  if (!done) throw new Problem('node.timeout', `${subjectOf(input)} did not resume in ${RESUME_MS} ms`);
  return done;
}

type State = NonNullable<ShardSight['state']>;

const isDrained = (input: Input, state: State): boolean => isDrainedAt({ tenant_id: tenantOf(input) }, state);

function outcomeCheck(input: Input, { state, problem }: ShardSight): Check {
  const drains = input.action === 'drain';
  const left = inFlight(input, { state });
  const measured = state ? `${isDrained(input, state) ? 'drained' : 'serving'}, in flight ${left}` : problem;
  const ok = state !== null && isDrained(input, state) === drains && (!drains || left === 0);
  const title = drains ? 'The node has drained' : 'The node serves again';
  const values = {
    measured,
    limit: drains ? 'drained, in flight 0' : 'serving',
    detail: `${subjectOf(input)}: ${measured}`,
  };
  return holds('drain.state', title, ok, values);
}

const inFlight = ({ tenant_id }: Input, { state }: Pick<ShardSight, 'state'>): number | null =>
  state
    ? state.tenants
        .filter((tenant) => tenant_id === undefined || tenant.tenant_id === tenant_id)
        .reduce((sum, tenant) => sum + tenant.in_flight, 0)
    : null;

function diffOf(input: Input, { state }: ShardSight): Change[] {
  const path = `drain.${input.shard_id}${input.tenant_id ? `.${input.tenant_id}` : ''}`;
  const before = state ? (isDrained(input, state) ? 'drained' : 'serving') : null;
  const after = input.action === 'drain' ? 'drained' : 'serving';
  return before === after ? [] : [{ op: 'replace', path, before, after }];
}
