/**
 * Whether this replica can carry a job on. During a deployment replicas of two versions run side by side, and a job that
 * one of them began may be met by the other: its steps are found by name, in a definition that says which versions it
 * carries on. What is not known here is left to a replica that knows it.
 */
import { Problem } from '@cloudlysis/contract';
import type { JobDefinition, SignalStep, Step } from '../define/definition.ts';
import type { JobDocument } from '../record/job-document.ts';
import { MOST_WORDS } from './signal-store.ts';
import { SHAPE } from '../record/stored-job.ts';

type Met = Pick<JobDocument, 'kind' | 'shape' | 'version'> & { readonly steps: readonly { readonly name: string }[] };
type Definition = JobDefinition<unknown>;

export const versionOf = ({ version = 1 }: Pick<Definition, 'version'>): number => version;

const stepNamed = ({ steps, retired = [] }: Definition, name: string): Step<unknown> | undefined =>
  [...steps, ...retired].find((step) => step.name === name);

/** What of the job is not known here, as it is told; null where it can be carried on. */
export function unknownOf(job: Met, definition: Definition | undefined): string | null {
  if (job.shape > SHAPE) return `jobs stored in shape ${job.shape}`;
  if (!definition) return `the kind ${job.kind}`;
  const latest = versionOf(definition);
  if (job.version > latest || job.version < (definition.since ?? latest))
    return `version ${job.version} of ${job.kind}`;
  const missing = job.steps.find(({ name }) => !stepNamed(definition, name));
  return missing ? `the step ${missing.name} of ${job.kind}` : null;
}

/** The definition with the steps that the job was planned with, in their order, and no others. @throws Problem `job.unfamiliar` where `unknownOf` tells something. */
export function definitionFor(job: Met, definition: Definition | undefined): Definition {
  const unknown = unknownOf(job, definition);
  if (unknown !== null || !definition) throw unfamiliar(unknown ?? job.kind);
  return { ...definition, steps: job.steps.map(({ name }) => stepNamed(definition, name)!) };
}

/** Another replica may know it, so that asking again is worth it. */
export const unfamiliar = (what: string): Problem =>
  new Problem('job.unfamiliar', `This replica does not know ${what}`);

/** As the contract has them: another could be sent by nobody. */
const SIGNAL = /^[a-z][a-z0-9_.-]{0,63}$/;

/** @throws Error when two steps share a name or a signal, one waits for what cannot come, or its versions are none. */
export function assertDefinition({ kind, steps, retired = [], version = 1, since = version }: Definition): void {
  const names = [...steps, ...retired].map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${kind} has two steps named ${twice}`);
  const signals = steps.flatMap((step) => ('signal' in step ? step.signal.name : []));
  const shared = signals.find((name, index) => signals.indexOf(name) !== index);
  if (shared !== undefined) throw new Error(`${kind} waits for ${shared} in two steps`);
  const never = [...steps, ...retired].find((step) => 'signal' in step && !canCome(step.signal));
  if (never) throw new Error(`${kind} waits in ${never.name} for what cannot come`);
  if (!Number.isInteger(version) || !Number.isInteger(since) || since < 1 || since > version)
    throw new Error(`${kind} carries on versions ${since} to ${version}, which are none`);
}

const canCome = ({ name, needed = 1, withinMs = 0 }: SignalStep<unknown>['signal']): boolean =>
  SIGNAL.test(name) &&
  Number.isInteger(needed) &&
  needed >= 1 &&
  needed <= MOST_WORDS &&
  (typeof withinMs === 'function' || withinMs >= 0);
