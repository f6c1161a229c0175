/**
 * A value that goes in and never comes out: a password, a key, a token that somebody gives to a change.
 *
 * Whoever reads an input finds its secrets by the schema (`taken`) and never by their names; what stays in their place
 * is `SECRET_SHOWN`. Where a field stands is told as in a JSON Pointer without its first slash (`smtp/password`).
 */
import { z } from 'zod';
import { ANY_STEP, SECRET_SHOWN, secretName, type SecretPath } from './secret-places.ts';

/**
 * Any text but one that has no form in UTF-8: controls, blanks and line breaks are part of what somebody was given, and
 * none of it is ever shown. `max` and `min` characters, an emoji being one: 4 096 and 1 unless told.
 */
export const secret = ({ min = 1, max = 4_096 }: { min?: number; max?: number } = {}) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine((value) => value.isWellFormed(), 'Has half of a surrogate pair, which is no character')
    .meta({ writeOnly: true, format: 'password', [MARK]: true });

const MARK = 'x-secret';

const isSecret = (schema: z.ZodType): boolean =>
  (schema.meta() as Record<string, unknown> | undefined)?.[MARK] === true;

export interface Taken {
  readonly path: SecretPath;
  /** As it was sent: what is invalid is secret, too. */
  readonly value: unknown;
  /** Where it must fit: of several forms of an input, one. */
  readonly fields: z.ZodType[];
}

/** Schemas that stand around another one and say nothing of its place. */
const WRAPPERS = [z.ZodOptional, z.ZodNullable, z.ZodDefault, z.ZodReadonly, z.ZodNonOptional] as const;
type Wrapper = InstanceType<(typeof WRAPPERS)[number]>;
const isWrapper = (schema: z.ZodType): schema is Wrapper => WRAPPERS.some((wrapper) => schema instanceof wrapper);

const holding = new WeakMap<z.ZodType, boolean>();

/** Whether a value of the schema may have a secret. Asked at every request, so it is looked up once. */
export function holdsSecrets(schema: z.ZodType): boolean {
  const known = holding.get(schema);
  if (known !== undefined) return known;
  // A schema that refers to itself holds what the rest of it holds.
  holding.set(schema, false);
  const found = isSecret(schema) || partsOf(schema).some(holdsSecrets);
  holding.set(schema, found);
  return found;
}

/** Every schema that stands directly in another one, whatever its kind. */
function partsOf(schema: z.ZodType): z.ZodType[] {
  const found: z.ZodType[] = [];
  const look = (value: unknown, depth: number): void => {
    if (value instanceof z.ZodType) found.push(value);
    else if (depth > 0 && typeof value === 'object' && value !== null)
      for (const inner of Object.values(value)) look(inner, depth - 1);
  };
  if (schema instanceof z.ZodLazy) look(schema.unwrap(), 0);
  for (const part of Object.values(schema.def)) look(part, 1);
  return found;
}

/**
 * The secrets of a value that was sent, valid or not, and the value with `SECRET_SHOWN` in their places. What is null or
 * absent is no secret.
 */
export function taken(schema: z.ZodType, value: unknown): { readonly shown: unknown; readonly secrets: Taken[] } {
  const found = new Map<string, Taken>();
  const take = (at: z.ZodType, inside: unknown, path: SecretPath): unknown => {
    if (inside === undefined || inside === null || !holdsSecrets(at)) return inside;
    if (isSecret(at)) {
      const name = secretName(path);
      const before = found.get(name);
      if (before) before.fields.push(at);
      else found.set(name, { path, value: inside, fields: [at] });
      return SECRET_SHOWN;
    }
    if (isWrapper(at)) return take(at.unwrap() as z.ZodType, inside, path);
    // Of several forms each may say that something is secret.
    if (at instanceof z.ZodUnion)
      return at.options.reduce<unknown>((left, option) => take(option as z.ZodType, left, path), inside);
    if (at instanceof z.ZodArray && Array.isArray(inside))
      return inside.map((item, index) => take(at.element as z.ZodType, item, [...path, index]));
    if (typeof inside !== 'object' || Array.isArray(inside)) return inside;
    const fieldOf = fieldsOf(at);
    return Object.fromEntries(
      Object.entries(inside).map(([key, item]) => {
        const field = fieldOf(key);
        return [key, field ? take(field, item, [...path, key]) : item];
      }),
    );
  };
  const shown = take(schema, value, []);
  return { shown, secrets: [...found.values()] };
}

const fieldsOf = (at: z.ZodType): ((key: string) => z.ZodType | undefined) => {
  if (at instanceof z.ZodRecord) return () => at.valueType as z.ZodType;
  if (at instanceof z.ZodObject)
    return (key) => (Object.hasOwn(at.shape, key) ? (at.shape[key] as z.ZodType) : undefined);
  return () => undefined;
};

/** @throws Error where a schema has a secret in a place that `taken` does not look into */
export function assertTakeable(schema: z.ZodType, path = 'body'): void {
  if (!holdsSecrets(schema) || isSecret(schema)) return;
  const inside = (inner: unknown, step: string): void => assertTakeable(inner as z.ZodType, path + step);
  if (isWrapper(schema)) return inside(schema.unwrap(), '');
  if (schema instanceof z.ZodArray) return inside(schema.element, '[]');
  if (schema instanceof z.ZodUnion) return schema.options.forEach((option, at) => inside(option, `|${at}`));
  if (schema instanceof z.ZodRecord && !holdsSecrets(schema.keyType as z.ZodType))
    return inside(schema.valueType, '.*');
  if (schema instanceof z.ZodObject && !(schema.def.catchall && holdsSecrets(schema.def.catchall as z.ZodType)))
    return Object.entries(schema.shape).forEach(([name, field]) => inside(field, `.${name}`));
  throw new Error(`${path}: a secret cannot stand in a ${schema.def.type}`);
}

/** Where secrets may stand in a value of a schema that `assertTakeable` takes, for who has not the schema at hand. */
export function secretPlaces(schema: z.ZodType): string[] {
  const found = new Set<string>();
  const look = (at: z.ZodType, path: readonly string[]): void => {
    if (!holdsSecrets(at)) return;
    if (isSecret(at)) found.add(path.join('/'));
    else if (isWrapper(at)) look(at.unwrap() as z.ZodType, path);
    else if (at instanceof z.ZodUnion) at.options.forEach((option) => look(option as z.ZodType, path));
    else if (at instanceof z.ZodArray) look(at.element as z.ZodType, [...path, ANY_STEP]);
    else if (at instanceof z.ZodRecord) look(at.valueType as z.ZodType, [...path, ANY_STEP]);
    else if (at instanceof z.ZodObject)
      for (const [key, field] of Object.entries(at.shape)) look(field as z.ZodType, [...path, secretName([key])]);
  };
  look(schema, []);
  return [...found];
}
