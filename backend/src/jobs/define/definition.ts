/**
 * How a mutation is defined: once, as a job.
 *
 * Glossary: a *job* is one mutation from plan to proof; a *step* is its smallest re-runnable part; the *intent* is what
 * was recorded before a step's effect, the *outcome* what it returned; a *lane* is the resource a job holds alone;
 * a *fence* is the number of the claim, and stands in the filter of every write the claimant makes; to *compensate*
 * is to undo steps in reverse order.
 */
import type { BlastRadius, Change, Check, MutationId, Permission, Proof, Risk } from '@cloudlysis/contract';
import type { ClientSession } from 'mongodb';
import type { z } from 'zod';
import type { Principal } from '../../call/principal.ts';
import type { Secret } from '../../secrets/secret.ts';

/** What a plan needs to say; the engine adds steps, hash and expiry. `D` is what it decides. */
export interface PlanDraft<D = unknown> {
  readonly checks: readonly Check[];
  readonly diff: readonly Change[];
  readonly blastRadius: BlastRadius;
  /** How the change is undone, for people (GEN-35). */
  readonly rollback: string;
  /**
   * What was decided and the job does (who goes where): hashed, kept with the job, and given to its steps, so that none
   * reads it out of the diff, which is for people. Plain values, as JSON has them.
   */
  readonly decision?: D;
  /** Versions and ids the plan relies on; hashed with the diff, so that a moved world makes the plan stale. */
  readonly world?: unknown;
}

/** What every part of a job is given. The plan is not in it: it is what people were shown, and no part of it is parsed back. */
export interface JobContext<I, D = unknown> {
  readonly jobId: string;
  readonly input: I;
  readonly actor: string;
  readonly reason: string | null;
  /** What the plan that runs decided. @throws Problem `plan.stale` in a job of an earlier version, which kept none */
  readonly decision: D;
  /** This claim's fencing token: later claims have higher ones. */
  readonly fence: number;
  /** 1 on the first start of this step, more when it is started again. */
  readonly attempt: number;
  /** Aborted at the step's deadline, on cancel and when the lease is lost. Pass it to everything that waits. */
  readonly signal: AbortSignal;
  /** What an earlier step (or, while compensating, any step) returned; undefined if it never finished. */
  outcomeOf(step: Pick<SignalStep<never>, 'name' | 'signal'>): Given | undefined;
  outcomeOf<O>(step: Returning<O>): O | undefined;
  /** What an earlier step intended; undefined if it never began. */
  intentOf<N>(step: Intending<N>): N | undefined;
  /**
   * A secret of the input by the name of its field (`smtp/password`), which has `‹secret›` there. Open it for the call that
   * needs it. @throws Problem `secret.unreadable`, Error for a field that has none
   */
  secret(field: string): Secret;
}

export interface StepContext<I, D = unknown, N = unknown> extends JobContext<I, D> {
  /** What this step's `intent` recorded before the effect; survives a crash. */
  readonly intent: N;
}

/** A step, as whoever asks for its outcome or its intent names it: by its value, which says what they are. */
export type Returning<O> =
  | { readonly name: string; run(context: never): Promise<O> }
  | { readonly name: string; joined(context: never, results: readonly ChildResult[]): Promise<O> };
export interface Intending<N> {
  readonly name: string;
  intent(context: never): Promise<N>;
}

export interface ChildJob {
  readonly kind: MutationId;
  readonly input: unknown;
  /** By field of its input, which has `‹secret›` there. */
  readonly secrets?: Readonly<Record<string, Secret>>;
  /** Unique within the parent. */
  readonly key: string;
}

export interface ChildResult {
  readonly key: string;
  readonly jobId: string | null;
  readonly state: 'succeeded' | 'failed' | 'cancelled' | 'compensated' | 'refused';
  readonly detail: string | null;
  readonly proof: Proof | null;
}

interface StepParts<I> {
  readonly name: string;
  readonly title: string | ((input: I) => string);
  /** Milliseconds one attempt may take, compensation included; 30 000 unless told. What a step waits for is not counted. */
  readonly timeoutMs?: number | ((input: I) => number);
  /** Attempts before the step fails, with backoff between them; 3 unless told. Refusals (4xx problems) are not repeated. */
  readonly attempts?: number;
}

interface Intent<I, D, N> {
  /** Reads what will be needed to complete or undo the step; recorded before its effect, and never asked again. */
  intent(context: JobContext<I, D>): Promise<N>;
}
type WithIntent<I, D, N> = StepParts<I> & (unknown extends N ? Partial<Intent<I, D, N>> : Intent<I, D, N>);

/** Changes the world. `N` is what it intends, `O` its outcome. What intends something has to say so: its `run` relies on it. */
export type EffectStep<I, D = unknown, N = unknown, O = unknown> = WithIntent<I, D, N> & {
  /** The effect. May be called again after a crash anywhere inside it: ask the world first. Returns the outcome. */
  run(context: StepContext<I, D, N>): Promise<O>;
  /** Undoes the effect, which may have happened wholly, partly or not at all; null where the intent failed. May be called again. */
  compensate?(context: StepContext<I, D, N | null>): Promise<void>;
};

/*
 * Steps that wait hold no slot and cost nothing meanwhile, for as long as it takes. Before the first effect of a job they
 * hold no lane either: when they end, the job is planned again, and ends as stale where the plan is another.
 */

