/** Pause, resume and archive of many tenants: one parent job, and one child job of the single kind for each (UI-15). */
import { createHash } from 'node:crypto';
import { Problem, type Check } from '@cloudlysis/contract';
import { defineJob } from '../../jobs/define/define-job.ts';
import type {
  ChildJob,
  ChildResult,
  ChildrenStep,
  JobContext,
  JobDefinition,
  Remainder,
  Undo,
} from '../../jobs/define/definition.ts';
import { planBulk, type BulkInput, type BulkWords } from './bulk.plan.ts';
import type { TenantJobParts } from './job-parts.ts';
import { blocked, passed } from '../../jobs/plan/checks.ts';
import type { TenantRecord } from '../directory/tenants.ts';

export type BulkKind = 'tenants.bulk_pause' | 'tenants.bulk_resume' | 'tenants.bulk_archive';

const STAYS = 'A tenant whose change fails is left as it was; what was changed before a failure or a cancel stays. ';
const WORDS: Record<BulkKind, BulkWords & { readonly undo: BulkKind | null; readonly done: string }> = {
  'tenants.bulk_pause': {
    kind: 'tenants.pause',
    undo: 'tenants.bulk_resume',
    done: 'paused',
    rollback: `${STAYS}Resuming those that were paused reverses it.`,
  },
  'tenants.bulk_resume': {
    kind: 'tenants.resume',
    undo: 'tenants.bulk_pause',
    done: 'not paused',
    rollback: `${STAYS}Pausing those that were resumed reverses it.`,
  },
  'tenants.bulk_archive': {
    kind: 'tenants.archive',
    undo: null,
    done: 'archived',
    rollback: `${STAYS}Each tenant is restored by itself within the cooling period; its data stays.`,
  },
};

const AT_ONCE = 4;
/** Tenants named in a sentence. */
const NAMED = 20;

export function bulkJob(bulk: BulkKind, parts: TenantJobParts): JobDefinition<BulkInput> {
  const words = WORDS[bulk];
  const undoOf = (tenantIds: readonly string[], jobId: string): Undo | null =>
    words.undo && {
      operation: words.undo,
      params: {},
      body: { tenant_ids: [...tenantIds].sort(), reason: `undo of ${jobId}` },
    };
  const tenants = tenantsStep(words, parts);
  return defineJob<BulkInput>(bulk, {
    // Each tenant's own lane is held by its child; this one only keeps the same request from running beside itself.
    lane: ({ tenant_ids }) => `bulk:${digest(tenant_ids)}`,
    tenantId: () => null,
    tenants: ({ tenant_ids }) => tenant_ids,
    resource: ({ tenant_ids }) =>
      tenant_ids.length === 1 ? `tenant:${tenant_ids[0]}` : `tenants:${tenant_ids.length}`,
    plan: (input, { jobId }) => planBulk(words, input, jobId, parts),
    steps: [tenants],
    verify: (context) => verifyAll(words, context, parts),
    remainder: (input, succeeded) => remainderOf(words, input, succeeded, parts),
    undo: ({ tenant_ids }, { jobId, outcomeOf }) => {
      // What somebody else did is not this job's to undo.
      const already = outcomeOf(tenants)?.already ?? [];
      const changed = tenant_ids.filter((id) => !already.includes(id));
      return changed.length > 0 ? undoOf(changed, jobId) : null;
    },
    undoPart: (children, jobId) =>
      undoOf(
        children.map((input) => (input as { tenant_id: string }).tenant_id),
        jobId,
      ),
  });
}

interface Changed {
  readonly changed: number;
  /** Those that somebody else had changed before; absent in jobs of 0.1. */
  readonly already?: readonly string[];
  readonly jobs: readonly string[];
}

