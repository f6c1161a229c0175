/** The switch of a migration, and its way back: MongoDB, then NATS KV, then the nodes are told. */
import { Problem } from '@cloudlysis/contract';
import type { InputOf } from '../../call/call.ts';
import type { JobContext } from '../../jobs/define/definition.ts';
import type { PlacementDeps } from './placement-deps.ts';
import type { DrainIntent } from './drain-intent.ts';
import { assertRouted, untilRouted, type RouteSight } from '../nodes/gateways.ts';
import { shardAt } from '../record/placement.store.ts';
import { placementKeyOf, type PlacementRecord } from '../record/stored-placement.ts';
import { untilDrained, untilReleased } from '../nodes/tenant-at-node.ts';
import { tellNodes } from '../nodes/tell-nodes.ts';

type Input = InputOf<'scale.migrate'>;

type Context = JobContext<Input>;

/** How long the target may take to finish what it took before the tenant is taken away again. */
const BACK_DRAIN_MS = 5_000;
const RELEASE_MS = 2_000;
/** How long gateways may take to route there again. */
const BACK_ROUTED_MS = 5_000;

/** Idempotent for one job. @throws Problem `version.stale` when somebody else wrote the placement meanwhile. */
export async function placeOnTarget(
  { store, publication }: PlacementDeps,
  before: DrainIntent,
  { input, jobId }: Context,
): Promise<{ shard_id: string; revision: number }> {
  const { tenant_id, kind, to } = input;
  const next: PlacementRecord = {
    _id: placementKeyOf(kind, tenant_id),
    tenant_id,
    kind,
    shard_id: to,
    revision: before.revision + 1,
    job_id: jobId,
  };
  if (!(await publication.swap(next, before.revision))) {
    const now = await store.find(kind, tenant_id);
    const isDone = now?.job_id === jobId && now.shard_id === to && now.revision === next.revision;
    if (!isDone) throw stale(next._id, now);
  }
  await publication.publish(kind, tenant_id);
  return { shard_id: to, revision: next.revision };
}

/**
 * Places the tenant where it was, under a higher revision than anything this job may have written. The record is
 * written even when the switch never happened: a worker that stalled before its write then fails its swap.
 */
export async function placeBack(deps: PlacementDeps, before: DrainIntent, context: Context): Promise<void> {
  const { input, jobId, signal } = context;
  const { tenant_id, kind } = input;
  const now = await deps.store.find(kind, tenant_id);
  // Released since: there is no placement to go back to.
  if (!now || now.shard_id === null) return;
  const isUntouched = now.revision === before.revision && now.shard_id === before.from;
  const isBack = now.job_id === jobId && now.shard_id === before.from && !isUntouched;
  if (!isUntouched && now.job_id !== jobId) throw stale(now._id, now);
  if (!isBack) {
    if (!isUntouched) await drainTarget(deps, context);
    const back = { ...now, shard_id: before.from, revision: now.revision + 1, job_id: jobId };
    if (!(await deps.publication.swap(back, now.revision)))
      throw stale(now._id, await deps.store.find(kind, tenant_id));
  }
  await deps.publication.publish(kind, tenant_id);
  await tellNodes(deps, [input.to, before.from], signal);
  await clearMark(deps, context);
  // Which shard is what matters on the way back: a gateway that never heard of the move routes to it at the old revision.
  const agrees = ({ route }: RouteSight): boolean => route?.shard_id === before.from;
  assertRouted(await untilRouted(deps, input, agrees, BACK_ROUTED_MS, signal), agrees, before.from);
}

/** Best effort: the drain of a target that gave the tenant up must not greet it at its next move. */
async function clearMark(deps: PlacementDeps, { input, signal }: Context): Promise<void> {
  const target = await shardAt(deps, input.to);
  try {
    if (await untilReleased(deps, target, input.tenant_id, RELEASE_MS, signal))
      await deps.nodes.at(target).resume(input.tenant_id, signal);
  } catch (error) {
    signal.throwIfAborted();
    deps.logger.warn({ err: error, tenant_id: input.tenant_id }, 'the drain on the target could not be cleared');
  }
}

/** Best effort: a target that is gone or never took the tenant has nothing to finish. */
async function drainTarget(deps: PlacementDeps, { input, signal }: Context): Promise<void> {
  try {
    const target = await shardAt(deps, input.to);
    await deps.nodes.at(target).drain(input.tenant_id, signal);
    await untilDrained(deps, target, input.tenant_id, BACK_DRAIN_MS, signal);
  } catch (error) {
    signal.throwIfAborted();
    deps.logger.warn({ err: error, tenant_id: input.tenant_id }, 'the target could not be drained before going back');
  }
}

const stale = (key: string, now: PlacementRecord | null): Problem =>
  new Problem(
    'version.stale',
    now ? `${key} is on ${now.shard_id ?? 'no shard'} at revision ${now.revision}, by ${now.job_id}` : `${key} is gone`,
  );
