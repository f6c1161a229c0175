/** What a mutation needs to be asked for: its words and its fields. Everything else is in the contract or in the drawer. */
import type { z } from 'zod';
import { mutations, type Client, type MutationId } from '@cloudlysis/contract';
import { count } from '../values/figures';
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
    | { readonly kind: 'choice'; readonly options: readonly Option[] | LoadOptions }
    | { readonly kind: 'choices'; readonly options: readonly Option[] | LoadOptions }
  );

/** Choices that the service knows; asked again when the values it reads change. */
export type LoadOptions = (client: Client, values: ChangeInput) => Promise<Option[]>;

export interface ChangeSpec {
  readonly id: MutationId;
  /** What the button that opens it says: `Migrate`. */
  readonly verb: string;
  /** What would happen, from what is known of the input: `Migrate acme · aggregate a1 → a2`. */
  readonly title: (input: ChangeInput) => string;
  readonly fields: readonly Field[];
  /** Further fields that depend on what the change is about; all of them are needed. */
  readonly more?: (client: Client, input: ChangeInput) => Promise<Field[]>;
  /** Values to begin with, below those the opener gives. */
  readonly initial?: ChangeInput;
}

export const defineChange = (id: MutationId, spec: Omit<ChangeSpec, 'id'>): ChangeSpec => ({ id, ...spec });

export interface Asked {
  readonly params: Record<string, string>;
  readonly body: ChangeInput;
}

/** Path parameters and body of an operation, out of one flat input. Pure. */
export function askedOf(id: MutationId, input: ChangeInput): Asked {
  const names = [...mutations[id].submit.path.matchAll(/:(\w+)/g)].map((match) => match[1] as string);
  const params = Object.fromEntries(names.map((name) => [name, String(input[name] ?? '')]));
  const body = Object.fromEntries(Object.entries(input).filter(([name]) => !names.includes(name)));
  return { params, body: withoutEmpty(body) as ChangeInput };
}

/** What was left empty is not said at all; what was given empty, such as no labels, is. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  const kept = Object.entries(value).flatMap(([name, inner]) => {
    const cleaned = withoutEmpty(inner);
    return isEmpty(cleaned) || (isHollow(cleaned) && !isHollow(inner)) ? [] : [[name, cleaned]];
  });
  return Object.fromEntries(kept) as unknown;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  Number.isNaN(value) ||
  (Array.isArray(value) && value.length === 0);

const isHollow = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

type Issue = z.core.$ZodIssue;

export interface Complaint {
  readonly path: string;
  readonly message: string;
}

/** What the contract has against an input; nothing when a preflight may be asked for. The reason comes later. */
export function complaints(id: MutationId, { params, body }: Asked): Complaint[] {
  const { preflight } = mutations[id];
  return [preflight.params.safeParse(params), preflight.body.safeParse(body)].flatMap((parsed) =>
    parsed.success ? [] : parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: inWords(issue) }))
  );
}

/** What is wrong with a value in a sentence for who typed it; a pattern's sentence is the contract's. */
function inWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'A whole number' : 'Needed';
    case 'too_small':
      return `At least ${bound(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `At most ${bound(issue.maximum, issue.origin)}`;
    default:
      return issue.message;
  }
}

const bound = (limit: number | bigint, origin: string): string =>
  `${count(Number(limit))}${origin === 'string' ? ' characters' : origin === 'array' ? ' of them' : ''}`;
