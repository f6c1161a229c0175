/**
 * Putting and removing a plain record. The record and the job's end are one transaction, over the version that was planned
 * on: a job that dies anywhere, fails or is cancelled has changed nothing, and what is undone is a version, too.
 */
import { Problem, type Check, type MutationId, type Permission, type Resource } from '@cloudlysis/contract';
import { z } from 'zod';
import { touched } from '../jobs/define/blast-radius.ts';
import type { EffectStep, JobDefinition, PlanCaller, PlanDraft, Undo } from '../jobs/define/definition.ts';
import { blocked, checkOf, holds, passed } from '../jobs/plan/checks.ts';
import { laneCheck, laneHolder } from '../jobs/plan/lanes.ts';
import type { JobReader } from '../jobs/record/job-reader.ts';
import type { Ambient } from '../kernel/ambient.ts';
import { changesOf } from '../kernel/changes.ts';
import { stale, type Key, type RecordStore } from './record.store.ts';
import { idOf, valueOf, versionOf, whereOf, type Fields, type StoredRecord } from './stored-record.ts';

/** What a change of a record is about, for whoever has more to say of it. */
export interface Considered {
  readonly key: Key;
  /** Null where there is none. */
  readonly now: Fields | null;
  /** Null where it is to be removed. */
  readonly next: Fields | null;
}

export interface RecordJobDeps {
  readonly store: RecordStore;
  readonly jobs: JobReader;
  readonly ambient: Ambient;
  /** Further checks, whom it touches, and what else the plan relies on. @throws Problem such as `tenant.unknown` */
  consider?(change: Considered): Promise<Partial<Pick<PlanDraft, 'checks' | 'blastRadius' | 'world'>>>;
}

export type RecordInput = Fields & { readonly expected_version: number; readonly reason?: string };
export type Verb = 'put' | 'remove';

/** Kept before the end, for the undo. */
interface Before {
  readonly version: number;
  /** Null where there was none. */
  readonly value: Fields | null;
}

const DIFFERS = 'Something would change';

export function recordJob(
  resource: Pick<Resource, 'name' | 'spec'>,
  verb: Verb,
  deps: RecordJobDeps,
): JobDefinition<RecordInput> {
  const { name, spec } = resource;
  const { store, ambient } = deps;
  const keyOf = (input: RecordInput): Key => Object.fromEntries(Object.keys(spec.key).map((part) => [part, input[part] as string])); // prettier-ignore
  const nextOf = (input: RecordInput): Fields | null =>
    verb === 'remove' ? null : picked(input, Object.keys(spec.value));
  const lane = (input: RecordInput): string => `${spec.one}:${idOf(keyOf(input))}`;

  /** The record as it is. @throws Problem `version.stale` | `resource.unknown` */
  async function asRead(input: RecordInput): Promise<StoredRecord | null> {
    const record = await store.find(keyOf(input));
    const there = valueOf(record) === null ? 0 : versionOf(record);
    if (verb === 'remove' && there === 0) throw new Problem('resource.unknown', `there is no ${lane(input)}`);
    // Over its removal, too: so an undo brings back what was removed, and nothing that was put and removed since.
    const isOverRemoval = verb === 'put' && there === 0 && input.expected_version === versionOf(record);
    if (there !== input.expected_version && !isOverRemoval)
      throw stale(idOf(keyOf(input)), record, input.expected_version);
    return record;
  }

  async function plan(input: RecordInput, { jobId }: PlanCaller): Promise<PlanDraft> {
    const record = await asRead(input);
    const change = { key: keyOf(input), now: valueOf(record), next: nextOf(input) };
    const [more, holder] = await Promise.all([
      deps.consider?.(change),
      laneHolder(deps.jobs, lane(input), jobId),
    ]);
    const tenantId = tenantOf(input);
    const diff = changesOf(`${name}.${idOf(change.key)}`, change.now ?? undefined, change.next ?? undefined);
    return {
      checks: [laneCheck(lane(input), holder), versionCheck(record, input.expected_version), differs(diff.length), ...(more?.checks ?? [])],
      diff,
      blastRadius: more?.blastRadius ?? [...touched(spec.one, [idOf(change.key)]), ...touched('tenant', tenantId === null ? [] : [tenantId])],
      rollback: rollbackOf(spec.one, change),
      world: { version: versionOf(record), more: more?.world ?? null },
    };
  } // prettier-ignore

  const tenantOf = (input: RecordInput): string | null =>
    spec.scope === 'tenant' ? (input['tenant_id'] as string) : null;

  const read: EffectStep<RecordInput, unknown, Before> = {
    name: 'read',
    title: 'Keep what is there, for the undo',
    intent: async ({ input }) => {
      const record = await asRead(input);
      return { version: versionOf(record), value: valueOf(record) };
    },
    run: async ({ intent }) => ({ version: intent.version }),
  };

  return {
    kind: `${name}.${verb}` as MutationId,
    risk: spec.risk[verb],
    permission: spec.permission.change satisfies Permission,
    lane,
    tenantId: tenantOf,
    resource: lane,
    plan,
    steps: [read],
    verify: async ({ input, intentOf }) => {
      const { version } = intentOf(read)!;
      const record = await store.find(keyOf(input));
      const is = versionOf(record);
      const unmoved = holds('record.version', 'It is as it was planned', is === version, { measured: is, limit: version, detail: standing(record) }); // prettier-ignore
      return { checks: [unmoved, fits(spec.value, nextOf(input))], facts: { version: version + 1 } };
    },
    commit: ({ jobId, actor, input, intentOf }, session) => {
      const changed = { at: ambient.now(), by: actor, job_id: jobId };
      return store.swap(keyOf(input), { value: nextOf(input), changed }, intentOf(read)!.version, session);
    },
    undo: (input, { jobId, intentOf }) => undoOf(resource, keyOf(input), intentOf(read)!, jobId),
  };
}

const picked = (input: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(names.filter((one) => input[one] !== undefined).map((one) => [one, input[one]]));

/** Over the version that this job made: what somebody did since is theirs. */
function undoOf({ name }: Pick<Resource, 'name'>, key: Key, { version, value }: Before, jobId: string): Undo {
  const body = { expected_version: version + 1, reason: `Undo of ${jobId}` };
  return value === null
    ? { operation: `${name}.remove` as MutationId, params: key, body }
    : { operation: `${name}.put` as MutationId, params: key, body: { ...value, ...body } };
}

const standing = (record: StoredRecord | null): string => (record ? `it ${whereOf(record)}` : 'there is none yet');
const versionCheck = (record: StoredRecord | null, expected: number): Check =>
  passed('record.version', 'It is as it was read', standing(record), expected);

const differs = (fields: number): Check =>
  fields > 0
    ? passed('record.differs', DIFFERS, `${fields} ${fields === 1 ? 'line' : 'lines'} would change`, fields)
    : checkOf('record.differs', DIFFERS, 'warn', { measured: 0, limit: null, detail: 'it is like that already' });

function fits(shape: z.core.$ZodShape, value: Fields | null): Check {
  const title = 'Its fields fit the contract';
  const wrong = value && z.strictObject(shape).safeParse(value).error?.message;
  return wrong ? blocked('record.valid', title, wrong) : passed('record.valid', title, value ? 'they do' : 'none is left'); // prettier-ignore
}

function rollbackOf(one: string, { now, next }: Considered): string {
  if (!now) return `Removing the ${one} undoes it.`;
  return next ? 'Putting the version before undoes it.' : 'Putting it back as it was undoes it.';
}
