/** From a definition's draft to the plan that is shown, and whether it may run. */
import { Problem, type Check, type Plan } from '@cloudlysis/contract';
import { withoutAddresses } from '../../ports/nodes/index.ts';
import type { JobDefinition, PlanCaller, PlanDraft, Step } from '../define/definition.ts';
import { boundedText } from '../record/large-values.ts';
import { shownDiff } from '../record/plan-diff.ts';
import { PLAN_TTL_MS } from './plan-expiry.ts';

export const titleOf = <I>(step: Step<I>, input: I): string =>
  typeof step.title === 'string' ? step.title : step.title(input);

/** What the hash of a plan covers beside the change itself: what would be done, and the world it relies on. */
export interface Substance {
  readonly steps: Plan['steps'];
  readonly diff: Plan['diff'];
  /** Absent where nothing is decided. */
  readonly decision?: unknown;
  readonly world: unknown;
}

/** A plan as it is shown, and what it decided for the job's steps. */
export interface Planned {
  readonly plan: Plan;
  /** Null where nothing is decided. */
  readonly decision: unknown;
}

/**
 * Makes the plan; `seal` makes its hash. Not covered are the reason, which may be given after the plan was seen, and the
 * measured values: four commands in flight or five is the same plan; whether that many are allowed is checked again at
 * submission.
 */
export async function makePlan<I>(
  definition: JobDefinition<I>,
  input: I,
  caller: PlanCaller,
  now: Date,
  seal: (plan: Substance, expires: Date) => string,
): Promise<Planned> {
  const draft = await definition.plan(input, caller);
  const expiresAt = new Date(Math.ceil((now.getTime() + PLAN_TTL_MS) / 1000) * 1000);
  const checks = draft.checks.map((check) => told(definition, input, check));
  const steps = definition.steps.map((step) => ({
    name: step.name,
    title: titleOf(step, input),
    reversible: 'compensate' in step && step.compensate !== undefined,
  }));
  // As it is kept and read back: what is hashed, what the first run is given and what a later one reads are the same.
  const decided =
    draft.decision === undefined ? {} : { decision: JSON.parse(JSON.stringify(draft.decision)) as unknown };
  const plan = {
    hash: seal({ steps, diff: inOrder(draft.diff), ...decided, world: draft.world ?? null }, expiresAt),
    kind: definition.kind,
    risk: definition.risk,
    checks,
    steps,
    ...shownDiff(draft.diff),
    blast_radius: draft.blastRadius,
    blockers: checks
      .filter((check) => check.status === 'block')
      .map((check) => ({ code: check.id, detail: check.detail })),
    rollback: draft.rollback,
    created_at: now.toISOString(),
    expires_at: expiresAt.toISOString(),
  };
  return { plan, decision: decided.decision ?? null };
}

/** The order in which somebody named the fields of a change is no part of it. */
const inOrder = (diff: PlanDraft['diff']): Plan['diff'] =>
  diff.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));

/** Who may see one tenant sees its plans and proofs: they name shards, and do not say where they are. */
export const told = <I>(definition: JobDefinition<I>, input: I, check: Check): Check => {
  if (definition.tenantId(input) === null && !definition.tenants) return check;
  const { measured, detail } = check;
  return {
    ...check,
    measured: typeof measured === 'string' ? withoutAddresses(measured) : measured,
    detail: withoutAddresses(detail),
  };
};

/** Said first; measured values are in no hash. */
export const withChecks = (plan: Plan, checks: readonly Check[]): Plan => ({
  ...plan,
  checks: [...checks, ...plan.checks],
});

/** @throws Problem `preflight.blocked` with every blocker. */
export function assertUnblocked(plan: Plan): void {
  if (plan.blockers.length === 0) return;
  throw new Problem('preflight.blocked', boundedText(plan.blockers.map((blocker) => blocker.detail).join('; ')), {
    blockers: plan.blockers,
  });
}
