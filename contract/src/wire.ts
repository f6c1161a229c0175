/** The words both sides speak: ids, pages, times and service kinds, as they travel (strings, never `Date`). */
import { z } from 'zod';
import { line, prose, shown } from './text.ts';
import { ENVIRONMENTS, SERVICE_KINDS, TIERS } from './words.ts';

/** Lower-case DNS label, at most 63 characters: it becomes a NATS subject token and a KV key, so nothing else is let in. */
const label = z
  .string()
  .max(63)
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'Lower-case letters, digits and dashes, 1 to 63 of them, no dash first');

export const TenantId = label
  .describe('Tenant id: a lower-case DNS label, at most 63 characters')
  .meta({ id: 'TenantId' });
export const ShardId = label
  .describe('Shard id: a lower-case DNS label, at most 63 characters')
  .meta({ id: 'ShardId' });
export const EnvironmentId = label
  .describe('Environment id: a lower-case DNS label, at most 63 characters')
  .meta({ id: 'EnvironmentId' });
export const JobId = z
  .string()
  .max(40)
  .regex(/^job_[0-9a-f-]{36}$/)
  .describe('Job id')
  .meta({ id: 'JobId' });
export const RecordId = z
  .string()
  .max(40)
  .regex(/^aud_[0-9a-f-]{36}$/)
  .describe('Audit record id')
  .meta({ id: 'RecordId' });
export const Timestamp = z.iso
  .datetime()
  .max(40)
  .describe('ISO 8601 instant in UTC, milliseconds')
  .meta({ id: 'Timestamp' });
export const Reason = prose(3, 500).describe(
  'Why the change is made, in the words of the person who asks: 3 to 500 characters',
);

export const ServiceKind = z.enum(SERVICE_KINDS).describe('Service kind of the platform').meta({ id: 'ServiceKind' });
export type ServiceKind = z.infer<typeof ServiceKind>;

export const Tier = z.enum(TIERS).describe('What an environment is for: dev, staging or prod').meta({ id: 'Tier' });
export type Tier = z.infer<typeof Tier>;

export const Environment = z.enum(ENVIRONMENTS).describe('Environment: a catalog name, or the tier `dev`');

/**
 * Of an operation on what lives in one environment. Left out only where one is configured: which one is meant is never
 * inferred from data or rights, so that nothing ever defaults into production.
 */
export const IN_ENVIRONMENT = EnvironmentId.optional().describe(
  'Environment it is about; may be left out where only one is configured',
);
/** Of a list over environments that is made anew by asking each of them. */
export const MissingEnvironments = z
  .array(
    z.strictObject({
      environment: EnvironmentId,
      reason: shown(500).describe('Why nothing is known of it'),
    }),
  )
  .max(20)
  .optional()
  .describe('Environments that could not be asked; absent where all were');

/** Of what is told of one environment, or of the control plane as a whole. */
export const OfEnvironment = {
  environment: EnvironmentId.nullable().describe('Environment it lives in; null of the control plane as a whole'),
};
export const InEnvironment = { environment: IN_ENVIRONMENT };
/** Of a list over environments. */
export const IN_ENVIRONMENTS = EnvironmentId.optional().describe(
  'One environment; all that the caller may see where left out',
);
export const InEnvironments = { environment: IN_ENVIRONMENTS };

/** Query strings arrive as text; the binder reads a number out of plain digits, and out of nothing else. */
export const PageQuery = {
  limit: z.int('A whole number in plain digits').min(1).max(200).default(50).describe('Items per page, 1 to 200'),
  cursor: line(512).optional().describe('Opaque `next_cursor` of the page before'),
};

export const Unreadable = z
  .strictObject({
    id: shown(200).describe('Id of the stored record'),
    reason: shown(500).describe('Why it cannot be read'),
  })
  .describe('A stored record that cannot be read');
export type Unreadable = z.infer<typeof Unreadable>;

export const UnreadableRows = z
  .array(Unreadable)
  .max(50)
  .optional()
  .describe(
    'Stored records that belong here and cannot be read, for callers who see the whole platform; absent where there are none',
  );

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    unreadable: UnreadableRows,
    items: z.array(item).max(200).describe('One page of items'),
    next_cursor: shown(512).nullable().describe('Cursor of the next page; null on the last one'),
  });

/** Any JSON value: inputs, outcomes and before/after images whose shape belongs to the feature that wrote them. */
export const Json = z
  .unknown()
  .meta({ 'x-max-bytes': 256 * 1024 })
  .describe('Any JSON value');
