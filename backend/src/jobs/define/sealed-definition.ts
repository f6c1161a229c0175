/**
 * A definition as a change with secrets runs it: nothing that its functions throw or return brings one out. The engine
 * sees no other error, plan, intent, outcome or proof of such a job.
 */
import type { Plan, Proof } from '@cloudlysis/contract';
import { Problem } from '@cloudlysis/contract';
import { redactionOf, type Redaction } from '../../secrets/redaction.ts';
import type { Secret, Secrets } from '../../secrets/secret.ts';
import type { JobContext, JobDefinition, PlanDraft, Step } from './definition.ts';

/** For a job that has none. @throws Error */
export const noSecret = (field: string): never => {
  throw new Error(`There is no secret ${field} in this input`);
};

/** What `context.secret` is; where they cannot be read, whoever asks for one is told why. */
export const secretIn =
  (secrets: Secrets | Problem) =>
  (field: string): Secret => {
    if (secrets instanceof Problem) throw secrets;
    return secrets.get(field) ?? noSecret(field);
  };

/** `input` and `plan` as everybody may read them. */
export function sealedDefinition<I>(
  definition: JobDefinition<I>,
  secrets: Secrets | Problem,
  input: I,
  plan: Plan | null = null,
): JobDefinition<I> {
  if (secrets instanceof Problem || secrets.size === 0) return definition;
  const redaction = redactionOf(secrets, [input, plan]);
  const secret = secretIn(secrets);
  const clean = cleanly(redaction);
  const { commit, undo, remainder } = definition;
  return {
    ...definition,
    plan: clean(async (asked, caller) => draftOf(await definition.plan(asked, { ...caller, secret }), redaction)),
    steps: definition.steps.map((step) => sealedStep(step, redaction)),
    verify: clean(async (context) => proofOf(await definition.verify(context), redaction)),
    ...(commit ? { commit: clean((context, session) => commit(context, session)) } : {}),
    ...(remainder ? { remainder: clean((asked, succeeded) => remainder(asked, succeeded)) } : {}),
    // The call back is shown, and asks for its own secrets when somebody takes it.
    ...(undo ? { undo: (asked, context) => redaction.value(undo(asked, context)) } : {}),
  };
}

function sealedStep<I>(step: Step<I>, redaction: Redaction): Step<I> {
  const clean = cleanly(redaction);
  const { intent } = step;
  const at = `of step ${step.name}`;
  const recorded = intent
    ? {
        intent: clean(async (context: JobContext<I>) =>
          kept(`The intent ${at}`, await intent.call(step, context), redaction),
        ),
      }
    : {};
  if ('signal' in step) return { ...step, ...recorded };
  if ('until' in step) return { ...step, ...recorded, until: clean(async (context) => step.until(context)) };
  if ('children' in step)
    return {
      ...step,
      ...recorded,
      children: (context) => {
        try {
          return step.children(context);
        } catch (error) {
          throw redaction.error(error);
        }
      },
      joined: clean(async (context, ends) => kept(`The outcome ${at}`, await step.joined(context, ends), redaction)),
    };
  const { compensate } = step;
  return {
    ...step,
    ...recorded,
    run: clean(async (context) => kept(`The outcome ${at}`, await step.run(context), redaction)),
    ...(compensate ? { compensate: clean((context) => compensate.call(step, context)) } : {}),
  };
}

/** What steps read back is never altered: who would write a secret down fails instead, and is undone. @throws Error */
function kept<T>(what: string, value: T, redaction: Redaction): T {
  if (redaction.isIn(value)) throw new Error(`${what} has a secret in it`);
  return value;
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
function draftOf(draft: PlanDraft, redaction: Redaction): PlanDraft {
  const { text, value } = redaction;
  kept('The decision of the plan', draft.decision, redaction);
  return {
    ...draft,
    checks: checksOf(draft.checks, redaction),
    diff: draft.diff.map(({ op, path, ...sides }) => ({ op, path, ...value(sides) })),
    rollback: text(draft.rollback),
    ...(draft.world === undefined ? {} : { world: value(draft.world) }),
  };
}

const proofOf = ({ checks, facts }: Proof, redaction: Redaction): Proof => ({
  checks: checksOf(checks, redaction),
  facts: redaction.value(facts),
});

const checksOf = (checks: PlanDraft['checks'], { text }: Redaction): Proof['checks'] =>
  checks.map((check) => ({
    ...check,
    title: text(check.title),
    detail: text(check.detail),
    measured: typeof check.measured === 'string' ? text(check.measured) : check.measured,
    limit: typeof check.limit === 'string' ? text(check.limit) : check.limit,
  }));
