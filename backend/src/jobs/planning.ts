/** From a definition's draft to the plan that is shown, and from a quoted hash back to the question whether it still holds. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { Problem, type Check, type Plan } from '@cloudlysis/contract';
import type { JobDefinition, PlanCaller, Step } from './definition.ts';

/** A plan is accepted for 15 minutes: long enough to read it and to ask a colleague, short enough for its measurements. */
const PLAN_TTL_MS = 15 * 60_000;

export const sha256 = (value: unknown): string =>
  createHash('sha256')
    .update(canonicalize(value) ?? 'null')
    .digest('hex');

export const titleOf = <I>(step: Step<I>, input: I): string =>
  typeof step.title === 'string' ? step.title : step.title(input);

/**
 * Makes the plan. The hash covers what would be done (input, steps, diff) and the world it relies on, not the reason,
 * which may be given after the plan was seen, nor the measured values: four commands in flight or five is the same plan;
 * whether that many are allowed is checked again at submission.
 */
export async function makePlan<I>(
  definition: JobDefinition<I>,
  input: I,
  caller: PlanCaller,
  now: Date,
  expires?: Date,
): Promise<Plan> {
  const draft = await definition.plan(input, caller);
  const expiresAt = expires ?? new Date(Math.ceil((now.getTime() + PLAN_TTL_MS) / 1000) * 1000);
  const steps = definition.steps.map((step) => ({
    name: step.name,
    title: titleOf(step, input),
    reversible: step.compensate !== undefined,
  }));
  const subject = {
    kind: definition.kind,
    input: unreasoned(input),
    steps,
    diff: draft.diff,
    world: draft.world ?? null,
    expires: expiresAt.getTime(),
  };
  return {
    hash: `${sha256(subject).slice(0, 32)}.${(expiresAt.getTime() / 1000).toString(36)}`,
    kind: definition.kind,
    risk: definition.risk,
    checks: [...draft.checks],
    steps,
    diff: [...draft.diff],
    blast_radius: draft.blastRadius,
    blockers: draft.checks
      .filter((check) => check.status === 'block')
      .map((check) => ({ code: check.id, detail: check.detail })),
    rollback: draft.rollback,
    created_at: now.toISOString(),
    expires_at: expiresAt.toISOString(),
  };
}

/** Said first; measured values are in no hash. */
export const withChecks = (plan: Plan, checks: readonly Check[]): Plan => ({
  ...plan,
  checks: [...checks, ...plan.checks],
});

const unreasoned = (input: unknown): unknown => {
  if (typeof input !== 'object' || input === null || !('reason' in input)) return input;
  const { reason: _reason, ...rest } = input;
  return rest;
};

/** The year is as far away as a clock that was never set; a number that is no time at all is told as it is. */
const stamp = (at: Date): string => (Number.isNaN(at.getTime()) ? 'no time' : at.toISOString());

const span = (ms: number): string => {
  const minutes = Math.abs(ms) / 60_000;
  return minutes < 2 ? `${Math.round(minutes * 60)} s` : `${Math.round(minutes)} min`;
};

/** When a quoted hash expires. @throws Problem `plan.stale` for a hash that is not one of ours or has expired. */
export function expiryOf(hash: string, now: Date): Date {
  const seconds = /^[0-9a-f]{32}\.([0-9a-z]{1,8})$/.exec(hash)?.[1];
  if (seconds === undefined) throw new Problem('plan.stale', 'The Plan-Hash is not one that a preflight gave out');
  const expires = new Date(parseInt(seconds, 36) * 1000);
  const ahead = expires.getTime() - now.getTime();
  if (ahead <= 0)
    throw new Problem(
      'plan.stale',
      `The plan expired at ${stamp(expires)}, ${span(ahead)} ago: it is ${stamp(now)} here`,
    );
  if (ahead > 2 * PLAN_TTL_MS)
    throw new Problem(
      'plan.stale',
      `A plan is accepted for ${span(PLAN_TTL_MS)}, and this one for another ${span(ahead)}: it was made by a clock that is ${span(ahead - PLAN_TTL_MS)} or more ahead of the one here, which says ${stamp(now)}`,
    );
  return expires;
}

/** @throws Problem `preflight.blocked` with every blocker. */
export function assertUnblocked(plan: Plan): void {
  if (plan.blockers.length === 0) return;
  throw new Problem('preflight.blocked', plan.blockers.map((blocker) => blocker.detail).join('; '), {
    blockers: plan.blockers,
  });
}
