/**
 * The steps of a migration. Each may be run again after a crash at any line, and undone from any prefix: what decides
 * is the drain's intent (where the tenant was, at which revision, where its log ended) and the record's revision.
 */
import { Problem, type ServiceKind } from '@cloudlysis/contract';
import type { InputOf } from '../../call/call.ts';
import type { JobContext, EffectStep } from '../../jobs/define/definition.ts';
import type { PlacementDeps } from './placement-deps.ts';
import { assertRouted, routesTo, untilRouted } from '../nodes/gateways.ts';
import { convergeGone, drainGone, oweResume, resumeGone, stillGone } from '../nodes/gone-source-steps.ts';
import { limitsOf } from './move-decision.ts';
import { placementOf, shardAt } from '../record/placement.store.ts';
import { placeBack, placeOnTarget } from './placement-switch.ts';
import { isAway } from '../../ports/nodes/index.ts';
import { isServed, tenantAt, untilDrained, untilReleased, untilServed } from '../nodes/tenant-at-node.ts';
import { waitFor } from '../../kernel/time.ts';
import type { DrainIntent } from './drain-intent.ts';

type Input = InputOf<'scale.migrate'>;

/** What a plan of a move decides; where it goes is its input. */
export interface PlannedMove {
  readonly from: string;
}

type Context = JobContext<Input, PlannedMove>;
type MoveStep = EffectStep<Input, PlannedMove>;
export type DrainStep = EffectStep<Input, PlannedMove, DrainIntent>;

/** How long a node may take to take over or give up a tenant. */
const TAKE_OVER_MS = 10_000;
const RELEASE_MS = 5_000;
/** A gateway checks its copy every second, and is told to read when it is late. */
const ROUTED_MS = 5_000;
/** What a node handed back stays "not acknowledged" until somebody takes it again, so it is not waited for longer. */
const HANDED_BACK_MS = 250;
/** Beyond the drain's own time: recording, and the last poll. */
const GRACE_MS = 5_000;

export function migrateSteps(deps: PlacementDeps): { readonly drain: DrainStep; readonly all: readonly MoveStep[] } {
  const drain = drainStep(deps);
  const later = [convergeStep, placeStep, reloadStep, readyStep].map((step) => step(deps, drain));
  return { drain, all: [drain, ...later] };
}

export function drainIntent(context: Pick<Context, 'intentOf'>, drain: DrainStep): DrainIntent {
  const intent = context.intentOf(drain);
  if (!intent) throw new Problem('step.failed', 'the drain recorded no intent');
  return intent;
}

function drainStep(deps: PlacementDeps): DrainStep {
  return {
    name: 'drain',
    title: ({ tenant_id, kind }) =>
      `Drain ${tenant_id} on its ${kind}: nothing new is taken, what is in flight is finished`,
    async intent({ input, decision, signal }) {
      const { tenant_id, kind } = input;
      const record = await deps.store.find(kind, tenant_id);
      const placement = record && placementOf(record);
      if (!placement || placement.shard_id !== decision.from) {
        throw new Problem('plan.stale', `${tenant_id} is no longer on ${decision.from}`);
      }
      const source = await shardAt(deps, placement.shard_id);
      const [{ there, gone }, last, order] = await Promise.all([
        input.source === 'gone'
          ? stillGone(deps, source, tenant_id, signal)
          : { there: await tenantAt(deps, source, tenant_id, signal), gone: null },
        deps.nats.lastEvent(tenant_id),
        deps.drains.find(placement.shard_id, tenant_id),
      ]);
      const was_drained = order?.wanted === 'drained' || there?.state === 'draining' || there?.state === 'drained';
      const { version, seq } = last;
      return {
        from: placement.shard_id,
        revision: placement.revision,
        baseline: { version, seq },
        was_drained,
        flowing: (deps.traffic.flowOf([tenant_id]).perSecond ?? 0) > 0,
        ...(gone ? { gone } : {}),
      };
    },
    async run({ input, intent: { from, gone }, signal }) {
      const source = await shardAt(deps, from);
      if (gone) return drainGone(deps, source, gone, input.tenant_id, signal);
      const { tenants } = await deps.nodes.at(source).drain(input.tenant_id, signal);
      return { in_flight: tenants.find((tenant) => tenant.tenant_id === input.tenant_id)?.in_flight ?? 0 };
    },
    async compensate(context) {
      const before = context.intent;
      // Without an intent nothing was asked of the source yet.
      if (!before) return;
      if (before.gone) await resumeGone(deps, await shardAt(deps, before.from), before, context);
      else await resumeAt(deps, before, context);
    },
  };
}

/** Resumes the tenant on the source and waits until it is served there: a tenant that nobody serves is the worst outcome. */
async function resumeAt(deps: PlacementDeps, before: DrainIntent, job: Context): Promise<void> {
  const { input, signal } = job;
  const source = await shardAt(deps, before.from);
  const node = deps.nodes.at(source);
  const asked = async (): Promise<true | null> => {
    await node.resume(input.tenant_id, signal);
    const there = await tenantAt(deps, source, input.tenant_id, signal);
    if (isServed(there, before.revision)) return true;
    if (!there) await node.reload(signal);
    return null;
  };
  try {
    if (before.was_drained) return void (await node.reload(signal));
    if (await waitFor(deps.ambient, TAKE_OVER_MS, signal, asked)) return;
  } catch (error) {
    signal.throwIfAborted();
    if (!isAway(error)) throw error;
    // It went away with the drain, or still has it: the keeper of drains tells it when it is back.
    return before.was_drained ? undefined : oweResume(deps, before.from, input.tenant_id, job);
  }
  throw new Problem('node.timeout', `${before.from} did not resume ${input.tenant_id} in ${TAKE_OVER_MS} ms`);
}

