/** Every change that can be asked for in the drawer; a feature adds its own in `<feature>.changes.ts`. */
import { jobChanges } from '../features/jobs/jobs.changes';
import { placementChanges } from '../features/placement/placement.changes';
import { tenantChanges } from '../features/tenants/tenants.changes';
import type { ChangeSpec } from './change-spec';
import type { RowOf } from '../table/use-list';
import type { ChangeInput } from './open-changes';

const specs = new Map([...tenantChanges, ...placementChanges, ...jobChanges].map((spec) => [spec.id as string, spec]));

export const changeSpec = (id: string): ChangeSpec | undefined => specs.get(id);

/** A job in the words of the change that it is: `Migrate acme · aggregate → a2`. */
export const jobTitle = ({ kind, input }: { kind: string; input: unknown }): string =>
  changeSpec(kind)?.title(input as ChangeInput) ?? kind;

/** The same for a job of a list, which tells its resource and what a title needs of its input. */
export const summaryTitle = ({ kind, tenant_id, resource, about }: RowOf<'jobs.list'>): string => {
  const [of, name = ''] = resource.split(':');
  const named = Object.fromEntries(Object.entries(about).filter(([, value]) => value !== null));
  const tenants = of === 'tenants' ? { tenant_count: Number(name) } : of === 'tenant' ? { tenant_id: name } : {};
  return jobTitle({ kind, input: { ...(tenant_id === null ? {} : { tenant_id }), ...tenants, ...named } });
};
