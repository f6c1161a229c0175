/** What the form of a change is made of: the operation of the contract and its fields. Loaded when the change is opened. */
import type { Client, Operation } from '@cloudlysis/contract';
import type { Option } from '../values/options';
import type { ChangeInput } from './change-input';

interface FieldBase {
  /** Path in the input, dotted where it is nested: `metadata.name`. */
  readonly name: string;
  readonly label: string;
  readonly description?: string;
}
export type Field = FieldBase &
  (
    | { readonly kind: 'text'; readonly placeholder?: string }
    /** Write-only; its place in the contract is a `secret()`. */
    | { readonly kind: 'secret' }
    | { readonly kind: 'number'; readonly unit?: string; readonly placeholder?: string }
    | { readonly kind: 'boolean' }
    /** An instant; typed and shown in UTC. */
    | { readonly kind: 'date-time' }
    | { readonly kind: 'choice'; readonly options: readonly Option[] | LoadOptions }
    | { readonly kind: 'choices'; readonly options: readonly Option[] | LoadOptions }
    /** Names that the user thinks of, each with a value. */
    | { readonly kind: 'map'; readonly values: 'text' | 'number' | 'boolean' }
    /** Any value, written down; YAML takes JSON as well. */
    | { readonly kind: 'json' }
    | { readonly kind: 'yaml' }
  );

/** Choices that the service knows; asked again when the values it reads change. */
export type LoadOptions = (client: Client, values: ChangeInput) => Promise<Option[]>;

export interface FormSpec {
  /** The pair of operations, out of the contract: the schema of what is asked comes with it. */
  readonly of: { readonly submit: Operation; readonly preflight: Operation };
  readonly fields: readonly Field[];
  /** Further fields that depend on what the change is about; all of them are needed. */
  readonly more?: (client: Client, input: ChangeInput) => Promise<Field[]>;
  /** Values to begin with, below those the opener gives. */
  readonly initial?: ChangeInput;
}

export const formOf = (of: FormSpec['of'], form: Omit<FormSpec, 'of'> = { fields: [] }): FormSpec => ({
  of,
  ...form,
});
