/** Creating a tenant (TEN-01, TEN-10..12): record, streams, consumers, flag, placement, readiness; undone in reverse. */
import { Problem, type ServiceKind } from '@cloudlysis/contract';
import type { InputOf } from '../../call/call.ts';
import { defineJob } from '../../jobs/define/define-job.ts';
import type { JobContext, JobDefinition, EffectStep } from '../../jobs/define/definition.ts';
import { planCreation } from './create.plan.ts';
import { commitRecord, aboutOneTenant, waitingStepMs, type TenantJobParts } from './job-parts.ts';
import { versionCheck } from './lifecycle.jobs.ts';
import { createProvisioning, type Provisioning, type ShardChoice } from './provisioning.ts';
import { nodeChecks, serves } from '../nodes/serving-nodes.ts';
import type { FlagIntent } from '../nodes/tenant-flag.ts';
import { completeMetadata, newTenant, SEED_JOB, type TenantRecord } from '../directory/tenants.ts';

export type CreateInput = InputOf<'tenants.create'>;
type Context = JobContext<CreateInput, ShardChoice>;

type RecordStep = EffectStep<CreateInput, ShardChoice, unknown, { version: number }>;
type FlagStep = EffectStep<CreateInput, ShardChoice, FlagIntent, { revision: number }>;

export function createJob(parts: TenantJobParts): JobDefinition<CreateInput, ShardChoice> {
  const provisioning = createProvisioning(parts);
  const record = recordStep(parts, provisioning);
  const flag = flagStep(parts, provisioning);
  const versionOf = (context: Pick<Context, 'outcomeOf'>): number => context.outcomeOf(record)!.version;
  const revisionOf = (context: Pick<Context, 'outcomeOf'>): number => context.outcomeOf(flag)?.revision ?? 0;
  return defineJob<CreateInput, ShardChoice>('tenants.create', {
    ...aboutOneTenant,
    plan: (input, { jobId }) => planCreation(input, jobId, parts),
    steps: [
      record,
      {
        name: 'streams',
        title: 'Make sure the platform’s streams and buckets exist',
        run: async () => void (await parts.nats.ensureStreams()),
      },
      consumersStep(provisioning),
      flag,
      placementStep(parts, provisioning),
      readinessStep(parts, revisionOf),
    ],
    verify: (context) =>
      verify(context, { version: versionOf(context), revision: revisionOf(context) }, parts, provisioning),
    commit: (context, session) => {
      const now = parts.ambient.now();
      const at = { tenantId: context.input.tenant_id, jobId: context.jobId, version: versionOf(context) };
      const live = { phase: 'live' as const, state_since: now, updated_at: now };
      return commitRecord(parts, at, (record) => ({ ...record, ...live }), session);
    },
    undo: ({ tenant_id }, { jobId }) => ({
      operation: 'tenants.archive',
      params: { tenant_id },
      body: { reason: `undo of ${jobId}` },
    }),
  });
}

function recordStep(parts: TenantJobParts, provisioning: Provisioning): RecordStep {
  const { store, writes, ambient, environment } = parts;
  return {
    name: 'record',
    title: 'Record the tenant as being provisioned',
    run: async ({ input, jobId }) => {
      const metadata = completeMetadata(input.metadata, environment.id);
      const wanted = newTenant(input.tenant_id, metadata, jobId, ambient.now());
      const found = await store.find(wanted._id);
      const record = found ? await takeOver(found, wanted, parts, provisioning) : await store.insert(wanted);
      writes.wrote(record);
      return { version: record.version };
    },
    compensate: async ({ input, jobId }) => {
      if (await store.removeProvisioning(input.tenant_id, jobId)) writes.removed(input.tenant_id);
    },
  };
}

/**
 * A record that this job inserted before it died is its own. One that another job is still provisioning was left behind
 * by a compensation that failed: this job holds the lane, so that one has ended, and nobody else can clear it away.
 */
async function takeOver(
  found: TenantRecord,
  wanted: TenantRecord,
  { store }: TenantJobParts,
  provisioning: Provisioning,
): Promise<TenantRecord> {
  if (found.phase !== 'provisioning' || found.job_id === SEED_JOB) {
    throw new Problem('tenant.exists', `there is a tenant ${found._id} already`);
  }
  if (found.job_id === wanted.job_id) return found;
  await provisioning.clear(found._id, wanted.job_id);
  return store.save(wanted, found.version);
}

