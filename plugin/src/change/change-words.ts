/** What a change is called: all that a page needs of it before its form is opened. */
import type { MutationId } from '@cloudlysis/contract';
import type { ChangeInput } from './change-input';

export interface ChangeWords {
  /** What the button that opens it says: `Migrate`. */
  readonly verb: string | ((input: ChangeInput) => string);
  /** What would happen, from what is known of the input: `Migrate acme · aggregate a1 → a2`. */
  readonly title: (input: ChangeInput) => string;
}

export type WordsByChange = Partial<Readonly<Record<MutationId, ChangeWords>>>;