const tenantsStep = (
  words: (typeof WORDS)[BulkKind],
  parts: TenantJobParts,
): ChildrenStep<BulkInput, unknown, unknown, Changed> => ({
  name: 'tenants',
  title: ({ tenant_ids, concurrency = AT_ONCE }) => `Change ${tenant_ids.length} tenants, ${concurrency} at once`,
  children: ({ input: { tenant_ids, reason, concurrency = AT_ONCE } }) => ({
    jobs: tenant_ids.map((id): ChildJob => ({ kind: words.kind, key: id, input: { tenant_id: id, reason } })),
    atOnce: concurrency,
  }),
  joined: (_context, results) => allChanged(words, results, parts),
});

const digest = (ids: readonly string[]): string =>
  createHash('sha256')
    .update([...ids].sort().join(' '))
    .digest('hex')
    .slice(0, 16);

/** @throws Problem that names those that were not changed */
async function allChanged(
  words: (typeof WORDS)[BulkKind],
  results: readonly ChildResult[],
  { store }: TenantJobParts,
): Promise<Changed> {
  const unchanged = results.filter(({ state }) => state !== 'succeeded');
  // Somebody else was quicker, such as the same change tried again twice: what is as it was wanted is no failure.
  const records = unchanged.length > 0 ? await store.some(unchanged.map(({ key }) => key)) : [];
  const already = new Set(records.filter((record) => isDone(words, record)).map(({ _id }) => _id));
  const failed = unchanged.filter(({ key }) => !already.has(key));
  if (failed.length > 0) throw incomplete(failed, results.length, words.done);
  const changed = results.length - unchanged.length;
  return { changed, already: [...already], jobs: results.flatMap(({ jobId }) => jobId ?? []) };
}

function incomplete(failed: readonly ChildResult[], of: number, done: string): Problem {
  const each = failed.slice(0, NAMED).map(({ key, state, detail }) => `${key} ${state}${detail ? ` (${detail})` : ''}`);
  const more = failed.length > NAMED ? ` and ${failed.length - NAMED} more` : '';
  return new Problem('step.failed', `${failed.length} of ${of} tenants are not ${done}: ${each.join('; ')}${more}`, {
    failed: failed.map(({ key, jobId, state }) => ({ tenant_id: key, job_id: jobId, state })),
  });
}

const isDone = ({ kind }: BulkWords, { paused, archived }: TenantRecord): boolean =>
  kind === 'tenants.archive' ? archived !== null : (paused !== null) === (kind === 'tenants.pause');

async function remainderOf(
  words: BulkWords,
  input: BulkInput,
  succeeded: readonly string[],
  { store }: TenantJobParts,
): Promise<Remainder> {
  const records = await store.some(input.tenant_ids);
  const asWanted = new Set(records.filter((record) => isDone(words, record)).map(({ _id }) => _id));
  const done = input.tenant_ids.filter((id) => asWanted.has(id));
  const changedSince = succeeded.filter((id) => !asWanted.has(id));
  const left = input.tenant_ids.filter((id) => !asWanted.has(id) && !changedSince.includes(id));
  return { input: { ...input, tenant_ids: left }, left, done, changedSince };
}

async function verifyAll(words: (typeof WORDS)[BulkKind], { input }: JobContext<BulkInput>, { store }: TenantJobParts) {
  const records = await store.some(input.tenant_ids);
  const done = records.filter((record) => isDone(words, record)).map(({ _id }) => _id);
  const left = input.tenant_ids.filter((id) => !done.includes(id));
  const named = `${left.slice(0, NAMED).join(', ')}${left.length > NAMED ? ` and ${left.length - NAMED} more` : ''}`;
  const detail = left.length ? `not ${words.done}: ${named}` : `all ${done.length} tenants are ${words.done}`;
  const check: Check = {
    ...(left.length ? blocked : passed)('tenants.done', `The tenants are ${words.done}`, detail, done.length),
    limit: input.tenant_ids.length,
    unit: 'tenants',
  };
  return { checks: [check], facts: { tenants: done.length } };
}
