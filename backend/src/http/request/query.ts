/** Reads a query string exactly: percent-encoded UTF-8, each name once, numbers in plain digits. */
import { z } from 'zod';
import { pathOf, type Issue } from './exact-values.ts';

/** The empty part, by identity. */
export const NOTHING: Readonly<Record<string, never>> = Object.freeze({});

const DIGITS = /^(0|-?[1-9]\d{0,14})$/;

export function queryOf(schema: z.ZodObject, text: string, issues: Issue[]): Readonly<Record<string, unknown>> {
  if (text === '') return NOTHING;
  const query = Object.create(null) as Record<string, unknown>;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const [rawName, ...rest] = pair.split('=');
    const [name, value] = [decoded(rawName!), decoded(rest.join('='))];
    const path = pathOf(['query', name ?? rawName!]);
    if (name === null || value === null) issues.push({ path, message: 'Is not percent-encoded UTF-8' });
    else if (Object.hasOwn(query, name)) issues.push({ path, message: 'Given more than once' });
    else query[name] = isNumber(schema, name) && DIGITS.test(value) ? Number(value) : value;
  }
  return query;
}

/** Null for what would be read as something else: bytes that are no UTF-8, and text that was not encoded. */
function decoded(raw: string): string | null {
  if (/[^\x21-\x7e]/.test(raw)) return null;
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

const numbers = new WeakMap<z.ZodObject, ReadonlySet<string>>();

function isNumber(schema: z.ZodObject, name: string): boolean {
  let known = numbers.get(schema);
  if (!known) {
    const named = Object.entries(schema.shape).filter(([, field]) => bare(field as z.ZodType) instanceof z.ZodNumber);
    numbers.set(schema, (known = new Set(named.map(([field]) => field))));
  }
  return known.has(name);
}

const bare = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? bare(schema.unwrap() as z.ZodType) : schema;
