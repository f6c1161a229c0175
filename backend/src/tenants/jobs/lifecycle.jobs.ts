/** Pause, resume, archive and restore: one shape — the flag, the nodes' agreement, then the record with the job's end. */
import { Problem, type Change, type Check } from '@cloudlysis/contract';
import { defineJob } from '../../jobs/define/define-job.ts';
import type { JobContext, JobDefinition, PlanCaller, EffectStep } from '../../jobs/define/definition.ts';
import type { TenantFlags } from '../../ports/nats/index.ts';
import { commitRecord, aboutOneTenant, waitingStepMs, type TenantJobParts } from './job-parts.ts';
import { blastRadius, busCheck, laneCheck, nodesCheck } from './preflight-checks.ts';
import { blocked, passed } from '../../jobs/plan/checks.ts';
import { holdsBack, letsThrough, nodeChecks, type Agreement } from '../nodes/serving-nodes.ts';
import type { FlagIntent } from '../nodes/tenant-flag.ts';
import {
  flagAfter,
  recordAfter,
  refusalOf,
  REVERSE,
  type LifecycleKind,
  type TenantRecord,
} from '../directory/tenants.ts';

interface LifecycleInput {
  readonly tenant_id: string;
  readonly reason: string;
}

interface LifecycleIntent extends FlagIntent {
  /** Version of the record that the decision was made on; the job's end is written over this one alone. */
  readonly version: number;
  readonly wanted: Omit<TenantFlags, 'revision'>;
}

interface Words {
  readonly flag: string;
  readonly nodes: string;
  readonly rollback: string;
}

const WORDS: Record<LifecycleKind, Words> = {
  'tenants.pause': {
    flag: 'Tell the nodes to hold back commands and effects',
    nodes: 'Wait until every node holds back',
    rollback: 'Resume lifts the pause; events written until then stay.',
  },
  'tenants.resume': {
    flag: 'Lift the flag that holds the tenant back',
    nodes: 'Wait until every node lets it through',
    rollback: 'Pause holds the tenant back again.',
  },
  'tenants.archive': {
    flag: 'Tell the nodes to hold back commands and effects',
    nodes: 'Wait until every node holds back',
    rollback: 'Restore brings the tenant back within the cooling period; its data stays.',
  },
  'tenants.restore': {
    flag: 'Give the tenant back the flag it had before it was archived',
    nodes: 'Wait until every node has read it',
    rollback: 'Archive stops the tenant again, with a new cooling period.',
  },
};

export function lifecycleJob(kind: LifecycleKind, parts: TenantJobParts): JobDefinition<LifecycleInput> {
  const words = WORDS[kind];
  const flag = flagStep(kind, parts);
  return defineJob<LifecycleInput>(kind, {
    ...aboutOneTenant,
    plan: (input, caller) => plan(kind, input, caller, parts),
    steps: [
      flag,
      {
        name: 'nodes',
        title: words.nodes,
        timeoutMs: waitingStepMs(parts),
        // The wait is the attempt: a second one would only double it.
        attempts: 1,
        run: async (context) => {
          const verdicts = await parts.serving.until(
            context.input.tenant_id,
            agreement(context.intentOf(flag)!),
            context.signal,
          );
          return Object.fromEntries(verdicts.map(({ node, says }) => [node.shardId, says]));
        },
      },
    ],
    verify: (context) => verify(context, context.intentOf(flag)!, parts),
    commit: (context, session) => {
      const { jobId, input } = context;
      const { reason, tenant_id: tenantId } = input;
      const { version, revision: flagRevision } = context.intentOf(flag)!;
      const coolingDays = parts.config.ARCHIVE_COOLING_DAYS;
      const moment = { jobId, reason, now: parts.ambient.now(), coolingDays, flagRevision };
      return commitRecord(parts, { tenantId, jobId, version }, (record) => recordAfter(kind, record, moment), session);
    },
    undo: ({ tenant_id }, { jobId }) => ({
      operation: REVERSE[kind],
      params: { tenant_id },
      body: { reason: `undo of ${jobId}` },
    }),
  });
}

const flagStep = (
  kind: LifecycleKind,
  parts: TenantJobParts,
): EffectStep<LifecycleInput, unknown, LifecycleIntent> => ({
  name: 'flag',
  title: WORDS[kind].flag,
  intent: ({ input }) => intend(kind, input, parts),
  run: ({ input, intent: { wanted, ...flag } }) => parts.flag.write(input.tenant_id, wanted, flag),
  compensate: async ({ input, intent }) => {
    if (intent) await parts.flag.restore(input.tenant_id, intent);
  },
});

function agreement({ wanted, revision }: LifecycleIntent): Agreement {
  return wanted.paused ? holdsBack(revision) : letsThrough(revision);
}

