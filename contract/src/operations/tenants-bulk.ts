/** `/bulk/tenants`: one change to many tenants, one child job each (UI-15). */
import { z } from 'zod';
import { mutation } from '../operation.ts';
import { setOf } from '../text.ts';
import { InEnvironment, Reason, TenantId } from '../wire.ts';

const body = z.strictObject({
  ...InEnvironment,
  tenant_ids: setOf(TenantId, { min: 1, max: 200 }).describe(
    'Tenants, each once, 1 to 200; every one must be in the caller’s scope',
  ),
  concurrency: z.number().int().min(1).max(16).optional().describe('Tenants changed at once; 4 unless told'),
  reason: Reason,
});

export const tenantBulkMutations = {
  'tenants.bulk_pause': mutation('tenants.bulk_pause', {
    path: '/bulk/tenants/pause',
    summary: 'Pause several tenants, one child job each',
    permission: 'tenants.pause',
    scope: 'filtered',
    risk: 'high',
    body,
  }),
  'tenants.bulk_resume': mutation('tenants.bulk_resume', {
    path: '/bulk/tenants/resume',
    summary: 'Lift the pause of several tenants, one child job each',
    permission: 'tenants.pause',
    scope: 'filtered',
    risk: 'low',
    body,
  }),
  'tenants.bulk_archive': mutation('tenants.bulk_archive', {
    path: '/bulk/tenants/archive',
    summary: 'Archive several tenants, one child job each',
    permission: 'tenants.archive',
    scope: 'filtered',
    risk: 'high',
    body,
  }),
};
