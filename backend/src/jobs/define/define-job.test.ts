// Whoever may carry a change out, and how dangerous it is, is the contract's to say.
import { expect, it } from '@jest/globals';
import { mutations, PERMISSIONS, type MutationId } from '@cloudlysis/contract';
import { defineJob, type JobParts } from './define-job.ts';

it.each(Object.keys(mutations) as MutationId[])('API-06 SEC-01 %s asks for a permission that there is', (kind) => {
  const job = defineJob(kind, {} as JobParts<unknown, unknown>);
  expect(PERMISSIONS).toContain(job.permission);
  expect(['low', 'high']).toContain(job.risk);
  // A part that somebody wrote by hand all the same does not count.
  const given = { kind: 'tenants.create', risk: 'low', permission: 'tenants.view' } as unknown as JobParts<
    unknown,
    unknown
  >;
  expect(defineJob(kind, given)).toMatchObject({ kind, risk: job.risk, permission: job.permission });
});
