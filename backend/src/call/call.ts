/** What a feature sees of a request: parsed values and the caller, never Koa. */
import type { Job, JobTicket, MutationId, mutations, Operation, Plan, ReadId, reads } from '@cloudlysis/contract';
import type { z } from 'zod';
import type { Readable } from 'node:stream';
import type { Principal, Provenance, Visible } from './principal.ts';
import type { Secrets } from '../secrets/secret.ts';

export interface Call<Op extends Operation> {
  readonly params: z.output<Op['params']>;
  readonly query: z.output<Op['query']>;
  readonly body: z.output<Op['body']>;
  /** What stands as `‹secret›` in the body. */
  readonly secrets: Secrets;
  readonly principal: Principal;
  readonly provenance: Provenance;
  /** The one the call is about; null where it is about what is global, or lists all that the caller may see. */
  readonly environment: string | null;
  /** Tenants the caller may see under the operation's permission, there. */
  readonly visible: Visible;
  visibleIn(environment: string): Visible;
  /** Of what a list over environments holds: by where a thing is, null of what is global. */
  visibleAt(environment: string | null | undefined): Visible;
  /** Several are configured, so that more may be seen in one than in another. */
  readonly isAcross: boolean;
  /** Aborted when the client goes away or the request's deadline passes. */
  readonly signal: AbortSignal;
}

/** An answer that is streamed, with its media type. */
export interface Streamed {
  readonly type: string;
  readonly stream: Readable;
  readonly filename?: string;
}

type Answer<Op extends Operation> = Op extends { streams: readonly string[] } ? Streamed : z.output<Op['answers'][200]>;

/** One handler per read; a missing or extra one is a compile error. */
export type ReadHandlers<Ids extends ReadId = ReadId> = {
  [K in Ids]: (call: Call<(typeof reads)[K]>) => Promise<Answer<(typeof reads)[K]>>;
};

export interface SubmitHeaders {
  readonly idempotencyKey: string;
  readonly planHash: string | null;
  /** How long to wait for the end before answering, in milliseconds; 0 = do not. */
  readonly waitMs: number;
}

export interface MutationHandler<Op extends Operation> {
  preflight(call: Call<Op>): Promise<Plan>;
  /** Returns the job, in a final state when the wait sufficed; its ticket alone where it cannot be shown. */
  submit(call: Call<Op>, headers: SubmitHeaders): Promise<Job | JobTicket>;
}

/** One handler per mutation; a missing or extra one is a compile error. */
export type MutationHandlers<Ids extends MutationId = MutationId> = {
  [K in Ids]: MutationHandler<(typeof mutations)[K]['submit']>;
};

type ParamsOf<K extends MutationId> = z.output<(typeof mutations)[K]['submit']['params']>;

/** Input of a mutation's job: path parameters (if it has any) and body as one value. */
export type InputOf<K extends MutationId> = (keyof ParamsOf<K> extends never
  ? unknown
  : string extends keyof ParamsOf<K>
    ? unknown
    : ParamsOf<K>) &
  z.output<(typeof mutations)[K]['submit']['body']>;
