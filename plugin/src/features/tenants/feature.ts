/** Tenants. */
import type { TenantState } from '@cloudlysis/contract';
import { PAGES, paths } from '../../address/paths';
import type { Feature } from '../../feature';
import type { Tone } from '../../values/status-tones';
import { tenantChanges } from './tenants.changes';

export const tenants: Feature = {
  pages: [
    { path: PAGES.tenants, load: async () => (await import('./TenantsPage')).TenantsPage },
    { path: PAGES.tenant, load: async () => (await import('./TenantPage')).TenantPage },
  ],
  changes: tenantChanges,
  forms: async () => (await import('./tenants.forms')).tenantForms,
  tones: {
    provisioning: 'busy',
    active: 'good',
    draining: 'busy',
    migrating: 'busy',
    degraded: 'warning',
    suspended: 'quiet',
    archived: 'quiet',
  } satisfies Record<TenantState, Tone>,
  places: {
    tenant: (tenant_id) => ({ href: paths.tenant(tenant_id), input: { tenant_id }, tenantId: tenant_id }),
    tenants: () => ({ href: paths.tenants() }),
  },
};
