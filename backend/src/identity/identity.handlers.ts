/** `GET /me`: who the caller is and what they may do. */
import type { ReadHandlers } from '../call.ts';
import type { Permissions } from './permissions.ts';

export const identityHandlers = (permissions: Permissions): ReadHandlers<'identity.me'> => ({
  'identity.me': async ({ principal }) => ({
    principal: { id: principal.id, kind: principal.kind, email: principal.email, via: principal.via },
    assignments: permissions.assignmentsOf(principal).map(({ role, scope }) => ({ role, scope })),
    abilities: permissions.abilities(principal),
  }),
});