const consumersStep = (provisioning: Provisioning): EffectStep<CreateInput, ShardChoice, { before: string[] }> => ({
  name: 'consumers',
  title: 'Create its consumers',
  intent: async ({ input }) => ({ before: await provisioning.existingConsumers(input.tenant_id) }),
  run: ({ input }) => provisioning.ensureConsumers(input.tenant_id),
  compensate: async ({ input, intent }) => {
    if (intent) await provisioning.dropConsumers(input.tenant_id, intent.before);
  },
});

const flagStep = (parts: TenantJobParts, provisioning: Provisioning): FlagStep => ({
  name: 'config',
  title: 'Seed its configuration',
  intent: ({ input }) => parts.flag.intend(input.tenant_id),
  run: ({ input, intent }) => provisioning.ensureFlag(input.tenant_id, intent),
  compensate: async ({ input, intent }) => {
    if (intent && !intent.before) await parts.flag.restore(input.tenant_id, intent);
  },
});

/** How long nodes may take to let go of a tenant whose creation is undone, before its consumers are deleted under them. */
const LETTING_GO_MS = 2_000;

const placementStep = (parts: TenantJobParts, provisioning: Provisioning): EffectStep<CreateInput, ShardChoice> => ({
  name: 'placement',
  title: ({ shards }) => `Place it${shards ? ' as told' : ' on the least loaded shards'}`,
  run: ({ input, decision, jobId }) => provisioning.place(input.tenant_id, decision, jobId),
  compensate: async ({ input, jobId, signal }) => {
    const placed = await parts.placement.of(input.tenant_id);
    await parts.placement.release(input.tenant_id, jobId);
    const gateways = (await parts.placement.shards('gateway')).map(({ shard_id }) => shard_id);
    const shards = [...placed.map(({ shard_id }) => shard_id), ...gateways];
    if (placed.length) await letGo(parts, input.tenant_id, shards, signal);
  },
});

/** Best effort: a node that still follows the tenant would make its consumers anew. */
async function letGo(
  { placement, nodes, ambient }: TenantJobParts,
  tenantId: string,
  shardIds: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const end = ambient.monotonic() + LETTING_GO_MS;
  const holds = async (shardId: string): Promise<boolean> => {
    const state = await nodes.at(await placement.shard(shardId)).stateOf(tenantId, signal);
    return state.tenants.some(({ tenant_id }) => tenant_id === tenantId);
  };
  while (ambient.monotonic() < end) {
    const held = await Promise.all(shardIds.map((shardId) => holds(shardId).catch(() => false)));
    signal.throwIfAborted();
    if (!held.includes(true)) return;
    await ambient.sleep(50, signal);
  }
}

const readinessStep = (
  parts: TenantJobParts,
  revisionOf: (context: Context) => number,
): EffectStep<CreateInput, ShardChoice> => ({
  name: 'readiness',
  title: 'Wait until every node serves it',
  timeoutMs: waitingStepMs(parts),
  attempts: 1,
  run: async (context) => {
    const verdicts = await parts.serving.until(context.input.tenant_id, serves(revisionOf(context)), context.signal);
    return Object.fromEntries(verdicts.map(({ node, says }) => [node.shardId, says]));
  },
});

async function verify(
  context: Context,
  made: { readonly version: number; readonly revision: number },
  parts: TenantJobParts,
  provisioning: Provisioning,
) {
  const { tenant_id } = context.input;
  const [checks, verdicts, record, placed] = await Promise.all([
    provisioning.checks(tenant_id, parts.environment.placementSource === 'kv'),
    parts.serving.ask(tenant_id, serves(made.revision), context.signal),
    parts.store.get(tenant_id),
    parts.placement.of(tenant_id),
  ]);
  const shards: Partial<Record<ServiceKind, string>> = Object.fromEntries(
    placed.map(({ kind, shard_id }) => [kind, shard_id]),
  );
  return {
    checks: [...checks, versionCheck(record, made.version), ...nodeChecks(verdicts, 'serving')],
    facts: { shards, nodes: verdicts.length },
  };
}
