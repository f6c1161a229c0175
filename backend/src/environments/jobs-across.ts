/** The jobs of every environment as one definition a kind: what a job does, it does in the environment that its input names. */
import { environmentOf, mutations, Problem, type MutationId } from '@cloudlysis/contract';
import type { ChildJob, JobContext, JobDefinition, Step, Undo } from '../jobs/index.ts';
import type { Boundary } from './boundary.ts';

/** What every input of such a job may say; absent in those of a store that knew one environment only, whose home it is. */
interface Placed {
  readonly environment?: string | undefined;
}
type Definition = JobDefinition<Placed>;

/** Whether a kind of job is about what lives in an environment. */
export const livesInOne = (kind: MutationId): boolean => environmentOf(mutations[kind].submit) !== null;

/** Names the environment in the call or child of a job, where that is asked for one. */
const named = <T>(kind: MutationId, environment: string, input: T): T =>
  livesInOne(kind) ? { ...input, environment } : input;

/**
 * `each`: one definition of the kind by environment, made by the same factory. None of them is given an input of another
 * environment, whatever calls it: plan, step, compensation, verification, undo or retry.
 */
export function jobsAcross<D extends JobDefinition<never>>(
  each: ReadonlyMap<string, D>,
  boundaries: ReadonlyMap<string, Boundary>,
  home: string,
): D {
  const all = each as unknown as ReadonlyMap<string, Definition>;
  const [first] = all.values();
  if (!first) throw new Error('There is no environment');
  const idOf = (input: Placed): string => input.environment ?? home;
  const at = (input: Placed): Definition => {
    const found = all.get(idOf(input));
    if (!found) throw new Problem('environment.unknown', `there is no environment ${idOf(input)}`);
    return found;
  };
  const undone = (environment: string, undo: Undo | null): Undo | null =>
    undo && { ...undo, body: named(undo.operation, environment, undo.body) };
  const steps = (of: (definition: Definition) => readonly Step<Placed>[]): Step<Placed>[] =>
    of(first).map((step, index) => stepAcross(step, idOf, (input) => of(at(input))[index]!));
  const across: Definition = {
    ...first,
    environment: idOf,
    lane: (input) => boundaries.get(idOf(input))?.lane(at(input).lane(input)) ?? at(input).lane(input),
    plan: (input, caller) => at(input).plan(input, caller),
    steps: steps((definition) => definition.steps),
    verify: (context) => at(context.input).verify(context),
  };
  const { retired, commit, remainder, undo, undoPart } = first;
  return {
    ...across,
    ...(retired && { retired: steps((definition) => definition.retired ?? []) }),
    ...(commit && { commit: (context, session) => at(context.input).commit!(context, session) }),
    ...(remainder && {
      remainder: async (input, succeeded) => {
        const left = await at(input).remainder!(input, succeeded);
        return { ...left, input: named(first.kind, idOf(input), left.input) };
      },
    }),
    ...(undo && { undo: (input, context) => undone(idOf(input), at(input).undo!(input, context)) }),
    ...(undoPart && {
      undoPart: (children, jobId) => {
        // Children are of the environment of their parent; of none it is not known, and nothing was done.
        const [child] = children as readonly Placed[];
        return child ? undone(idOf(child), at(child).undoPart!(children, jobId)) : null;
      },
    }),
  } satisfies Definition as unknown as D;
}

type AnyStep = Readonly<Record<string, unknown>> & { readonly name: string };

/** The same step, done where the input says: each of its functions is handed on to that environment's own. */
function stepAcross(
  step: Step<Placed>,
  idOf: (input: Placed) => string,
  stepOf: (input: Placed) => Step<Placed>,
): Step<Placed> {
  const of = (context: JobContext<Placed>): Record<string, (...given: never[]) => unknown> =>
    stepOf(context.input) as never;
  const handedOn =
    (name: string) =>
    (context: JobContext<Placed>, ...rest: never[]) =>
      of(context)[name]!(context as never, ...rest);
  const made: Record<string, unknown> = { ...step };
  for (const name of ['intent', 'run', 'compensate', 'until', 'joined'])
    if (typeof (step as unknown as AnyStep)[name] === 'function') made[name] = handedOn(name);
  if ('children' in step)
    made['children'] = (context: never) => {
      const { input } = context as JobContext<Placed>;
      const wanted = (stepOf(input) as typeof step).children(context);
      return { ...wanted, jobs: wanted.jobs.map((job) => childIn(job, idOf(input))) };
    };
  return made as unknown as Step<Placed>;
}

const childIn = (job: ChildJob, environment: string): ChildJob => ({
  ...job,
  input: named(job.kind, environment, job.input),
});
