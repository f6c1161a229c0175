/** The catalogue of operations: what there is to read, and what there is to change. */
import { auditOperations } from './operations/audit.ts';
import { identityOperations } from './operations/identity.ts';
import { jobMutations, jobOperations } from './operations/jobs.ts';
import { notes } from './operations/notes.ts';
import { overviewOperations } from './operations/overview.ts';
import { scaleMutations, scaleOperations } from './operations/scale.ts';
import { settingsOperations } from './operations/settings.ts';
import { tenantBulkMutations } from './operations/tenants-bulk.ts';
import { tenantMutations, tenantOperations } from './operations/tenants.ts';

export * from './operations/audit.ts';
export * from './operations/identity.ts';
export * from './operations/jobs.ts';
export * from './operations/notes.ts';
export * from './operations/overview.ts';
export * from './operations/resource.ts';
export * from './operations/scale.ts';
export * from './operations/settings.ts';
export * from './operations/tenants.ts';
export * from './operations/tenants-bulk.ts';

/** Everything that only looks. */
export const reads = {
  ...identityOperations,
  ...overviewOperations,
  ...tenantOperations,
  ...notes.reads,
  ...scaleOperations,
  ...jobOperations,
  ...auditOperations,
  ...settingsOperations,
};
/** Everything that changes something: each a pair of submit and preflight. */
export const mutations = {
  ...tenantMutations,
  ...tenantBulkMutations,
  ...notes.mutations,
  ...scaleMutations,
  ...jobMutations,
};

export type ReadId = keyof typeof reads;
export type MutationId = keyof typeof mutations;
