/** Changing a tenant's metadata (TEN-05..09): decided on one version of the record, written with the job's end. */
import { Problem, TenantMetadata } from '@cloudlysis/contract';
import { touched } from '../../jobs/define/blast-radius.ts';
import type { InputOf } from '../../call/call.ts';
import { changesOf } from '../../kernel/changes.ts';
import { defineJob } from '../../jobs/define/define-job.ts';
import type { JobDefinition, PlanDraft, EffectStep } from '../../jobs/define/definition.ts';
import { commitRecord, aboutOneTenant, type TenantJobParts } from './job-parts.ts';
import { versionCheck } from './lifecycle.jobs.ts';
import { laneCheck } from './preflight-checks.ts';
import { blocked, passed } from '../../jobs/plan/checks.ts';
import { mergeMetadata, reversePatch, type MetadataPatch, type TenantRecord } from '../directory/tenants.ts';

type UpdateInput = InputOf<'tenants.update'>;

/** Of the metadata only the fields that the change touches: the others may be of any size, and are still there. */
interface UpdateIntent {
  readonly version: number;
  readonly before: MetadataPatch;
  readonly after: MetadataPatch;
}

export function updateJob(parts: TenantJobParts): JobDefinition<UpdateInput> {
  const { store, ambient } = parts;
  const metadata = metadataStep(parts);
  return defineJob<UpdateInput>('tenants.update', {
    ...aboutOneTenant,
    plan: (input, { jobId }) => plan(input, jobId, parts),
    steps: [metadata],
    verify: async ({ input, intentOf }) => {
      const { version, after } = intentOf(metadata)!;
      const valid = TenantMetadata.partial().safeParse(after);
      const verdict = valid.success ? passed : blocked;
      const detail = valid.success ? 'the merged metadata fits the contract' : valid.error.message;
      return {
        checks: [
          versionCheck(await store.get(input.tenant_id), version),
          verdict('metadata.valid', 'The merged metadata fits the contract', detail),
        ],
        facts: { version: version + 1 },
      };
    },
    commit: ({ jobId, input, intentOf }, session) => {
      const { version, after } = intentOf(metadata)!;
      const changed = { job_id: jobId, updated_at: ambient.now() };
      const at = { tenantId: input.tenant_id, jobId, version };
      const merged = (record: TenantRecord) => ({
        ...record,
        ...changed,
        metadata: mergeMetadata(record.metadata, after),
      });
      return commitRecord(parts, at, merged, session);
    },
    // Without a version: a pause in between must not make it unusable, and its own preflight shows what it would undo.
    undo: ({ tenant_id, metadata: changed }, { jobId, intentOf }) => ({
      operation: 'tenants.update',
      params: { tenant_id },
      body: {
        metadata: reversePatch(intentOf(metadata)!.before, changed),
        reason: `undo of ${jobId}`,
      },
    }),
  });
}

const metadataStep = ({ store }: TenantJobParts): EffectStep<UpdateInput, unknown, UpdateIntent> => ({
  name: 'metadata',
  title: 'Merge the change into the metadata that is there',
  intent: async ({ input }) => {
    const record = unmoved(await store.get(input.tenant_id), input.version);
    return {
      version: record.version,
      before: reversePatch(record.metadata, input.metadata),
      after: reversePatch(mergeMetadata(record.metadata, input.metadata), input.metadata),
    };
  },
  run: async ({ intent: { before, after } }) => ({
    changed: changesOf('metadata', before, after).map(({ path }) => path),
  }),
});

async function plan(input: UpdateInput, jobId: string | null, { store, jobs }: TenantJobParts): Promise<PlanDraft> {
  const record = unmoved(await store.get(input.tenant_id), input.version);
  const changes = changesOf(
    `tenants.${record._id}.metadata`,
    record.metadata,
    mergeMetadata(record.metadata, input.metadata),
  );
  const title = 'Something would change';
  const differs = changes.length
    ? passed('metadata.differs', title, `${changes.length} fields would change`, changes.length)
    : {
        ...passed('metadata.differs', title, 'the metadata is like that already', 0),
        status: 'warn' as const,
      };
  return {
    checks: [stateCheck(record), await laneCheck(jobs, record._id, jobId), differs],
    diff: changes,
    blastRadius: touched('tenant', [record._id]),
    rollback: 'The reverse change puts the values back that were there before.',
    world: { version: record.version },
  };
}

const stateCheck = ({ _id, phase }: TenantRecord) =>
  (phase === 'provisioning' ? blocked : passed)(
    'tenant.state',
    'The tenant is in a state that allows this',
    `${_id} is ${phase}`,
    phase,
  );

/** @throws Problem `version.stale` when the record is no longer the one that was read. */
function unmoved(record: TenantRecord, read: number | undefined): TenantRecord {
  if (read === undefined || read === record.version) return record;
  throw new Problem('version.stale', `${record._id} is at version ${record.version}, not ${read}`, {
    expected: read,
    actual: record.version,
  });
}
