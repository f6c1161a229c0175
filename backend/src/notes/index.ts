/** Notes: what those on call leave each other about a tenant. */
import { notes, Problem } from '@cloudlysis/contract';
import { recordsOf, type RecordsOptions } from '../records/index.ts';
import type { Tenants } from '../tenants/index.ts';

export interface NotesOptions extends RecordsOptions {
  readonly tenants: Pick<Tenants, 'stateOf'>;
}

export const createNotes = ({ tenants, ...options }: NotesOptions) =>
  recordsOf(notes, {
    ...options,
    async consider({ key: { tenant_id }, next }) {
      // One that is left of a tenant which is gone can be removed.
      if (next && (await tenants.stateOf(tenant_id!)) === null)
        throw new Problem('tenant.unknown', `there is no tenant ${tenant_id}`);
      return {};
    },
  });
