/**
 * Where the secrets of an input stand, and the input without them, for a page that has the places and not the schema.
 * Without zod: every page has it.
 */

/** What is shown, kept and sent on in place of a secret. */
export const SECRET_SHOWN = '‹secret›';

/** Secrets that one change may carry. */
export const MOST_SECRETS = 64;

export type SecretPath = readonly (string | number)[];

/** A step of a place that may be any key or index. */
export const ANY_STEP = '*';

/** The name of a field: no name has a dot, which forms take for a level, or a star, which is any step. */
export const secretName = (path: SecretPath): string => path.map(escaped).join('/');

const escaped = (step: string | number): string => {
  const text = String(step).replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('.', '~2');
  return text === ANY_STEP ? '~3' : text;
};

export interface Masked {
  readonly shown: unknown;
  readonly secrets: readonly { readonly path: SecretPath; readonly value: unknown }[];
}

/** What is neither a list nor an object of JSON may hold anything, such as what a form could not read. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** As `taken`, by places: what is null or absent is no secret. */
export function masked(places: readonly string[], value: unknown): Masked {
  const secrets: { path: SecretPath; value: unknown }[] = [];
  const mask = (inside: unknown, left: readonly (readonly string[])[], path: SecretPath): unknown => {
    if (inside === undefined || inside === null || left.length === 0) return inside;
    if (left.some((steps) => steps.length === 0)) {
      secrets.push({ path, value: inside });
      return SECRET_SHOWN;
    }
    if (typeof inside !== 'object') return inside;
    if (!isPlain(inside)) {
      secrets.push({ path, value: inside });
      return SECRET_SHOWN;
    }
    const below = (key: string | number, inner: unknown): unknown => {
      const here = left.filter(([step]) => step === ANY_STEP || step === secretName([key]));
      return mask(inner, here.map((steps) => steps.slice(1)), [...path, key]); // prettier-ignore
    };
    return Array.isArray(inside)
      ? inside.map((item, at) => below(at, item))
      : Object.fromEntries(Object.entries(inside).map(([key, item]) => [key, below(key, item)]));
  };
  const steps = places.map((place) => (place === '' ? [] : place.split('/')));
  return { shown: mask(value, steps, []), secrets };
}
