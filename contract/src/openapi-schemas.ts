/** Which schemas have a name in the OpenAPI document; everything they contain refers to them by it. */
import { z } from 'zod';
import * as contract from './index.ts';
import type { Operation } from './operation.ts';

type Json = Record<string, unknown>;

const NAMES = [
  'TenantId', 'ShardId', 'JobId', 'RecordId', 'Timestamp', 'ServiceKind', 'RoleName', 'JobState', 'TenantState', 'Outcome',
  'Check', 'PlanStep', 'Change', 'PlanFigure', 'Touched', 'BlastRadius', 'Plan', 'JobStep', 'Proof', 'Job', 'JobTicket', 'JobSummary', 'JobPage', 'Scope', 'Abilities', 'Me',
  'TenantStatus', 'TenantMetadata', 'TenantTraffic', 'Tenant', 'NodeHealth',
  'Figure', 'ServiceOverview', 'Attention', 'Unchecked', 'Overview', 'Connection', 'ShardView', 'Placement', 'Drift', 'Drain',
  'AuditRecord', 'Verification', 'ProblemDocument',
] as const satisfies readonly (keyof typeof contract)[]; // prettier-ignore

export interface NamedSchemas {
  readonly components: Json;
  refOf(schema: z.ZodType): Json;
}

export function namedSchemas(operations: readonly Operation[]): NamedSchemas {
  const registry = z.registry<{ id: string }>();
  const idOf = new Map<z.ZodType, string>();
  const add = (schema: z.ZodType, id: string) => {
    if (idOf.has(schema)) return;
    registry.add(schema, { id });
    idOf.set(schema, id);
  };
  for (const name of NAMES) add(contract[name], name);
  for (const { id, mutation, body, answers } of operations) {
    if (mutation) add(body, `${id}.body`);
    for (const schema of Object.values(answers)) add(schema, `${id}.answer`);
  }
  const uri = (id: string) => `#/components/schemas/${id}`;
  const { schemas } = z.toJSONSchema(registry, { uri, io: 'input' }) as { schemas: Record<string, Json> };
  const components = Object.entries(schemas).map(([id, { $id: _id, $schema: _schema, ...schema }]) => [id, schema]);
  return {
    components: Object.fromEntries(components.sort(([a], [b]) => String(a).localeCompare(String(b)))),
    refOf: (schema) => ({ $ref: uri(idOf.get(schema)!) }),
  };
}
