/** An operation is a value; router, validation, client, OpenAPI and documentation all come from it. */
import { z } from 'zod';
import { JobTicket, Job, Plan } from './jobs.ts';
import type { Requirement } from './permissions.ts';
import type { ProblemCode } from './problem.ts';
import { assertTakeable, holdsSecrets } from './secret.ts';
import { IN_ENVIRONMENT, IN_ENVIRONMENTS } from './wire.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH';
export type Risk = 'low' | 'high';

/**
 * Where the permission must hold. `platform`: globally, of what is in no environment. `environment`: in the one that it
 * is about. `tenant`: on the tenant named in params or body, in that environment. `filtered`: in any scope there, and the
 * handler shows only what the caller's scopes cover.
 */
export type ScopeRule = 'platform' | 'environment' | 'tenant' | 'filtered';

/** How many calls of an operation may be under way at once, in one replica. */
export interface Concurrency {
  readonly per_principal: number;
  readonly total: number;
  /** Seconds a call may wait for its turn before it is refused; 0 = none. */
  readonly wait_s: number;
}

export interface Operation {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly permission: Requirement;
  readonly scope: ScopeRule;
  /** Maximum age of the second factor, in seconds; absent where none is asked. */
  readonly stepUp?: number;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodType;
  /** Status → schema of the answer. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** Media type of an answer that is streamed and not one JSON value. */
  readonly streams?: readonly string[];
  /** Absent where the rate of requests is bound enough. */
  readonly concurrency?: Concurrency;
  readonly problems: readonly ProblemCode[];
  /** Bytes its body may have. */
  readonly maxBody?: number;
  /** Set on the two operations of a mutation. */
  readonly mutation?: { readonly role: 'submit' | 'preflight'; readonly kind: string; readonly risk: Risk };
}

/** Bytes the body of a change may have unless its operation says otherwise; none may say more than a MiB. */
export const MAX_BODY = 64 * 1024;

const nothing = z.strictObject({});
type Nothing = typeof nothing;

interface ReadSpec<P extends z.ZodObject, Q extends z.ZodObject, A extends z.ZodType> {
  path: string;
  summary: string;
  permission: Requirement;
  scope?: ScopeRule;
  stepUp?: number;
  params?: P;
  query?: Q;
  answer: A;
  concurrency?: Concurrency;
  problems?: readonly ProblemCode[];
}

/** A read: GET, no body, 200. */
export const read = <A extends z.ZodType, P extends z.ZodObject = Nothing, Q extends z.ZodObject = Nothing>(
  id: string,
  spec: ReadSpec<P, Q, A>,
) => ({
  id,
  method: 'GET' as const,
  path: spec.path,
  summary: spec.summary,
  permission: spec.permission,
  scope: spec.scope ?? ('platform' as const),
  ...(spec.stepUp === undefined ? {} : { stepUp: spec.stepUp }),
  params: (spec.params ?? nothing) as P,
  query: (spec.query ?? nothing) as Q,
  body: nothing,
  answers: { 200: spec.answer },
  ...(spec.concurrency === undefined ? {} : { concurrency: spec.concurrency }),
  problems: spec.problems ?? [],
});

/** A read whose answer is streamed; `answer` is the schema of one streamed item. */
export const stream = <A extends z.ZodType, P extends z.ZodObject = Nothing, Q extends z.ZodObject = Nothing>(
  id: string,
  spec: ReadSpec<P, Q, A> & { streams: readonly string[] },
) => ({ ...read<A, P, Q>(id, spec), streams: spec.streams });

interface MutationSpec<P extends z.ZodObject, B extends z.ZodType> {
  method?: 'POST' | 'PUT' | 'PATCH';
  path: string;
  summary: string;
  permission: Requirement;
  scope?: ScopeRule;
  stepUp?: number;
  /** Kind of the job it becomes; the operation's id unless told. */
  risk: Risk;
  params?: P;
  body: B;
  /** Bytes; 64 KiB unless told. */
  maxBody?: number;
  problems?: readonly ProblemCode[];
}

const SUBMIT_PROBLEMS = [
  'idempotency.key_missing', 'idempotency.key_reused', 'plan.stale', 'plan.used', 'preflight.blocked', 'audit.unavailable',
] as const satisfies readonly ProblemCode[]; // prettier-ignore

/** A plan can be looked at before anybody has said why: the reason is asked for at the change itself. */
const withoutReason = <B extends z.ZodType>(body: B): z.ZodType<Unreasoned<z.output<B>>, Unreasoned<z.input<B>>> =>
  (body instanceof z.ZodObject && 'reason' in body.shape ? body.partial({ reason: true }) : body) as never;

type Unreasoned<T> = T extends { reason: infer R } ? Omit<T, 'reason'> & { reason?: R | undefined } : T;

/**
 * A mutation is two operations: the change (a job) and its preflight (the same body, no effect).
 * @throws Error for a secret in the path, which ends in the logs of everything between, or where none can be taken out
 */
export const mutation = <B extends z.ZodType, P extends z.ZodObject = Nothing>(
  id: string,
  spec: MutationSpec<P, B>,
) => {
  if (spec.params && holdsSecrets(spec.params)) throw new Error(`${id}: a secret cannot stand in an address`);
  assertTakeable(spec.body);
  const shared = {
    permission: spec.permission,
    scope: spec.scope ?? ('platform' as const),
    params: (spec.params ?? nothing) as P,
    query: nothing,
    body: spec.body,
    maxBody: spec.maxBody ?? MAX_BODY,
  };
  const submit = {
    ...shared,
    id,
    method: spec.method ?? ('POST' as const),
    path: spec.path,
    summary: spec.summary,
    ...(spec.stepUp === undefined ? {} : { stepUp: spec.stepUp }),
    answers: { 200: Job, 202: JobTicket },
    problems: [
      ...SUBMIT_PROBLEMS,
      ...(spec.risk === 'high' ? (['plan.required'] as const) : []),
      ...(spec.problems ?? []),
    ],
    mutation: { role: 'submit' as const, kind: id, risk: spec.risk },
  };
  const preflight = {
    ...shared,
    body: withoutReason(spec.body),
    id: `${id}.preflight`,
    method: 'POST' as const,
    path: `${spec.path}/preflight`,
    summary: `Show what would happen, without doing it: ${spec.summary}`,
    answers: { 200: Plan },
    problems: spec.problems ?? [],
    mutation: { role: 'preflight' as const, kind: id, risk: spec.risk },
  };
  return { submit, preflight };
};

/**
 * Whether what an operation is about lives in one environment: `one` has to be named, or, of a list, `any` may be; null of
 * what is global. Read from the very field of its schema, so that no operation says one thing and takes another.
 */
export function environmentOf({ query, body }: Pick<Operation, 'query' | 'body'>): 'one' | 'any' | null {
  const fields = [query, body].flatMap((part) => (part instanceof z.ZodObject ? [part.shape['environment']] : []));
  if (fields.includes(IN_ENVIRONMENT)) return 'one';
  return fields.includes(IN_ENVIRONMENTS) ? 'any' : null;
}
