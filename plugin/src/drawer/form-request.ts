/** What a form asks the service, and what the contract has against it. Pure. */
import type { z } from 'zod';
import { changeRoute, type MutationId } from '@cloudlysis/contract';
import type { FormSpec } from '../change/form-spec';
import type { ChangeInput } from '../change/change-input';
import { count } from '../values/figures';
import type { Complaint } from './fields/complaint';

export interface FormRequest {
  readonly params: Record<string, string>;
  readonly body: ChangeInput;
}

/** Path parameters and body of an operation, out of one flat input. */
export function requestOf(id: MutationId, input: ChangeInput): FormRequest {
  const names = [...changeRoute(id).path.matchAll(/:(\w+)/g)].map((match) => match[1] as string);
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

/** What the contract has against an input; nothing when a preflight may be asked for. The reason comes later. */
export function complaints({ preflight }: FormSpec['of'], { params, body }: FormRequest): Complaint[] {
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
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

const bound = (limit: number | bigint, origin: string): string =>
  `${count(Number(limit))}${origin === 'string' ? ' characters' : origin === 'array' ? ' of them' : ''}`;
