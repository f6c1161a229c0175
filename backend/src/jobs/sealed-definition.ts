/**
 * A definition as a change with secrets runs it: its functions get them by name, and nothing they throw or return
 * brings one out. The engine sees no other error, plan, intent, outcome or proof of such a job.
 */
import type { Plan, Proof } from '@cloudlysis/contract';
import { Problem } from '@cloudlysis/contract';
import { redactionOf, type Redaction } from '../redaction.ts';
import type { Secret, Secrets } from '../secret.ts';
import type { JobContext, JobDefinition, PlanDraft, Step } from './definition.ts';

/** For a job that has none. @throws Error */
export const noSecret = (field: string): never => {
  throw new Error(`There is no secret ${field} in this input`);
};

/** `secrets`: or why they cannot be read, which whoever asks for one is told. `input`: as everybody may read it. */
export function sealedDefinition<I>(
  definition: JobDefinition<I>,
  secrets: Secrets | Problem,
  input: I,
  plan: Plan | null = null,
): JobDefinition<I> {
  if (!(secrets instanceof Problem) && secrets.size === 0) return definition;
  const known = secrets instanceof Problem ? new Map<string, Secret>() : secrets;
  const redaction = redactionOf(known, [input, plan]);
  const secret = (field: string): Secret => {
    if (secrets instanceof Problem) throw secrets;
    return secrets.get(field) ?? noSecret(field);
  };
  const withSecrets: WithSecrets<I> = (context) => ({ ...context, secret });
  const clean = cleanly(redaction);
  const { commit, undo, remainder } = definition;
  return {
    ...definition,
    plan: clean(async (asked, caller) => draftOf(await definition.plan(asked, { ...caller, secret }), redaction)),
    steps: definition.steps.map((step) => sealedStep(step, withSecrets, redaction)),
    verify: clean(async (context) => proofOf(await definition.verify(withSecrets(context)), redaction)),
    ...(commit ? { commit: clean((context, session) => commit(withSecrets(context), session)) } : {}),
    ...(remainder ? { remainder: clean((asked, succeeded) => remainder(asked, succeeded)) } : {}),
    // The call back is shown, and asks for its own secrets when somebody takes it.
    ...(undo ? { undo: (asked, context) => redaction.value(undo(asked, context)) } : {}),
  };
}

type WithSecrets<I> = <C extends JobContext<I>>(context: C) => C;

function sealedStep<I>(step: Step<I>, withSecrets: WithSecrets<I>, redaction: Redaction): Step<I> {
  const clean = cleanly(redaction);
  const { intent } = step;
  // What steps read back is never altered: a step that would write a secret down fails instead, and is undone.
  const kept = (what: string, value: unknown): unknown => {
    if (redaction.isIn(value)) throw new Error(`The ${what} of step ${step.name} has a secret in it`);
    return value;
  };
  const recorded = intent ? { intent: clean(async (context: JobContext<I>) => kept('intent', await intent.call(step, withSecrets(context)))) } : {}; // prettier-ignore
  if ('signal' in step) return { ...step, ...recorded };
  if ('until' in step) return { ...step, ...recorded, until: clean(async (context) => step.until(withSecrets(context))) }; // prettier-ignore
  if ('children' in step)
    return {
      ...step,
      ...recorded,
      children: (context) => step.children(withSecrets(context)),
      joined: clean(async (context, results) => kept('outcome', await step.joined(withSecrets(context), results))),
    };
  const { compensate } = step;
  return {
    ...step,
    ...recorded,
    run: clean(async (context) => kept('outcome', await step.run(withSecrets(context)))),
    ...(compensate ? { compensate: clean((context) => compensate.call(step, withSecrets(context))) } : {}),
  };
}

/** Whatever it throws is thrown on without a secret. */
const cleanly =
  (redaction: Redaction) =>
  <A extends readonly unknown[], R>(work: (...given: A) => Promise<R>) =>
  async (...given: A): Promise<R> => {
    try {
      return await work(...given);
    } catch (error) {
      throw redaction.error(error);
    }
  };

/** What people read of it; ids, paths and figures are what the engine and pages go by, and stay. @throws Error as `kept` */
function draftOf(draft: PlanDraft, { text, value, isIn }: Redaction): PlanDraft {
  if (isIn(draft.decision)) throw new Error('The decision of the plan has a secret in it');
  return {
    ...draft,
    checks: checksOf(draft.checks, { text, value }),
    diff: draft.diff.map(({ op, path, ...sides }) => ({ op, path, ...value(sides) })),
    rollback: text(draft.rollback),
    ...(draft.world === undefined ? {} : { world: value(draft.world) }),
  };
}

const proofOf = ({ checks, facts }: Proof, { text, value }: Redaction): Proof => ({
  checks: checksOf(checks, { text, value }),
  facts: value(facts),
});

const checksOf = (checks: PlanDraft['checks'], { text }: Pick<Redaction, 'text' | 'value'>): Proof['checks'] =>
  checks.map((check) => ({
    ...check,
    title: text(check.title),
    detail: text(check.detail),
    measured: typeof check.measured === 'string' ? text(check.measured) : check.measured,
    limit: typeof check.limit === 'string' ? text(check.limit) : check.limit,
  }));
