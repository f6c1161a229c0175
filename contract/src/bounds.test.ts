// Every string, list, map and number of the contract has a bound: one that holds for requests, one that is told for answers.
import { expect, it } from '@jest/globals';
import { z } from 'zod';
import { allOperations } from './index.ts';
import { placesOf, sampleOf } from './sample.fixture.ts';

type Meta = Readonly<Record<string, unknown>>;

/** Paths of what is unbounded. `asked`: in a request, where a bound must refuse. */
function unbounded(schema: z.ZodType, path: string, asked: boolean): string[] {
  const inside = (inner: unknown, step: string): string[] => unbounded(inner as z.ZodType, path + step, asked);
  const meta = (schema.meta() ?? {}) as Meta;
  const missing = (isBounded: boolean): string[] => (isBounded ? [] : [path]);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return inside(schema.unwrap(), '');
  if (schema instanceof z.ZodObject) {
    const { catchall } = schema.def;
    const rest = catchall && !(catchall instanceof z.ZodNever) ? inside(catchall, '.*') : [];
    return [...Object.entries(schema.shape).flatMap(([name, field]) => inside(field, `.${name}`)), ...rest];
  }
  if (schema instanceof z.ZodArray) return [...missing(hasLength(schema)), ...inside(schema.element, '[]')];
  if (schema instanceof z.ZodRecord) {
    const max = meta['maxProperties'];
    const holds = typeof max === 'number' && (!asked || refusesMore(schema, max));
    return [...missing(holds), ...inside(schema.keyType, '.<key>'), ...inside(schema.valueType, '.<value>')];
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option, at) => inside(option, `|${at}`));
  if (schema instanceof z.ZodUnknown) return missing(!asked && typeof meta['x-max-bytes'] === 'number');
  if (schema instanceof z.ZodNumber)
    return missing(!asked || (Number.isFinite(schema.minValue ?? NaN) && Number.isFinite(schema.maxValue ?? NaN)));
  if (schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral || schema instanceof z.ZodBoolean) return [];
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) return missing(schema.maxLength !== null);
  return [`${path}: a ${schema.def.type}, which this test does not know`];
}

const hasLength = ({ def }: z.ZodArray): boolean =>
  def.checks?.some((check) => check._zod.def.check === 'max_length') ?? false;

/** Not only told: one entry more than the maximum does not fit. */
function refusesMore(schema: z.ZodRecord, max: number): boolean {
  const map = (size: number) =>
    Object.fromEntries(Array.from({ length: size }, (_, at) => [`k${at}`, sampleOf(schema.valueType as z.ZodType)]));
  return schema.safeParse(map(max)).success && !schema.safeParse(map(max + 1)).success;
}

it('API-16 everything in every request of every operation is bounded', () => {
  const found = allOperations().flatMap(({ id, params, query, body }) =>
    Object.entries({ params, query, body }).flatMap(([part, schema]) => unbounded(schema, `${id} ${part}`, true)),
  );
  expect(found).toEqual([]);
});

it('API-16 everything in every answer of every operation has a maximum that is told', () => {
  const found = allOperations().flatMap(({ id, answers }) =>
    Object.entries(answers).flatMap(([status, schema]) => unbounded(schema, `${id} ${status}`, false)),
  );
  expect([...new Set(found)]).toEqual([]);
});

it('API-16 the test finds what is unbounded, and says where', () => {
  const open = z.strictObject({
    text: z.string().min(1),
    list: z.array(z.enum(['a'])),
    told: z.record(z.string().max(9), z.boolean()).meta({ maxProperties: 3 }),
    deep: z
      .array(z.strictObject({ at: z.iso.datetime().nullable() }))
      .max(3)
      .optional(),
    any: z.unknown(),
    half: z.union([z.literal(1), z.number().min(0)]),
    date: z.date(),
  });
  expect(unbounded(open, 'x body', true)).toEqual([
    'x body.text', 'x body.list', 'x body.told', 'x body.deep[].at', 'x body.any', 'x body.half|1',
    'x body.date: a date, which this test does not know',
  ]); // prettier-ignore
  const { half: _half, ...answer } = open.shape;
  expect(unbounded(z.looseObject(answer), 'x 200', false)).toEqual([
    'x 200.text', 'x 200.list', 'x 200.deep[].at', 'x 200.any', 'x 200.date: a date, which this test does not know', 'x 200.*',
  ]); // prettier-ignore
});

it('API-16 a list that is a set refuses a member that is named twice, in every request of every operation', () => {
  const lists: string[] = [];
  for (const operation of allOperations().filter(({ mutation }) => mutation)) {
    const body = sampleOf(operation.body);
    for (const { path, value } of placesOf(body)) {
      const name = `${operation.id} ${path.join('.')}`;
      if (!Array.isArray(value)) continue;
      lists.push(name);
      const twice = structuredClone(body) as Record<string, unknown>;
      const holder = path.slice(0, -1).reduce((at, step) => at[step] as never, twice);
      (holder[path.at(-1)!] as unknown[]).push(value[0]);
      const refused = operation.body.safeParse(twice);
      expect([name, refused.error?.issues.map(({ message }) => message)]).toEqual([
        name,
        [`${value[0]} is named twice`],
      ]);
    }
  }
  expect(lists.filter((name) => !name.includes('.preflight'))).toEqual([
    'tenants.create metadata.environments', 'tenants.update metadata.environments', 'tenants.bulk_pause tenant_ids',
    'tenants.bulk_resume tenant_ids', 'tenants.bulk_archive tenant_ids', 'scale.evacuate to',
  ]); // prettier-ignore
});
