/** The catalogue of operations: what there is to read, and what there is to change. */
import { read } from './operation.ts';
import { Me } from './jobs.ts';
import { auditOperations } from './operations/audit.ts';
import { jobMutations, jobOperations } from './operations/jobs.ts';
import { scaleMutations, scaleOperations } from './operations/scale.ts';
import { tenantMutations, tenantOperations } from './operations/tenants.ts';

export const API_PREFIX = '/admin/v1';

const identityOperations = {
  'identity.me': read('identity.me', {
    path: '/me',
    summary: 'Who the caller is and what they may do',
    permission: 'signed-in',
    answer: Me,
  }),
};

/** Everything that only looks. */
export const reads = {
  ...identityOperations,
  ...tenantOperations,
  ...scaleOperations,
  ...jobOperations,
  ...auditOperations,
};
/** Everything that changes something: each a pair of submit and preflight. */
export const mutations = { ...tenantMutations, ...scaleMutations, ...jobMutations };

export type ReadId = keyof typeof reads;
export type MutationId = keyof typeof mutations;
