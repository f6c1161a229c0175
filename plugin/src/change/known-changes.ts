/** Every change that can be asked for; each feature says it of its own. */
import { createContext, useContext } from 'react';
import type { ReadAnswer } from '@cloudlysis/contract';
import type { FormSpec } from './form-spec';
import type { ChangeInput } from './change-input';
import type { ChangeWords, WordsByChange } from './change-words';

export interface KnownChanges {
  /** By the id of the operation. */
  readonly words: WordsByChange;
  /** Loads what the form of a change needs. */
  readonly load: (id: string) => Promise<FormSpec | undefined>;
}

const Known = createContext<KnownChanges>({ words: {}, load: () => Promise.resolve(undefined) });
export const ChangesProvider = Known.Provider;

type JobOfList = ReadAnswer<'jobs.list'>['items'][number];

export function useKnownChanges() {
  const { words, load } = useContext(Known);
  const wordsOf = (id: string): ChangeWords | undefined =>
    Object.hasOwn(words, id) ? words[id as keyof WordsByChange] : undefined;
  const titleOf = (kind: string, input: unknown): string => wordsOf(kind)?.title(input as ChangeInput) ?? kind;
  return {
    load,
    wordsOf,
    /** What the button says that opens it; undefined for a change that no feature knows. */
    verbOf: (id: string, input: ChangeInput): string | undefined => {
      const verb = wordsOf(id)?.verb;
      return typeof verb === 'function' ? verb(input) : verb;
    },
    /** A job in the words of the change that it is: `Migrate acme · aggregate → a2`. */
    jobTitle: ({ kind, input }: { kind: string; input: unknown }): string => titleOf(kind, input),
    /** The same for a job of a list, which tells what a title needs. */
    summaryTitle: ({ kind, about }: JobOfList): string =>
      titleOf(kind, Object.fromEntries(Object.entries(about).filter(([, value]) => value !== null))),
  };
}