function convergeStep(deps: PlacementDeps, drain: DrainStep): EffectStep<Input, PlannedMove, { since: string }> {
  return {
    name: 'converge',
    title: (input) => `Wait until nothing is in flight, at most ${limitsOf(input).drainTimeoutMs / 1_000} s`,
    timeoutMs: (input) => limitsOf(input).drainTimeoutMs + GRACE_MS,
    // An overrun is a verdict, not a hiccup: the source must resume.
    attempts: 1,
    /** The box is of time that people feel, so a crash in it does not open a new one. */
    intent: async () => ({ since: deps.ambient.now().toISOString() }),
    async run(context) {
      const { input, signal } = context;
      const limit = limitsOf(input).drainTimeoutMs;
      const { from, gone } = drainIntent(context, drain);
      const source = await shardAt(deps, from);
      if (gone) return convergeGone(deps, source, gone, input.tenant_id, signal);
      const elapsed = deps.ambient.now().getTime() - Date.parse(context.intent.since);
      const left = Math.min(Math.max(limit - elapsed, 0), limit);
      const drained = await untilDrained(deps, source, input.tenant_id, left, signal);
      if ('overrun' in drained) {
        deps.metrics.overran(input.kind);
        throw new Problem(
          'drain.not_converging',
          `${input.tenant_id} did not drain on ${source.shard_id} in ${limit / 1_000} s: ${drained.overrun}`,
        );
      }
      deps.metrics.drained(input.kind, drained.ms / 1_000);
      return { ...drained, ack_pending: await handedBack(deps, input.kind, input.tenant_id, signal) };
    },
  };
}

/** Events delivered and not acknowledged, once the node has none in flight; null where the kind has no consumer. */
async function handedBack(
  { ambient, nats }: PlacementDeps,
  kind: ServiceKind,
  tenantId: string,
  signal: AbortSignal,
): Promise<number | null> {
  if (kind !== 'projection' && kind !== 'runner') return null;
  let left: number | null = null;
  await waitFor(ambient, HANDED_BACK_MS, signal, async () => {
    left = (await nats.consumer(tenantId, kind))?.ackPending ?? null;
    return left ? null : true;
  });
  return left;
}

function placeStep(deps: PlacementDeps, drain: DrainStep): MoveStep {
  return {
    name: 'place',
    title: ({ to }) => `Record ${to} as the tenant’s shard, and publish it`,
    run: async (context) => placeOnTarget(deps, drainIntent(context, drain), context),
    compensate: async (context) => {
      const before = context.intentOf(drain);
      if (before) await placeBack(deps, before, context);
    },
  };
}

function reloadStep(deps: PlacementDeps, drain: DrainStep): MoveStep {
  return {
    name: 'reload',
    title:
      'Have both nodes read the placement, and wait until the target holds the tenant and the gateways route it there',
    async run(context) {
      const { input, signal } = context;
      const before = drainIntent(context, drain);
      const [target, source] = await Promise.all([shardAt(deps, input.to), shardAt(deps, before.from)]);
      const [there, gone] = await Promise.allSettled([
        deps.nodes.at(target).reload(signal),
        // A silent one would cost its deadline, while nobody serves the tenant.
        before.gone?.answers === false
          ? Promise.reject(new Problem('node.unreachable', before.gone.trouble))
          : deps.nodes.at(source).reload(signal),
      ]);
      signal.throwIfAborted();
      if (there.status === 'rejected') throw there.reason;
      const held = await untilServed(deps, target, input.tenant_id, before.revision + 1, TAKE_OVER_MS, signal);
      // A source that died serves nothing and reads the placement when it starts; the proof says so.
      const said = gone.status === 'rejected' ? (gone.reason as Error).message : null;
      const agrees = routesTo({ shard_id: input.to, revision: before.revision + 1 });
      const sights = await untilRouted(deps, input, agrees, ROUTED_MS, signal);
      assertRouted(sights, agrees, `${input.to} at revision ${before.revision + 1}`);
      const gateways = Object.fromEntries(sights.map(({ gateway, says }) => [gateway.shard_id, says]));
      return { revision: held.placement_revision, source_problem: said, gateways };
    },
  };
}

function readyStep(deps: PlacementDeps, drain: DrainStep): MoveStep {
  return {
    name: 'ready',
    title: 'Check that the target is ready and serves the tenant, and clear the drain on the source',
    async run(context) {
      const { input, signal } = context;
      const before = drainIntent(context, drain);
      const [target, source] = await Promise.all([shardAt(deps, input.to), shardAt(deps, before.from)]);
      const { ready, dependencies } = await deps.nodes.at(target).ready(signal);
      if (!ready) {
        const bad = dependencies.filter((one) => !one.ok).map((one) => `${one.name}: ${one.detail ?? 'not ok'}`);
        throw new Problem('step.failed', `${input.to} is not ready: ${bad.join('; ') || 'it says so'}`);
      }
      await untilServed(deps, target, input.tenant_id, before.revision + 1, TAKE_OVER_MS, signal);
      if (before.gone?.answers === false) return { released: false };
      const released = await untilReleased(deps, source, input.tenant_id, RELEASE_MS, signal);
      // Only once the source gave the tenant up: a mark left behind would greet it when it comes back.
      if (released) await deps.nodes.at(source).resume(input.tenant_id, signal);
      return { released };
    },
  };
}