/** Decided once more when the job runs: it may have waited for the lane while another one changed the tenant. */
async function intend(kind: LifecycleKind, input: LifecycleInput, parts: TenantJobParts): Promise<LifecycleIntent> {
  const record = await parts.store.get(input.tenant_id);
  const refusal = refusalOf(kind, record, parts.ambient.now());
  if (refusal) throw new Problem('tenant.state', refusal);
  const flag = await parts.flag.intend(input.tenant_id, record.flag_revision ?? 0, () =>
    parts.serving.flagsHeld(input.tenant_id),
  );
  return { ...flag, version: record.version, wanted: flagAfter(kind, record, input.reason) };
}

async function plan(
  kind: LifecycleKind,
  input: LifecycleInput,
  { jobId, principal }: PlanCaller,
  parts: TenantJobParts,
) {
  const { store, serving, jobs, nats, ambient } = parts;
  const record = await store.get(input.tenant_id);
  const [lane, bus, nodes, blast, flag] = await Promise.all([
    laneCheck(jobs, input.tenant_id, jobId),
    busCheck(nats),
    nodesCheck(serving, input.tenant_id),
    blastRadius(input.tenant_id, !record.paused && !record.archived, principal !== null, parts),
    flagSight(input.tenant_id, parts),
  ]);
  return {
    checks: [stateCheck(kind, record, ambient.now()), lane, flag.problem ?? bus, nodes],
    diff: diffOf(kind, record, flag.value, parts.config.ARCHIVE_COOLING_DAYS),
    blastRadius: blast,
    rollback: WORDS[kind].rollback,
    world: { version: record.version, config_revision: flag.problem ? null : (flag.value?.revision ?? 0) },
  };
}

/** What could not be read is not known: taken for absent it would be another plan than a moment ago, or the wrong one. */
async function flagSight(
  tenantId: string,
  { flag }: TenantJobParts,
): Promise<{ readonly value: TenantFlags | null; readonly problem: Check | null }> {
  try {
    return { value: await flag.read(tenantId), problem: null };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { value: null, problem: blocked('bus.reachable', 'NATS answers', error.message, null) };
  }
}

/** A refusal is a blocked check, not an error: the operator sees it beside who else is at the tenant and what it does. */
function stateCheck(kind: LifecycleKind, record: TenantRecord, now: Date): Check {
  const title = 'The tenant is in a state that allows this';
  const state = record.phase === 'live' && record.paused ? 'paused' : record.phase;
  const refusal = refusalOf(kind, record, now);
  return refusal
    ? blocked('tenant.state', title, refusal, state)
    : passed('tenant.state', title, `${record._id} is ${state}`, state);
}

/** Without the reason, which may be given after the plan was seen: with it that plan would be another one. */
function diffOf(kind: LifecycleKind, record: TenantRecord, flag: TenantFlags | null, coolingDays: number): Change[] {
  const id = record._id;
  const wanted = flagAfter(kind, record, '');
  const replace = (path: string, before: unknown, after: unknown): Change => ({ op: 'replace', path, before, after });
  const changes = [replace(`config.tenants.${id}.paused`, flag?.paused ?? null, wanted.paused)];
  if (kind === 'tenants.archive') {
    changes.push(replace(`tenants.${id}.phase`, record.phase, 'archived'));
    // In days, not as a date: the date is known when the job ends, and a plan must hash the same until then.
    changes.push(replace(`tenants.${id}.purge_after`, null, `${coolingDays} days after the job ends`));
  }
  if (kind === 'tenants.restore') {
    changes.push(replace(`tenants.${id}.phase`, record.phase, 'live'));
    changes.push(replace(`tenants.${id}.purge_after`, record.archived?.purge_after.toISOString() ?? null, null));
  }
  if (kind === 'tenants.pause') changes.push(replace(`tenants.${id}.paused`, false, true));
  if (kind === 'tenants.resume') changes.push(replace(`tenants.${id}.paused`, true, false));
  return changes.filter(({ before, after }) => before !== after);
}

async function verify(
  context: JobContext<LifecycleInput>,
  intent: LifecycleIntent,
  { flag, serving, store }: TenantJobParts,
) {
  const { tenant_id } = context.input;
  const { wanted, revision, version } = intent;
  const [published, verdicts, record] = await Promise.all([
    flag.read(tenant_id),
    serving.ask(tenant_id, agreement(intent), context.signal),
    store.get(tenant_id),
  ]);
  const held = published?.paused === wanted.paused && published.revision === revision;
  const at = published ? `paused: ${published.paused}, revision ${published.revision}` : 'no entry';
  return {
    checks: [
      (held ? passed : blocked)('flag.published', 'The flag is published', `the config bucket holds ${at}`, at),
      versionCheck(record, version),
      ...nodeChecks(verdicts, wanted.paused ? 'held back' : 'let through'),
    ],
    facts: { config_revision: revision, nodes: verdicts.length },
  };
}

/** The end is written over the version that was decided on; finding another one here is undone instead. */
export function versionCheck(record: TenantRecord, version: number): Check {
  const verdict = record.version === version ? passed : blocked;
  const detail = `${record._id} is at version ${record.version}, decided on version ${version}`;
  return {
    ...verdict('record.version', 'Nobody changed the record meanwhile', detail, record.version),
    limit: version,
  };
}
