/**
 * What the steps of a move do at a source that is gone: look once more whether it is, ask what it still answers, and
 * wait for nothing. What keeps it from harm is not here but in the log, the compare-and-swap of the nodes' documents,
 * and the placement it reads when it comes back.
 */
import { Problem, type Shard } from '@cloudlysis/contract';
import type { JobContext } from '../../jobs/define/definition.ts';
import { tenantOn, type NodeTenant } from '../../ports/nodes/index.ts';
import type { NodeDeps } from './node-deps.ts';
import { troubleOf } from './gone-source-checks.ts';
import { untilDrained } from './tenant-at-node.ts';

export interface GoneSource {
  readonly trouble: string;
  /** The shard's own node answers, though it is not well: then it is asked to drain, and not waited for long. */
  readonly answers: boolean;
}

/** The tenant is not served meanwhile, so a sick node gets less time than a healthy one. */
const CONVERGE_MS = 3_000;

/** Asked when the job runs, for it may have waited. @throws Problem `plan.stale` when the source is well again */
export async function stillGone(
  deps: NodeDeps,
  source: Shard,
  tenantId: string,
  signal: AbortSignal,
): Promise<{ there: NodeTenant | null; gone: GoneSource }> {
  const sight = await deps.watch.look(source, signal);
  const trouble = troubleOf(sight);
  if (trouble === null) {
    const detail = `${source.shard_id} answers again and is well: without \`source: gone\` it is drained first`;
    throw new Problem('plan.stale', detail);
  }
  return { there: tenantOn(sight.state, tenantId), gone: { trouble, answers: sight.state !== null } };
}

export interface AskedOfGone {
  readonly in_flight: null;
  /** Why it was not drained; null when it took the drain. */
  readonly source_problem: string | null;
}

export async function drainGone(
  deps: NodeDeps,
  source: Shard,
  gone: GoneSource,
  tenantId: string,
  signal: AbortSignal,
): Promise<AskedOfGone> {
  if (!gone.answers) return { in_flight: null, source_problem: gone.trouble };
  const source_problem = await problemIn(signal, () => deps.nodes.at(source).drain(tenantId, signal));
  return { in_flight: null, source_problem };
}

export async function convergeGone(
  deps: NodeDeps,
  source: Shard,
  gone: GoneSource,
  tenantId: string,
  signal: AbortSignal,
): Promise<AskedOfGone> {
  if (!gone.answers) return { in_flight: null, source_problem: gone.trouble };
  const drained = await untilDrained(deps, source, tenantId, CONVERGE_MS, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    return { overrun: sentence(error) };
  });
  return { in_flight: null, source_problem: 'overrun' in drained ? drained.overrun : null };
}

type Job = Pick<JobContext<{ readonly tenant_id: string }>, 'input' | 'jobId' | 'actor' | 'reason' | 'signal'>;

/** Takes back what was asked of it, where it answered. */
export async function resumeGone(
  deps: NodeDeps,
  source: Shard,
  before: { readonly was_drained: boolean; readonly gone?: GoneSource },
  job: Job,
): Promise<void> {
  if (!before.gone?.answers || before.was_drained) return;
  const { input, signal } = job;
  const problem = await problemIn(signal, () => deps.nodes.at(source).resume(input.tenant_id, signal));
  if (problem !== null) await oweResume(deps, source.shard_id, input.tenant_id, job);
}

/** Has the keeper of drains resume the tenant when its node answers; an order that stood before is left as it is. */
export async function oweResume(
  { drains, ambient }: NodeDeps,
  shardId: string,
  tenantId: string,
  { jobId, actor, reason }: Omit<Job, 'input'>,
): Promise<void> {
  if ((await drains.find(shardId, tenantId))?.wanted === 'drained') return;
  await drains.wish(shardId, tenantId, { wanted: 'serving', job_id: jobId, by: actor, reason, since: ambient.now() });
}

async function problemIn(signal: AbortSignal, ask: () => Promise<unknown>): Promise<string | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    signal.throwIfAborted();
    return sentence(error);
  }
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
