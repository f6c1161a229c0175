/** Identity: tokens in, principals out, and what each may do. */
export { createAuthenticator, type Authenticator, type IdentityConfig, type KeySource } from './authenticator.ts';
export { assignmentStore, type AssignmentStore } from './assignment-store.ts';
export { identityHandlers, type Self } from './identity.handlers.ts';
export { livePermissions, type LivePermissions } from './live-permissions.ts';
export { liveRevocations, type LiveRevocations } from './live-revocations.ts';
export { CLOCK_SKEW_S } from './token-check.ts';
export { Revocations } from './revocations.ts';
export { PermissionTable, type Permissions } from './permissions.ts';
export type { AskedScope, Verdict } from './permission-table.ts';
