/** A mutation as a job: its kind, risk and permission are the contract's, where the binder, plans and pages read them too. */
import { holdsSecrets, mutations, type MutationId, type Permission } from '@cloudlysis/contract';
import type { JobDefinition } from './definition.ts';

export type JobParts<I> = Omit<JobDefinition<I>, 'kind' | 'risk' | 'permission' | 'body'>;

/** @throws Error for a mutation that asks for no permission: nothing changes by whoever happens to be signed in */
export function defineJob<I>(kind: MutationId, parts: JobParts<I>): JobDefinition<I> {
  const { permission, mutation, body } = mutations[kind].submit;
  const secrets = holdsSecrets(body) ? { body } : {};
  return { ...parts, ...secrets, kind, risk: mutation.risk, permission: named(permission, kind) };
}

function named(permission: string, kind: string): Permission {
  if (permission === 'public' || permission === 'signed-in') throw new Error(`${kind} asks for no permission`);
  return permission as Permission;
}
