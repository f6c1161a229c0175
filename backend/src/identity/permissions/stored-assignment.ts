/** Assignments as MongoDB has them, and what one says that was written before scopes told tiers from environments. */
import { RoleName, Scope, Tier, type Assignment } from '@cloudlysis/contract';
import type { ObjectId } from 'mongodb';
import { assignedTo } from '../../call/identity-name.ts';

/** Of the documents written here. 0.1 wrote none, and its `environment` meant the environment of that name or the tier. */
export const FORM = 2;

export interface AssignmentDocument extends Assignment {
  readonly _id: ObjectId;
  readonly form?: number;
}

export const newDocument = (assignment: Assignment): Omit<AssignmentDocument, '_id'> => ({
  ...assignment,
  principal: assignedTo(assignment.principal),
  form: FORM,
});

/** Why nothing can be made of a document, so that it grants nothing; null where it can be read. */
export function assignmentFault(document: AssignmentDocument): string | null {
  const { form = FORM, principal, role, scope } = document;
  if (form !== FORM) return `its form is ${JSON.stringify(form).slice(0, 20)}, and this version reads up to ${FORM}`;
  if (typeof principal !== 'string') return 'its principal is no text';
  if (!RoleName.safeParse(role).success) return 'its role is none of the templates';
  return Scope.safeParse(scope).success ? null : 'its scope is of none of the five kinds';
}

/** What a document without a fault says. */
export function readAssignment({ form, principal, role, scope }: AssignmentDocument): Assignment {
  const tier = form === undefined && scope.kind === 'environment' ? Tier.safeParse(scope.environment).data : undefined;
  return { principal, role, scope: tier === undefined ? scope : { kind: 'tier', tier } };
}
