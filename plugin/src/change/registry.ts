/** Every change that can be asked for in the drawer; a feature adds its own in `<feature>.changes.ts`. */
import { jobChanges } from '../features/jobs/jobs.changes';
import { placementChanges } from '../features/placement/placement.changes';
import { tenantChanges } from '../features/tenants/tenants.changes';
import type { ChangeSpec } from './change-spec';
import type { RowOf } from '../list/use-list';
import type { ChangeInput } from './change-input';

const specs = new Map([...tenantChanges, ...placementChanges, ...jobChanges].map((spec) => [spec.id as string, spec]));

export const changeSpec = (id: string): ChangeSpec | undefined => specs.get(id);

/** A job in the words of the change that it is: `Migrate acme · aggregate → a2`. */
export const jobTitle = ({ kind, input }: { kind: string; input: unknown }): string =>
  changeSpec(kind)?.title(input as ChangeInput) ?? kind;

/** The same for a job of a list, which tells what a title needs. */
export const summaryTitle = ({ kind, about }: RowOf<'jobs.list'>): string =>
  jobTitle({ kind, input: Object.fromEntries(Object.entries(about).filter(([, value]) => value !== null)) });
