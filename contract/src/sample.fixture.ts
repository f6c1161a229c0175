// Values made from schemas, for tests that go over every operation: one valid value with every field filled.
import { z } from 'zod';

const ID = '01935c5e-6f00-7a3b-9c1d-2f4e6a8b0c1d';
const TEXTS = [
  'acme', `job_${ID}`, `aud_${ID}`, 'a@b.test', 'http://127.0.0.1:8101', '2026-11-21T09:26:00.000Z', 'some words', '50',
]; // prettier-ignore

/** @throws Error for a kind of schema it does not know, so that a new kind is not skipped */
export function sampleOf(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return sampleOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodObject)
    return Object.fromEntries(
      Object.entries(schema.shape).map(([name, field]) => [name, sampleOf(field as z.ZodType)]),
    );
  if (schema instanceof z.ZodArray) return [sampleOf(schema.element as z.ZodType)];
  if (schema instanceof z.ZodRecord) return { key: sampleOf(schema.valueType as z.ZodType) };
  if (schema instanceof z.ZodEnum) return schema.options[0];
  if (schema instanceof z.ZodBoolean) return true;
  if (schema instanceof z.ZodNumber) return Math.max(1, schema.minValue ?? 1);
  const text = TEXTS.find((candidate) => schema.safeParse(candidate).success);
  if (text === undefined) throw new Error(`No sample for ${schema.def.type}`);
  return text;
}

export type Path = readonly (string | number)[];

/** Every place in a value: leaves, and maps and lists themselves. */
export function placesOf(value: unknown, path: Path = []): { readonly path: Path; readonly value: unknown }[] {
  if (typeof value !== 'object' || value === null) return [{ path, value }];
  const inner = Object.entries(value).flatMap(([key, at]) =>
    placesOf(at, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return [{ path, value }, ...inner];
}
