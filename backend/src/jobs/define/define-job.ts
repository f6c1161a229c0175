/** A mutation as a job: its kind, risk and permission are the contract's, where the binder, plans and pages read them too. */
import { holdsSecrets, mutations, type MutationId, type Permission } from '@cloudlysis/contract';
import type { JobDefinition, PlanCaller, PlanDraft } from './definition.ts';

/** What decides something has to say so in each of its plans. */
type Decided<D> = unknown extends D ? unknown : { readonly decision: D };

export interface JobParts<I, D> extends Omit<JobDefinition<I, D>, 'kind' | 'risk' | 'permission' | 'body' | 'plan'> {
  plan(input: I, caller: PlanCaller): Promise<PlanDraft<D> & Decided<NoInfer<D>>>;
}

/** @throws Error for a mutation that asks for no permission: nothing changes by whoever happens to be signed in */
export function defineJob<I, D = unknown>(kind: MutationId, parts: JobParts<I, D>): JobDefinition<I, D> {
  const { permission, mutation, body } = mutations[kind].submit;
  const secrets = holdsSecrets(body) ? { body } : {};
  return { ...parts, ...secrets, kind, risk: mutation.risk, permission: named(permission, kind) };
}

function named(permission: string, kind: string): Permission {
  if (permission === 'public' || permission === 'signed-in') throw new Error(`${kind} asks for no permission`);
  return permission as Permission;
}
