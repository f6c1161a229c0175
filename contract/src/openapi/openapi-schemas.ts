/** The schemas of the OpenAPI document: one that has an id (`.meta({ id })`) stands there by it, and whatever contains it refers to it. */
import { z } from 'zod';
import type { Operation } from '../operation.ts';

type Json = Record<string, unknown>;

export interface NamedSchemas {
  readonly components: Json;
  refOf(schema: z.ZodType): Json;
}

const HOME = '#/components/schemas/';
/** Where zod puts what has an id of its own. */
const SHARED = '__shared';

const idOf = (schema: z.ZodType): string | undefined => z.globalRegistry.get(schema)?.id;

export function namedSchemas(operations: readonly Operation[]): NamedSchemas {
  /** What an operation takes and answers, by the operation's id where it has none of its own. */
  const unnamed = z.registry<{ id: string }>();
  const refs = new Map<z.ZodType, string>();
  const add = (schema: z.ZodType, id: string) => {
    if (refs.has(schema)) return;
    refs.set(schema, idOf(schema) ?? id);
    unnamed.add(schema, { id: refs.get(schema)! });
  };
  for (const { id, mutation, body, answers } of operations) {
    if (mutation) add(body, `${id}.body`);
    for (const schema of Object.values(answers)) add(schema, `${id}.answer`);
  }
  const made = z.toJSONSchema(unnamed, { uri: (id) => HOME + id, io: 'input' });
  const { schemas } = JSON.parse(JSON.stringify(made).replaceAll(`${HOME}${SHARED}#/$defs/`, HOME)) as {
    schemas: Record<string, Json>;
  };
  const { [SHARED]: shared, ...own } = schemas;
  const components = Object.entries({ ...own, ...(shared?.['$defs'] as Record<string, Json>) }).map(
    ([id, { $id: _$id, $schema: _$schema, id: _id, ...schema }]) => [id, schema] as const,
  );
  return {
    components: Object.fromEntries(components.sort(([a], [b]) => a.localeCompare(b))),
    refOf: (schema) => ({ $ref: HOME + refs.get(schema)! }),
  };
}
