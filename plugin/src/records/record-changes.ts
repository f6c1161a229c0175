/** What the changes of a plain record are called, and what they begin with: light, every page has it. */
import type { MutationId } from '@cloudlysis/contract';
import type { ChangeInput } from '../change/change-input';
import type { ChangeWords } from '../change/change-words';
import type { RowAction } from '../table/columns';

/** Names of the contract's plain records: `notes`. */
export type RecordName = { [K in MutationId]: K extends `${infer N}.remove` ? N : never }[MutationId];

interface Kept {
  readonly version: number;
  readonly changed: unknown;
}

type Words<N extends RecordName> = Readonly<Record<`${N}.put` | `${N}.remove`, ChangeWords>>;

/** `one`: what it is called; `named`: which one, from what is known of the input. */
export function recordWords<N extends RecordName>(
  name: N,
  one: string,
  named: (input: ChangeInput) => string
): Words<N> {
  const isNew = ({ expected_version }: ChangeInput): boolean => (expected_version ?? 0) === 0;
  const title = (verb: string, input: ChangeInput): string => [verb, one, named(input)].filter(Boolean).join(' ');
  return {
    [`${name}.put`]: {
      verb: (input: ChangeInput) => (isNew(input) ? `New ${one}` : `Edit ${one}`),
      title: (input: ChangeInput) => title(isNew(input) ? 'New' : 'Edit', input),
    },
    [`${name}.remove`]: { verb: `Remove ${one}`, title: (input: ChangeInput) => title('Remove', input) },
  } as unknown as Words<N>;
}

/** A record as it is put again: all of its fields, over the version that was read. */
export function putInput<T extends Kept>({ version, changed: _changed, ...fields }: T): ChangeInput {
  return { ...fields, expected_version: version };
}

/** `keyOf`: the parts of its key. */
export const recordActions = <N extends RecordName, T extends Kept>(
  name: N,
  keyOf: (row: T) => ChangeInput
): Array<RowAction<T>> => [
  { label: 'Edit …', change: `${name}.put`, input: putInput },
  { label: 'Remove …', change: `${name}.remove`, input: (row) => ({ ...keyOf(row), expected_version: row.version }) },
];
