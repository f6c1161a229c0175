/** `/tenants`: lifecycle, status and metadata (TEN-01..12, TEN-14). */
import { z } from 'zod';
import { mutation, read } from '../operation.ts';
import { line, mapOf, mapShown, nameOf, setOf, shown } from '../text.ts';
import { Drain } from './scale.ts';
import {
  EnvironmentId,
  InEnvironment,
  InEnvironments,
  pageOf,
  PageQuery,
  Reason,
  ServiceKind,
  ShardId,
  TenantId,
  Timestamp,
} from '../wire.ts';
import { TENANT_PLANS, TENANT_STATES } from '../words.ts';

export const TenantState = z.enum(TENANT_STATES).describe('State of a tenant (TEN-04)').meta({ id: 'TenantState' });
export type TenantState = z.infer<typeof TenantState>;

export const TenantStatus = z
  .strictObject({
    state: TenantState,
    reason: shown().describe('The sentence why'),
    since: Timestamp.describe('Since when'),
  })
  .describe('Computed, never set by hand')
  .meta({ id: 'TenantStatus' });
export type TenantStatus = z.infer<typeof TenantStatus>;

export const TenantMetadata = z
  .strictObject({
    name: z.string().max(120).describe('Display name'),
    plan: z.enum(TENANT_PLANS).describe('Plan or tier'),
    quotas: mapShown(z.number(), 100).describe('Quota name → limit, at most 100'),
    feature_flags: mapShown(z.boolean(), 200).describe('Flag → on or off, at most 200'),
    contact: z
      .strictObject({
        email: z.email().max(254).nullable().describe('Contact e-mail'),
        phone: z.string().max(40).nullable().describe('Contact phone'),
      })
      .describe('Whom to call'),
    billing: mapShown(z.string().max(256), 50).describe('Billing references, such as an account number; at most 50'),
    environments: z.array(EnvironmentId).min(1).max(20).describe('Where the tenant lives'),
  })
  .describe('What is known about a tenant')
  .meta({ id: 'TenantMetadata' });
export type TenantMetadata = z.infer<typeof TenantMetadata>;

/** As it is asked for: the same fields under the rule for text, keys and numbers. */
const Asked = TenantMetadata.extend({
  name: nameOf(120).describe('Display name: something to see in it, no blanks around it'),
  quotas: mapOf(z.number().min(0).max(Number.MAX_SAFE_INTEGER), 100).describe('Quota name → limit, at most 100'),
  feature_flags: mapOf(z.boolean(), 200).describe('Flag → on or off, at most 200'),
  contact: TenantMetadata.shape.contact
    .extend({ phone: line(40).nullable().describe('Contact phone') })
    .describe('Whom to call'),
  billing: mapOf(line(256), 50).describe('Billing references, such as an account number; at most 50'),
  environments: setOf(EnvironmentId, { min: 1, max: 20 }).describe('Where the tenant lives, each once'),
});

export const TenantTraffic = z
  .strictObject({
    requests_per_second: z.number().nullable().describe('Through all gateways; null where no gateway tells'),
    error_ratio: z
      .number()
      .nullable()
      .describe('Share of answers with a 5xx status, 0 to 1; null without traffic or where no gateway tells'),
    consumer_lag: z.number().int().nullable().describe('Events the slowest consumer is behind; null where unknown'),
    sampled_at: Timestamp.nullable().describe('When the newest of them was measured; null where none was'),
  })
  .describe('Traffic and lag as last sampled')
  .meta({ id: 'TenantTraffic' });
export type TenantTraffic = z.infer<typeof TenantTraffic>;

export const Tenant = z
  .strictObject({
    tenant_id: TenantId,
    environment: EnvironmentId,
    status: TenantStatus,
    metadata: TenantMetadata,
    placements: z
      .array(
        z.strictObject({
          kind: ServiceKind,
          shard_id: ShardId,
          revision: z.number().int().describe('Placement revision'),
        }),
      )
      .max(8)
      .describe('Shard per kind'),
    traffic: TenantTraffic,
    purge_after: Timestamp.nullable().describe('End of the cooling period of an archived tenant; null otherwise'),
    version: z.number().int().describe('Version of the record'),
    created_at: Timestamp.describe('When it was created'),
    updated_at: Timestamp.describe('When it last changed'),
  })
  .describe('A tenant')
  .meta({ id: 'Tenant' });
export type Tenant = z.infer<typeof Tenant>;

export const NodeHealth = z
  .strictObject({
    kind: ServiceKind,
    shard_id: ShardId,
    state: z.enum(['ready', 'not-ready', 'unreachable']).describe('As the node answered just now'),
    reason: shown().describe('The sentence why'),
    version: shown().nullable().describe('Version it runs; null where it did not say'),
    git_sha: shown().nullable().describe('Commit it was built from; null where it did not say'),
    serves_tenant: z.boolean().nullable().describe('Whether it says that it holds the tenant; null where it did not'),
    drain: Drain.shape.state.describe('Drain state of the tenant, or of the whole node, as the node reports it'),
    in_flight: z.number().int().nullable().describe('The tenant’s work in flight there; null where unknown'),
    consumer_lag: z
      .number()
      .int()
      .nullable()
      .describe('Events its consumer of this tenant is behind; null where it has none or it is unknown'),
    dependencies: z
      .array(
        z.strictObject({
          name: shown().describe('Dependency'),
          ok: z.boolean().describe('Whether the node reaches it'),
          detail: shown().nullable().describe('What the node says of it; null where nothing'),
        }),
      )
      .max(1_000)
      .describe('What the node depends on'),
    checked_at: Timestamp.describe('When it was asked'),
  })
  .describe('One node that serves the tenant, asked just now')
  .meta({ id: 'NodeHealth' });