/** Waits for a time. */
export type TimeStep<I, D = unknown> = WithIntent<I, D, unknown> & {
  /** Asked once, then kept. */
  until(context: JobContext<I, D>): Date | Promise<Date>;
};

/** Waits until enough people, or a machine, say `proceed` (`jobs.signal`). One `refuse` fails it. */
export type SignalStep<I, D = unknown> = WithIntent<I, D, unknown> & {
  readonly signal: {
    /** Lower-case: `approval`. Unique within the job. */
    readonly name: string;
    /** What who sends it must hold on every tenant of the job, when it is sent and when the job goes on. */
    readonly permission: Permission;
    /** Who asked for the job may not send it. */
    readonly notByRequester?: true;
    /** People who must say `proceed`; 1 unless told. */
    readonly needed?: number;
    /** Milliseconds after which the step fails with `wait.expired`; for ever unless told. */
    readonly withinMs?: number | ((input: I) => number);
  };
};

/** Outcome of a step that waited for a signal: who said proceed, when (RFC 3339), why, and what it rests on. */
export interface Given {
  readonly given: readonly { readonly by: string; readonly at: string; readonly reason: string; readonly evidence: unknown }[]; // prettier-ignore
}

/** Starts jobs and waits for them. Whatever undoes the job cancels those that are under way first. */
export type ChildrenStep<I, D = unknown, N = unknown, O = unknown> = WithIntent<I, D, N> & {
  /** Asked at every look, and always the same list: take it from decision, intent or input. */
  children(context: StepContext<I, D, N>): { readonly jobs: readonly ChildJob[]; readonly atOnce: number };
  /** What comes of their ends, in the order of the list. @throws Problem where the job must not go on */
  joined(context: StepContext<I, D, N>, results: readonly ChildResult[]): Promise<O>;
};

export type WaitStep<I, D = unknown, N = unknown, O = unknown> =
  TimeStep<I, D> | SignalStep<I, D> | ChildrenStep<I, D, N, O>;
export type Step<I, D = unknown, N = unknown, O = unknown> = EffectStep<I, D, N, O> | WaitStep<I, D, N, O>;

/** `I` is its input, `D` what its plan decides. */
export interface JobDefinition<I, D = unknown> {
  /** The mutation it carries out. */
  readonly kind: MutationId;
  /** Raised whenever its steps or what they mean change, so that replicas know what they can carry on; 1 unless told. */
  readonly version?: number;
  /** The oldest version whose jobs it carries on, with the steps they were planned with; `version` unless told. */
  readonly since?: number;
  readonly risk: Risk;
  readonly permission: Permission;
  /** The contract's, where it has secrets. */
  readonly body?: z.ZodType;
  /** What it holds alone: `tenant:acme`, `shard:a1`, `platform`. */
  lane(input: I): string;
  tenantId(input: I): string | null;
  /** Environment it is about; of what is global none. */
  environment?(input: I): string;
  /** Tenants of a job that is about several: the permission must hold on each, and who may see all of them sees the job. */
  tenants?(input: I): readonly string[];
  /** For the audit log: `tenant:acme`. */
  resource(input: I): string;
  /** Looks at the world and says what would happen. No effect. @throws Problem when there is nothing to plan for (`tenant.unknown`). */
  plan(input: I, caller: PlanCaller): Promise<PlanDraft<D>>;
  readonly steps: readonly Step<I, D>[];
  /** Steps that are planned no more, kept while jobs of an older version may need them. */
  readonly retired?: readonly Step<I, D>[];
  /** Asks the world whether the change holds. A check with status `block` makes the job fail and compensates it. */
  verify(context: JobContext<I, D>): Promise<Proof>;
  /** Resource state that changes together with the job's end, in its transaction. */
  commit?(context: JobContext<I, D>, session: ClientSession): Promise<void>;
  /** The call that reverses what the children of an unfinished job did; given the inputs of those that succeeded. */
  undoPart?(children: readonly unknown[], jobId: string): Undo | null;
  /**
   * Of a job that works through children and ended without success: what trying again would still have to do. `succeeded`
   * are the tenants whose child succeeded.
   */
  remainder?(input: I, succeeded: readonly string[]): Promise<Remainder>;
  /** The call that reverses a finished job. */
  undo?(input: I, context: Pick<JobContext<I, D>, 'outcomeOf' | 'intentOf' | 'jobId' | 'decision'>): Undo | null;
}

export interface Remainder {
  /** For what is left alone. */
  readonly input: unknown;
  readonly left: readonly string[];
  /** What is as it was wanted, whoever did it. */
  readonly done: readonly string[];
  /** Done then, and changed by somebody since: theirs to decide, so it is told and left alone. */
  readonly changedSince: readonly string[];
}

export interface PlanCaller {
  readonly principal: Principal | null;
  /** Job that is being planned again, so that a lane check does not find the job itself. */
  readonly jobId: string | null;
  /** Is shown the plan and may see the whole platform: whose job is in the way is told by name, also where it is about more. */
  readonly seesAll?: boolean;
  /** As in a step; there where the input has secrets. */
  secret?(field: string): Secret;
}

export interface Undo {
  readonly operation: MutationId;
  readonly params: Record<string, string>;
  readonly body: unknown;
}
