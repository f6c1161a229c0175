/** `GET /me`: who the caller is, what they may do, and which control plane says so. */
import type { Me } from '@cloudlysis/contract';
import type { ReadHandlers } from '../call/call.ts';
import type { Permissions } from './permissions/permissions.ts';

/** What a page shows of the control plane itself. */
export type Self = Pick<Me, 'environment' | 'environments' | 'version' | 'git_sha' | 'mode'>;

export const identityHandlers = (permissions: Permissions, self: Self): ReadHandlers<'identity.me'> => ({
  'identity.me': async ({ principal, query: { tenant_id, environment = self.environment } }) => ({
    principal: { id: principal.id, kind: principal.kind, email: principal.email, via: principal.via },
    assignments: permissions.assignmentsOf(principal).map(({ role, scope }) => ({ role, scope })),
    tenant_id: tenant_id ?? null,
    abilities: permissions.abilities(principal, environment, tenant_id),
    ...self,
    environment,
  }),
});