export type NodeHealth = z.infer<typeof NodeHealth>;

export const TenantSort = z
  .enum(['tenant_id', '-tenant_id', 'updated_at', '-updated_at'])
  .describe('Order; `-` is descending');
export type TenantSort = z.infer<typeof TenantSort>;

const params = z.strictObject({ tenant_id: TenantId });
const where = z.strictObject(InEnvironment);
const why = z.strictObject({ ...InEnvironment, reason: Reason });

export const tenantOperations = {
  'tenants.list': read('tenants.list', {
    path: '/tenants',
    summary: 'List tenants',
    permission: 'tenants.view',
    scope: 'filtered',
    query: z.strictObject({
      ...PageQuery,
      search: line(120).optional().describe('Part of the id or the name; case, width and outer blanks do not count'),
      state: TenantState.optional(),
      plan: TenantMetadata.shape.plan.optional(),
      ...InEnvironments,
      shard_id: ShardId.optional(),
      sort: TenantSort.default('tenant_id'),
    }),
    answer: pageOf(Tenant).extend({
      total: z.number().int().describe('Tenants that match and that the caller may see, on all pages'),
    }),
    problems: ['cursor.invalid'],
  }),
  'tenants.get': read('tenants.get', {
    path: '/tenants/:tenant_id',
    summary: 'One tenant',
    permission: 'tenants.view',
    scope: 'tenant',
    params,
    query: where,
    answer: Tenant,
    problems: ['tenant.unknown'],
  }),
  'tenants.health': read('tenants.health', {
    path: '/tenants/:tenant_id/health',
    summary: 'The nodes that serve a tenant, asked now: readiness, dependencies, drain, lag',
    permission: 'tenants.view',
    scope: 'tenant',
    params,
    query: where,
    answer: z.strictObject({ nodes: z.array(NodeHealth).max(1_000).describe('Nodes that serve the tenant') }),
    problems: ['tenant.unknown'],
  }),
};

export const tenantMutations = {
  'tenants.create': mutation('tenants.create', {
    path: '/tenants',
    summary: 'Create and provision a tenant: stream, consumers, configuration, placement',
    permission: 'tenants.create',
    scope: 'environment',
    risk: 'low',
    body: z.strictObject({
      ...InEnvironment,
      tenant_id: TenantId,
      metadata: Asked.partial()
        .extend({ name: Asked.shape.name })
        .describe('What is known about it; the rest has defaults'),
      shards: z
        .strictObject({
          aggregate: ShardId.optional(),
          projection: ShardId.optional(),
          runner: ShardId.optional(),
          gateway: ShardId.optional(),
        })
        .optional()
        .describe('Shard per kind; the least loaded one where absent'),
      reason: Reason,
    }),
    problems: ['tenant.exists', 'shard.unknown', 'shard.kind_mismatch'],
  }),
  'tenants.update': mutation('tenants.update', {
    method: 'PATCH',
    path: '/tenants/:tenant_id',
    summary: 'Change a tenant’s metadata',
    permission: 'tenants.update',
    scope: 'tenant',
    risk: 'low',
    params,
    body: z.strictObject({
      ...InEnvironment,
      metadata: Asked.partial().describe('Fields to change'),
      version: z.number().int().optional().describe('Version that was read; refused when it has moved on'),
      reason: Reason,
    }),
    problems: ['tenant.unknown', 'version.stale'],
  }),
  'tenants.pause': mutation('tenants.pause', {
    path: '/tenants/:tenant_id/pause',
    summary: 'Stop a tenant’s commands and effects by a flag the nodes obey',
    permission: 'tenants.pause',
    scope: 'tenant',
    risk: 'high',
    params,
    body: why,
    problems: ['tenant.unknown', 'tenant.state'],
  }),
  'tenants.resume': mutation('tenants.resume', {
    path: '/tenants/:tenant_id/resume',
    summary: 'Lift the pause',
    permission: 'tenants.pause',
    scope: 'tenant',
    risk: 'low',
    params,
    body: why,
    problems: ['tenant.unknown', 'tenant.state'],
  }),
  'tenants.archive': mutation('tenants.archive', {
    path: '/tenants/:tenant_id/archive',
    summary: 'Archive a tenant: stop it, keep its data through the cooling period',
    permission: 'tenants.archive',
    scope: 'tenant',
    risk: 'high',
    params,
    body: why,
    problems: ['tenant.unknown', 'tenant.state'],
  }),
  'tenants.restore': mutation('tenants.restore', {
    path: '/tenants/:tenant_id/restore',
    summary: 'Bring an archived tenant back within its cooling period',
    permission: 'tenants.archive',
    scope: 'tenant',
    risk: 'low',
    params,
    body: why,
    problems: ['tenant.unknown', 'tenant.state'],
  }),
};
