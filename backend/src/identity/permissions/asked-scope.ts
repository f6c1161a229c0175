/** Where the permission of an operation or of a job is asked for: what the contract declares, at what a request is about. */
import { mutations, type MutationId, type Operation } from '@cloudlysis/contract';
import type { AskedScope } from './permission-table.ts';

/** What a request is about. */
export interface About {
  /** Null where it is about no one of them: then what lives in environments asks for the permission in all. */
  readonly environment: string | null;
  readonly tenantId: string | null;
}

/** A request that names no readable tenant is asked for the permission in the whole environment. */
export function askedScope({ scope }: Pick<Operation, 'scope'>, { environment, tenantId }: About): AskedScope {
  switch (scope) {
    case 'platform':
      return 'platform';
    case 'filtered':
      return environment === null ? 'any' : { within: environment };
    case 'environment':
      return environment === null ? 'platform' : { environment };
    case 'tenant':
      if (tenantId === null) return environment === null ? 'platform' : { environment };
      return environment === null ? { tenantId } : { environment, tenantId };
  }
}

/** Whoever acts on a job needs what it asked for, on each tenant it is about, or where it is about none, beside them all. */
export const askedScopeOfJob = (kind: string, about: About): AskedScope =>
  askedScope({ scope: isGlobal(kind) ? 'platform' : 'tenant' }, about);

const isGlobal = (kind: string): boolean =>
  Object.hasOwn(mutations, kind) && mutations[kind as MutationId].submit.scope === 'platform';
