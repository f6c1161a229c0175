/** Identity: tokens in, principals out, and what each may do. */
export {
  createAuthenticator,
  type Authenticator,
  type IdentityConfig,
  type KeySource,
} from './tokens/authenticator.ts';
export { createAssignmentStore, type AssignmentStore } from './permissions/assignment-store.ts';
export { createIdentity, type Identity } from './create-identity.ts';
export { createLivePermissions, type LivePermissions } from './permissions/live-permissions.ts';
export { createLiveRevocations, type LiveRevocations } from './tokens/live-revocations.ts';
export { CLOCK_SKEW_S } from './tokens/token-check.ts';
export { Revocations } from './tokens/revocations.ts';
export { PermissionTable, type Permissions } from './permissions/permissions.ts';
export { askedScope, askedScopeOfJob, type About } from './permissions/asked-scope.ts';
export type { TieredEnvironment } from './permissions/grants.ts';
export type { AskedScope, Verdict } from './permissions/permission-table.ts';
