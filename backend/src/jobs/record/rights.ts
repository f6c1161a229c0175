/** Whether somebody may do what a job does, to a tenant or (null) beside them all: as things are now, whoever they were when they asked. */
import { Problem, type Permission } from '@cloudlysis/contract';
import type { Principal } from '../../call/principal.ts';
import { tenantsOf, type JobDocument } from './job-document.ts';

export type May = (
  principal: Principal,
  permission: Permission,
  about: { readonly kind: string; readonly tenantId: string | null; readonly environment?: string | null | undefined },
) => { readonly allowed: boolean; readonly reason: string | null };

/** @throws Problem `permission.missing` where who asked for the job may not any more */
export function assertStillMay(may: May, job: JobDocument): void {
  // What a job starts was shown with that job and is within its permission, which need not be the child's own.
  if (job.requester === null || job.parent_job_id !== null) return;
  for (const tenantId of tenantsOf(job)) {
    const { allowed, reason } = may(job.requester, job.permission, {
      kind: job.kind,
      tenantId,
      environment: job.environment,
    });
    if (!allowed)
      throw new Problem('permission.missing', `${job.actor} asked for this, and may not any more: ${reason}`, {
        permission: job.permission,
      });
  }
}
