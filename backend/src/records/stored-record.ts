/** A plain record as it is stored, with its former versions: one document, so that a change is one write. */
import { KEPT_VERSIONS, type FormerVersion, type RecordChange } from '@cloudlysis/contract';
import { z } from 'zod';

export type Fields = Readonly<Record<string, unknown>>;

export interface Change {
  readonly at: Date;
  readonly by: string;
  readonly job_id: string;
}

export interface Version {
  readonly version: number;
  /** Null where it was removed. */
  readonly value: Fields | null;
  readonly changed: Change;
}

/** Never deleted: with its number begun anew, who read version 1 of what was removed could write over another's version 1. */
export interface StoredRecord extends Version {
  /** Its key, in the order of the contract: `acme`, `acme/read-only`. */
  readonly _id: string;
  readonly key: Readonly<Record<string, string>>;
  /** The newest first. */
  readonly history: readonly Version[];
}

const StoredVersion = z.looseObject({
  version: z.int().min(1),
  value: z.record(z.string(), z.unknown()).nullable(),
  changed: z.looseObject({ at: z.date(), by: z.string(), job_id: z.string() }),
});
const Stored = StoredVersion.extend({
  _id: z.string(),
  key: z.record(z.string(), z.string()),
  history: z.array(StoredVersion).optional(),
});

const issueIn = ({ error }: z.ZodSafeParseResult<unknown>): string | null => {
  const issue = error?.issues[0];
  return issue ? `${issue.path.join('.') || 'the document'}: ${issue.message}`.slice(0, 500) : null;
};

/** Which field is wrong; null where none is. Whatever it holds, a record can be written over or removed. */
export const recordFault = (record: unknown): string | null => issueIn(Stored.safeParse(record));

/** The same for one that is to be shown: it is what its id says, and fits the contract (`answer`), too. */
export const shownFault =
  (answer: z.ZodType) =>
  (record: unknown): string | null => {
    const fault = recordFault(record);
    if (fault !== null) return fault;
    const stored = record as StoredRecord;
    if (idOf(stored.key) !== stored._id) return `key: ${idOf(stored.key)} is not its id`.slice(0, 500);
    return stored.value && issueIn(answer.safeParse(toWire(stored)));
  };

export const idOf = (key: StoredRecord['key']): string => Object.values(key).join('/');

/** Of a record that there is: null for none, and for one that was removed. */
export const valueOf = (record: StoredRecord | null): Fields | null => record?.value ?? null;
export const versionOf = (record: StoredRecord | null): number => record?.version ?? 0;

/** In words: a removal is a version, too, and nothing is at it. */
export const whereOf = ({ version, value }: Version): string =>
  value === null ? `was removed at version ${version}` : `is at version ${version}`;

/** The version after; what it replaces joins the former ones. */
export function succeeded(now: StoredRecord | null, at: Pick<StoredRecord, '_id' | 'key'>, next: Omit<Version, 'version'>): StoredRecord {
  const former = now ? [{ version: now.version, value: now.value, changed: now.changed }, ...now.history] : [];
  return { ...at, ...next, version: versionOf(now) + 1, history: former.slice(0, KEPT_VERSIONS) };
} // prettier-ignore

const toChange = ({ at, by, job_id }: Change): RecordChange => ({ at: at.toISOString(), by, job_id });

/** Former versions where they were read. */
export const toWire = ({ key, value, version, changed, history }: Wired) => ({
  ...value,
  ...key,
  version,
  changed: toChange(changed),
  ...(history && { history: history.map(toFormer) }),
});
type Wired = Omit<StoredRecord, 'history'> & Partial<Pick<StoredRecord, 'history'>>;

const toFormer = ({ version, value, changed }: Version): FormerVersion => ({
  version,
  value,
  changed: toChange(changed),
});
