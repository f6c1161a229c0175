/** `scale.shards.put`: register a shard or change what is known of it. */
import { Problem, type Change, type Shard } from '@cloudlysis/contract';
import { touched } from '../../jobs/define/blast-radius.ts';
import type { InputOf } from '../../call/call.ts';
import { defineJob } from '../../jobs/define/define-job.ts';
import type { JobDefinition, EffectStep } from '../../jobs/define/definition.ts';
import { checkOf, holds } from '../../jobs/plan/checks.ts';
import { grouped } from '../../kernel/figures.ts';
import type { PlacementDeps } from '../migrate/placement-deps.ts';
import { routingCheck } from '../nodes/gateway-routing.ts';
import { laneCheck, laneHolder } from '../../jobs/plan/lanes.ts';
import { nodeCheck, type ShardSight } from '../nodes/node-checks.ts';
import { shardOf } from '../record/placement.store.ts';

type Input = InputOf<'scale.shards.put'>;

interface Before {
  /** Null for a new shard. */
  readonly shard: Shard | null;
}

const FIELDS = ['kind', 'endpoint', 'labels', 'capacity', 'region'] as const satisfies (keyof Shard)[];

const wanted = ({ shard_id, kind, endpoint, labels, capacity, region }: Input): Shard => ({
  shard_id, kind, endpoint, labels, capacity, region,
}); // prettier-ignore

export function shardsPutJob(deps: PlacementDeps): JobDefinition<Input> {
  const before = async (id: string): Promise<Shard | null> => {
    const record = await deps.store.findShard(id);
    return record && shardOf(record);
  };
  const probe: EffectStep<Input, unknown, Before> = {
    name: 'probe',
    title: ({ endpoint }) => `Ask the node at ${endpoint} who it is`,
    intent: async ({ input }) => ({ shard: await before(input.shard_id) }),
    async run({ input, signal }) {
      const { state, readiness, problem } = await deps.watch.ask(wanted(input), signal);
      return { version: state?.version ?? null, ready: readiness?.ready ?? false, problem };
    },
  };
  return defineJob<Input>('scale.shards.put', {
    lane: (input) => `shard:${input.shard_id}`,
    tenantId: () => null,
    resource: (input) => `shard:${input.shard_id}`,
    async plan(input, caller) {
      const next = wanted(input);
      deps.nodes.assertAllowed(next.endpoint);
      const [now, counts, holder, sight] = await Promise.all([
        before(next.shard_id),
        deps.book.counts(),
        laneHolder(deps.jobs, `shard:${next.shard_id}`, caller.jobId),
        deps.watch.ask(next),
      ]);
      const tenants = counts.get(next.shard_id) ?? 0;
      assertKind(now, next, tenants);
      return {
        checks: [laneCheck(`shard:${next.shard_id}`, holder), identityCheck(sight), roomCheck(next, tenants)],
        diff: diffOf(now, next),
        // Who lives there is asked for at another address.
        blastRadius: [
          ...touched('shard', [next.shard_id]),
          ...(now && now.endpoint !== next.endpoint ? touched('tenant', await tenantsOn(deps, next.shard_id)) : []),
        ],
        rollback: now ? 'Putting the values before undoes it.' : 'A shard that holds no tenants has no effect.',
        world: now,
      };
    },
    steps: [probe],
    async verify({ input, signal }) {
      const shard = wanted(input);
      const sight = await deps.watch.ask(shard, signal);
      const carries = shard.kind === 'gateway' && !sight.stranger;
      const routes = carries ? [await routingCheck(deps, shard, signal)] : [];
      return { checks: [identityCheck(sight), ...routes], facts: {} };
    },
    /** Shard and job end in one transaction; the lane keeps other writers out until then. */
    commit: ({ input }, session) => deps.store.saveShard(wanted(input), session),
    undo(_input, context) {
      const shard = context.intentOf(probe)?.shard;
      if (!shard) return null;
      const { shard_id, ...body } = shard;
      return {
        operation: 'scale.shards.put',
        params: { shard_id },
        body: { ...body, reason: `Undo of ${context.jobId}` },
      };
    },
  });
}

async function tenantsOn({ mirror }: PlacementDeps, shardId: string): Promise<string[]> {
  const placements = await mirror.placements();
  return placements.filter(({ shard_id }) => shard_id === shardId).map(({ tenant_id }) => tenant_id);
}

function assertKind(now: Shard | null, next: Shard, tenants: number): void {
  if (!now || now.kind === next.kind || tenants === 0) return;
  throw new Problem(
    'shard.kind_mismatch',
    `${now.shard_id} serves ${now.kind} and holds ${tenants} tenants: empty it before it becomes ${next.kind}`,
  );
}

/** A node that does not answer yet may be registered before it starts; what is another node, or none, may not. */
function identityCheck(sight: ShardSight) {
  if (sight.state || sight.stranger) return nodeCheck('node', sight);
  const detail = `${sight.shard.shard_id} does not answer yet: ${sight.problem}`;
  return checkOf('node.reachable', 'The node answers', 'warn', { measured: sight.problem, limit: null, detail });
}

function roomCheck({ capacity }: Shard, tenants: number) {
  const over = tenants > capacity.tenants;
  const detail = `it holds ${grouped(tenants)} of ${grouped(capacity.tenants)} tenants`;
  const values = { measured: tenants, limit: capacity.tenants, unit: 'tenants', detail };
  return over
    ? checkOf('shard.capacity', 'It has room for what it holds', 'warn', values)
    : holds('shard.capacity', 'It has room for what it holds', true, values);
}

function diffOf(now: Shard | null, next: Shard): Change[] {
  const path = `shards.${next.shard_id}`;
  if (!now) return [{ op: 'add', path, before: null, after: next }];
  return FIELDS.filter((field) => JSON.stringify(now[field]) !== JSON.stringify(next[field])).map((field) => ({
    op: 'replace',
    path: `${path}.${field}`,
    before: now[field],
    after: next[field],
  }));
}
