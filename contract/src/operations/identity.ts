/** `/me`: the caller as the control plane sees them, and what they may do. */
import { z } from 'zod';
import { read } from '../operation.ts';
import { RoleName, Scope } from '../permissions.ts';
import { shown } from '../text.ts';
import { EnvironmentId, TenantId, Tier } from '../wire.ts';

export const Abilities = z
  .record(
    shown(64),
    z.strictObject({
      allowed: z.boolean().describe('Verdict'),
      reason: shown().nullable().describe('Why not; null where allowed'),
    }),
  )
  .meta({ maxProperties: 500 })
  .describe(
    'Operation id → whether the caller may. Asked with a tenant: on that tenant, as the server would decide there. ' +
      'Asked without: an operation on a tenant is allowed when it is on at least one, so a refusal means nowhere',
  )
  .meta({ id: 'Abilities' });
export type Abilities = z.infer<typeof Abilities>;

export const Me = z
  .strictObject({
    principal: z
      .strictObject({
        id: shown().describe(
          'The one name nobody else has: `user:<e-mail>`, `user:grafana:<login>`, `user:gateway:<subject>` or `service:<subject>`',
        ),
        kind: z.enum(['user', 'service']).describe('Kind of principal'),
        email: shown().nullable().describe('E-mail'),
        via: z.enum(['grafana', 'gateway']).describe('Who vouched for it'),
      })
      .describe('Who is calling'),
    assignments: z
      .array(z.strictObject({ role: RoleName, scope: Scope }))
      .max(10_000)
      .describe('Roles and the scopes they hold in'),
    tenant_id: TenantId.nullable().describe('Tenant the abilities are about; null where none was asked about'),
    abilities: Abilities,
    environment: shown().describe('Environment the abilities are told in'),
    environments: z
      .array(z.strictObject({ id: EnvironmentId, tier: Tier }))
      .max(20)
      .describe('Every environment that this control plane operates, in the order of its configuration'),
    version: shown().describe('Version of this control plane'),
    git_sha: shown().nullable().describe('Commit it was built from; null where unknown'),
    mode: z.enum(['development', 'production']).describe('Mode this control plane runs in'),
  })
  .describe('The caller as the control plane sees them')
  .meta({ id: 'Me' });
export type Me = z.infer<typeof Me>;

export const identityOperations = {
  'identity.me': read('identity.me', {
    path: '/me',
    summary: 'Who the caller is and what they may do',
    permission: 'signed-in',
    query: z.strictObject({
      tenant_id: TenantId.optional().describe('Tell the abilities on this tenant'),
      environment: EnvironmentId.optional().describe('Tell the abilities in it; in the first one unless told'),
    }),
    answer: Me,
  }),
};
