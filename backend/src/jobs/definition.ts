/**
 * How a mutation is defined: once, as a job.
 *
 * Glossary: a *job* is one mutation from plan to proof; a *step* is its smallest re-runnable part; the *intent* is what
 * was recorded before a step's effect, the *outcome* what it returned; a *lane* is the resource a job holds alone;
 * a *fence* is the number of the claim, and stands in the filter of every write the claimant makes; to *compensate*
 * is to undo steps in reverse order.
 */
import type { BlastRadius, Change, Check, MutationId, Permission, Plan, Proof, Risk } from '@cloudlysis/contract';
import type { ClientSession } from 'mongodb';
import type { z } from 'zod';
import type { Principal } from '../principal.ts';
import type { Secret } from '../secret.ts';

/** What a plan needs to say; the engine adds steps, hash and expiry. */
export interface PlanDraft {
  readonly checks: readonly Check[];
  readonly diff: readonly Change[];
  readonly blastRadius: BlastRadius;
  /** How the change is undone, for people (GEN-35). */
  readonly rollback: string;
  /** Versions and ids the plan relies on; hashed with the diff, so that a moved world makes the plan stale. */
  readonly world?: unknown;
}

export interface StepContext<I> {
  readonly jobId: string;
  readonly input: I;
  readonly actor: string;
  readonly reason: string | null;
  readonly plan: Plan;
  /** This claim's fencing token: later claims have higher ones. */
  readonly fence: number;
  /** 1 on the first start of this step, more when it is started again. */
  readonly attempt: number;
  /** What this step's `intent` recorded before the effect; survives a crash. */
  readonly intent: unknown;
  /** Aborted at the step's deadline, on cancel and when the lease is lost. Pass it to everything that waits. */
  readonly signal: AbortSignal;
  /** What an earlier step (or, while compensating, any step) returned; undefined if it never finished. */
  outcomeOf<T>(step: string): T | undefined;
  /** What an earlier step intended. */
  intentOf<T>(step: string): T | undefined;
  /**
   * A secret of the input by the name of its field (`smtp/password`), which has `‹secret›` there. Open it for the call that
   * needs it. @throws Problem `secret.unreadable`, Error for a field that has none
   */
  secret(field: string): Secret;
  /** Runs child jobs, at most `concurrency` at once, each under a key that makes it one job however often it is asked. */
  children(jobs: readonly ChildJob[], concurrency: number): Promise<ChildResult[]>;
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

export interface Step<I> {
  readonly name: string;
  readonly title: string | ((input: I) => string);
  /** Milliseconds one attempt may take, compensation included; 30 000 unless told. */
  readonly timeoutMs?: number | ((input: I) => number);
  /** Attempts before the step fails, with backoff between them; 3 unless told. Refusals (4xx problems) are not repeated. */
  readonly attempts?: number;
  /** Reads what will be needed to complete or undo the step; recorded before `run`, and never asked again. */
  intent?(context: StepContext<I>): Promise<unknown>;
  /** The effect. May be called again after a crash anywhere inside it: ask the world first. Returns the outcome. */
  run(context: StepContext<I>): Promise<unknown>;
  /** Undoes the effect, which may have happened wholly, partly or not at all. May be called again. */
  compensate?(context: StepContext<I>): Promise<void>;
}

export interface JobDefinition<I> {
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
  /** Tenants of a job that is about several: the permission must hold on each, and who may see all of them sees the job. */
  tenants?(input: I): readonly string[];
  /** For the audit log: `tenant:acme`. */
  resource(input: I): string;
  /** Looks at the world and says what would happen. No effect. @throws Problem when there is nothing to plan for (`tenant.unknown`). */
  plan(input: I, caller: PlanCaller): Promise<PlanDraft>;
  readonly steps: readonly Step<I>[];
  /** Starts jobs and waits for them. Such jobs have slots of their own: in those of the others they would wait for ever. */
  readonly startsJobs?: true;
  /** Steps that are planned no more, kept while jobs of an older version may need them. */
  readonly retired?: readonly Step<I>[];
  /** Asks the world whether the change holds. A check with status `block` makes the job fail and compensates it. */
  verify(context: StepContext<I>): Promise<Proof>;
  /** Resource state that changes together with the job's end, in its transaction. */
  commit?(context: StepContext<I>, session: ClientSession): Promise<void>;
  /** The call that reverses what the children of an unfinished job did; given the inputs of those that succeeded. */
  undoPart?(children: readonly unknown[], jobId: string): Undo | null;
  /**
   * Of a job that works through children and ended without success: what trying again would still have to do. `succeeded`
   * are the tenants whose child succeeded.
   */
  remainder?(input: I, succeeded: readonly string[]): Promise<Remainder>;
  /** The call that reverses a finished job. */
  undo?(input: I, context: Pick<StepContext<I>, 'outcomeOf' | 'intentOf' | 'jobId'>): Undo | null;
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
