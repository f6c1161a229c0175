/** `scale.drain`: drain a tenant on a shard, or the whole node, or take it back (OPS-07, OPS-08). */
import { Problem, type Change, type Check, type Shard } from '@cloudlysis/contract';
import type { InputOf } from '../call.ts';
import type { JobDefinition, Step } from '../jobs/definition.ts';
import { blastRadiusOf } from './blast-radius.ts';
import { checkOf, grouped, holds } from './checks.ts';
import type { PlacementDeps } from './deps.ts';
import { laneHolder } from './move-survey.ts';
import { nodeCheck, type ShardSight } from './node-checks.ts';
import { laneCheck, limitsOf, tenantOn } from './placement.ts';
import { shardOf } from './placement.store.ts';
import { untilDrained } from './tenant-at-node.ts';
import { waitFor } from './waiting.ts';

type Input = InputOf<'scale.drain'>;

/** Of a tenant's, or of the whole node's. */
interface Before {
  readonly was_drained: boolean;
}

const RESUME_MS = 10_000;
const GRACE_MS = 5_000;

const laneOf = ({ tenant_id, shard_id }: Input): string => (tenant_id ? `tenant:${tenant_id}` : `shard:${shard_id}`);
const subjectOf = ({ tenant_id, shard_id }: Input): string => (tenant_id ? `${tenant_id} on ${shard_id}` : shard_id);

export function drainJob(deps: PlacementDeps): JobDefinition<Input> {
  return {
    kind: 'scale.drain',
    risk: 'high',
    permission: 'scale.drain',
    lane: laneOf,
    tenantId: (input) => input.tenant_id ?? null,
    resource: laneOf,
    plan: (input, caller) => plan(deps, input, caller.jobId),
    steps: [actStep(deps), convergeStep(deps)],
    verify: async ({ input, signal }) => {
      const shard = await shardAt(deps, input);
      const sight = await deps.watch.look(shard, signal);
      return { checks: [outcomeCheck(input, sight)], facts: { in_flight: inFlight(input, sight) } };
    },
    undo(input, context) {
      // It was so before: undoing would change what this job did not.
      const wanted = input.action === 'drain';
      if (context.intentOf<Before>('act')?.was_drained === wanted) return null;
      const action = wanted ? 'resume' : 'drain';
      return { operation: 'scale.drain', params: {}, body: { ...input, action, reason: `Undo of ${context.jobId}` } };
    },
  };
}

async function plan(deps: PlacementDeps, input: Input, jobId: string | null) {
  const shard = await shardAt(deps, input);
  if (input.tenant_id) await assertPlaced(deps, shard, input.tenant_id);
  const [sight, holder] = await Promise.all([deps.watch.look(shard), laneHolder(deps.jobs, laneOf(input), jobId)]);
  const held = sight.state?.tenants.map(({ tenant_id }) => tenant_id) ?? [];
  const tenants = input.tenant_id ? [input.tenant_id] : held;
  return {
    checks: [laneCheck(laneOf(input), holder), nodeCheck('node', sight), effectCheck(input, tenants.length)],
    diff: diffOf(input, sight),
    blastRadius: blastRadiusOf(tenants, inFlight(input, sight), deps),
    rollback:
      input.action === 'drain'
        ? 'A drain that does not converge in its time, or is cancelled, is taken back. Once finished, a resume undoes it.'
        : 'A drain undoes it.',
    world: { shard: shard.shard_id, endpoint: shard.endpoint },
  };
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

function actStep(deps: PlacementDeps): Step<Input> {
  const apply = async (input: Input, action: Input['action'], signal: AbortSignal): Promise<void> => {
    const node = deps.nodes.at(await shardAt(deps, input));
    const tenant = input.tenant_id ?? null;
    if (action === 'drain') await node.drain(tenant, signal);
    else await node.resume(tenant, signal);
  };
  return {
    name: 'act',
    title: (input) => `${input.action === 'drain' ? 'Drain' : 'Resume'} ${subjectOf(input)}`,
    async intent({ input, signal }): Promise<Before> {
      const { state, problem } = await deps.watch.look(await shardAt(deps, input), signal);
      if (!state) throw new Problem('node.unreachable', problem ?? `${input.shard_id} did not answer`);
      return { was_drained: isDrained(input, state) };
    },
    run: async ({ input, signal }) => {
      await apply(input, input.action, signal);
      return null;
    },
    async compensate({ input, intent, signal }) {
      const before = intent as Before | null;
      if (before) await apply(input, before.was_drained ? 'drain' : 'resume', signal);
    },
  };
}

function convergeStep(deps: PlacementDeps): Step<Input> {
  return {
    name: 'converge',
    title: (input) =>
      input.action === 'drain'
        ? `Wait until nothing is in flight, at most ${limitsOf(input).drainTimeoutMs / 1_000} s`
        : 'Wait until the node says that it serves again',
    timeoutMs: (input) => limitsOf(input).drainTimeoutMs + RESUME_MS + GRACE_MS,
    attempts: 1,
    async run({ input, signal }) {
      const shard = await shardAt(deps, input);
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

const isDrained = ({ tenant_id }: Input, state: State): boolean => {
  const tenant = tenant_id ? tenantOn(state, tenant_id) : null;
  return tenant_id ? tenant?.state === 'draining' || tenant?.state === 'drained' : state.draining;
};

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

const shardAt = async (deps: PlacementDeps, input: Input): Promise<Shard> =>
  shardOf(await deps.store.shard(input.shard_id));
