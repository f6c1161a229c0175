/** What the changes of tenants are called. */
import type { WordsByChange } from '../../change/change-words';

/** The ids, or of a job in a list how many there are and the name of a single one. */
const many = ({ tenant_ids, tenant_id, tenant_count }: Record<string, unknown>): string => {
  const ids = tenant_ids as string[] | undefined;
  const count = ids?.length ?? (tenant_count as number | undefined) ?? 1;
  return count === 1 ? String(ids?.[0] ?? tenant_id) : `${count} tenants`;
};
const named = (input: Record<string, unknown>): string => String(input['tenant_id'] ?? 'tenant');

export const tenantChanges = {
  'tenants.create': {
    verb: 'New tenant',
    title: ({ tenant_id }) => (tenant_id ? `Create ${String(tenant_id)}` : 'New tenant'),
  },
  'tenants.update': { verb: 'Edit', title: (input) => `Edit ${named(input)}` },
  'tenants.pause': { verb: 'Pause', title: (input) => `Pause ${named(input)}` },
  'tenants.resume': { verb: 'Resume', title: (input) => `Resume ${named(input)}` },
  'tenants.archive': { verb: 'Archive', title: (input) => `Archive ${named(input)}` },
  'tenants.restore': { verb: 'Restore', title: (input) => `Restore ${named(input)}` },
  'tenants.bulk_pause': { verb: 'Pause', title: (input) => `Pause ${many(input)}` },
  'tenants.bulk_resume': { verb: 'Resume', title: (input) => `Resume ${many(input)}` },
  'tenants.bulk_archive': { verb: 'Archive', title: (input) => `Archive ${many(input)}` },
} satisfies WordsByChange;
