/** Permissions by domain (IAM-33..42), the seven role templates (IAM-43) and the scope of an assignment (IAM-29..32). */
import { z } from 'zod';
import { EnvironmentId, TenantId, Tier } from './wire.ts';

export const PERMISSIONS = [
  'iam.users.view', 'iam.users.create', 'iam.users.update', 'iam.users.suspend', 'iam.users.delete',
  'iam.sessions.list', 'iam.sessions.revoke',
  'iam.roles.view', 'iam.roles.create', 'iam.roles.update', 'iam.roles.assign',
  'tenants.view', 'tenants.create', 'tenants.update', 'tenants.pause', 'tenants.archive',
  'configs.read', 'configs.write', 'configs.approve', 'configs.apply',
  'definitions.read', 'definitions.write', 'definitions.validate', 'definitions.promote', 'definitions.rollback',
  'scale.view', 'scale.apply', 'scale.migrate', 'scale.drain',
  'ops.view', 'ops.cancel', 'ops.retry', 'ops.deploy', 'ops.rollback', 'ops.restart', 'ops.drain',
  'observability.view', 'observability.manage',
  'audit.view', 'audit.export',
] as const; // prettier-ignore
export type Permission = (typeof PERMISSIONS)[number];

/** What an operation asks of its caller; `public` and `signed-in` are spelt out so that nothing is open by omission. */
export type Requirement = Permission | 'public' | 'signed-in';

export const RoleName = z
  .enum(['owner', 'admin', 'operator', 'support', 'read-only', 'security-admin', 'break-glass'])
  .describe('Role template')
  .meta({ id: 'RoleName' });
export type RoleName = z.infer<typeof RoleName>;

const matching = (...patterns: RegExp[]): readonly Permission[] =>
  PERMISSIONS.filter((permission) => patterns.some((pattern) => pattern.test(permission)));

const READ = /\.(view|read|list)$/;

export const ROLE_TEMPLATES: Record<RoleName, readonly Permission[]> = {
  owner: PERMISSIONS,
  admin: matching(
    READ,
    /^(tenants|configs|definitions|scale|ops|observability)\./,
    /^iam\.(users|sessions)\./,
    /^audit\./,
  ),
  operator: matching(
    /^(tenants|configs|definitions|scale|ops|observability|audit)\.(view|read)$/,
    /^tenants\.(update|pause)$/,
    /^scale\./,
    /^ops\./,
    /^observability\./,
    /^definitions\.rollback$/,
    /^configs\.apply$/,
  ),
  support: matching(
    /^(tenants|configs|definitions|scale|ops|observability|audit)\.(view|read)$/,
    /^tenants\.pause$/,
    /^scale\.drain$/,
    /^ops\.drain$/,
  ),
  'read-only': matching(READ),
  'security-admin': matching(/^iam\./, /^audit\./, /^(tenants|scale|ops|observability)\.view$/),
  // Emergency access to production (CON-09): everything an incident needs, nothing that outlives it.
  'break-glass': matching(
    READ,
    /^tenants\.(update|pause)$/,
    /^scale\./,
    /^ops\./,
    /^iam\.sessions\./,
    /^configs\.apply$/,
    /^definitions\.rollback$/,
    /^audit\.export$/,
  ),
};

export const Scope = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('global').describe('The whole platform') }),
    z.strictObject({ kind: z.literal('tier').describe('Every environment of a tier'), tier: Tier }),
    z.strictObject({ kind: z.literal('environment').describe('One environment'), environment: EnvironmentId }),
    z.strictObject({ kind: z.literal('tenant').describe('One tenant, in every environment'), tenant_id: TenantId }),
    z.strictObject({
      kind: z.literal('tenant-in-environment').describe('One tenant in one environment'),
      tenant_id: TenantId,
      environment: EnvironmentId,
    }),
  ])
  .describe('Where an assignment holds')
  .meta({ id: 'Scope' });
export type Scope = z.infer<typeof Scope>;

export const Assignment = z
  .strictObject({
    principal: z
      .string()
      .min(1)
      .max(254)
      .describe(
        '`user:<e-mail>`, `user:grafana:<login>` or `service:<subject>`; an address, `grafana:<login>` or a subject alone is read as the same',
      ),
    role: RoleName,
    scope: Scope,
  })
  .describe('Binds a principal to a role in a scope');
export type Assignment = z.infer<typeof Assignment>;
