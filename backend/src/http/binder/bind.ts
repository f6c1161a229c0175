/** The one binder between an operation and Koa: identity, permission, step-up, parse, handler, answer check, in this order. */
import {
  API_PREFIX, environmentOf, FINAL_STATES, holdsSecrets, MAX_BODY, mutations, Problem, reads,
  type Job, type JobTicket, type MutationId, type Operation, type ReadId,
} from '@cloudlysis/contract'; // prettier-ignore
import type { Context } from 'koa';
import type { Ambient } from '../../kernel/ambient.ts';
import type {
  Call,
  MutationHandler,
  MutationHandlers,
  ReadHandlers,
  Streamed,
  SubmitHeaders,
} from '../../call/call.ts';
import type { Authenticator, Permissions } from '../../identity/index.ts';
import type { Principal, Visible } from '../../call/principal.ts';
import { checkedAnswer, OpenStreams, readablePage, type Answer, type AnswerDeps } from '../answer/answer.ts';
import { authorise, tenantNamed } from './authorise.ts';
import {
  environmentIn,
  environmentNamed,
  placeAsked,
  withEnvironment,
  type EnvironmentChoice,
} from './environment-choice.ts';
import { problemWithoutAddresses } from '../../ports/nodes/index.ts';
import { provenanceOf, signalOf, type TracedRequest } from '../request/traced-request.ts';
import { readJson } from '../request/json-body.ts';
import { NOTHING, parseParts, refuseRepeatedHeaders, submitHeaders } from '../request/request-parts.ts';
import type { TokenBuckets } from '../refusals/token-bucket.ts';
import type { Turnstile } from '../refusals/turnstile.ts';

/** Milliseconds a handler may take, on top of the wait a client asked for. */
const HANDLER_MS = 30_000;
/** An export or event stream may go on this long. */
const STREAM_MS = 3_600_000;

export interface BinderDeps extends AnswerDeps {
  readonly ambient: Ambient;
  readonly authenticate: Authenticator['authenticate'];
  readonly permissions: Permissions;
  readonly environments: EnvironmentChoice;
  readonly rate: TokenBuckets;
  readonly streams: OpenStreams;
  /** By operation that has a limit of its own. */
  readonly turnstiles: ReadonlyMap<string, Turnstile>;
  /** Aborted when a stopping service cannot wait any longer. */
  readonly cut: AbortSignal;
}

/** What an operation runs once a call was let in. */
export interface Route {
  readonly operation: Operation;
  run(call: Call<Operation>, headers: SubmitHeaders | null): Promise<Answer | Streamed>;
}

/** A route per read, and two per mutation. The tables are complete by their types; this is where the types end. */
export function routesOf(readHandlers: ReadHandlers, mutationHandlers: MutationHandlers): Route[] {
  type AnyCall = Call<never>;
  const read = (id: ReadId): Route => ({
    operation: reads[id],
    run: async (call) => {
      const value: unknown = await (readHandlers[id] as (call: AnyCall) => Promise<unknown>)(call as AnyCall);
      return 'streams' in reads[id] ? (value as Streamed) : { status: 200, value };
    },
  });
  const mutation = (id: MutationId): Route[] =>
    mutationRoutes(mutations[id], mutationHandlers[id] as MutationHandler<never>);
  return [...(Object.keys(reads) as ReadId[]).map(read), ...(Object.keys(mutations) as MutationId[]).flatMap(mutation)];
}

/** The change and its preflight. */
export function mutationRoutes(
  { submit, preflight }: { readonly submit: Operation; readonly preflight: Operation },
  handler: MutationHandler<never>,
): Route[] {
  return [
    {
      operation: submit,
      run: async (call, headers) => jobAnswer(await handler.submit(call as never, headers!), headers!),
    },
    {
      operation: preflight,
      run: async (call) => ({ status: 200, value: await handler.preflight(call as never) }),
    },
  ];
}

function jobAnswer(job: Job | JobTicket, { waitMs }: SubmitHeaders): Answer {
  const applied = waitMs > 0 ? { 'Preference-Applied': `wait=${waitMs / 1000}` } : {};
  const headers = { Location: `${API_PREFIX}/jobs/${job.job_id}`, ...applied };
  const final = (FINAL_STATES as readonly string[]).includes(job.state);
  return final && 'plan' in job
    ? { status: 200, value: job, headers }
    : { status: 202, value: { job_id: job.job_id, state: job.state }, headers };
}

export type RequestContext = Context & {
  readonly params: Record<string, string>;
  readonly state: { traced: TracedRequest };
};

/** Serves one operation. Whatever it throws is encoded, logged and audited further out. */
export function bind({ operation, run }: Route, deps: BinderDeps): (ctx: RequestContext) => Promise<void> {
  const takesBody = operation.method !== 'GET';
  const submits = operation.mutation?.role === 'submit';
  const { maxBody = MAX_BODY } = operation;
  const scopeFromBody = takesBody && (operation.scope === 'tenant' || environmentOf(operation) !== null);
  const quotes = !holdsSecrets(operation.body);
  return async (ctx) => {
    const { traced } = ctx.state;
    const asked = (who: Principal) => placeAsked(operation, who, traced, deps);
    const { req, res } = ctx;
    traced.operation = operation.id;
    refuseRepeatedHeaders(req);
    const principal = await identify(traced, ctx, deps);
    // Where the body names tenant or environment it is read first, but what is wrong with it is told only to those who may.
    const early = scopeFromBody ? await attempt(readJson(req, maxBody, deps.ambient, quotes)) : NO_BODY;
    traced.tenantId = tenantNamed(ctx.params, early.value);
    traced.environment = environmentNamed(operation, { query: ctx.querystring, body: early.value }, deps.environments);
    authorise(operation, principal, asked(principal), deps);
    if (early.error) throw early.error;
    const body = takesBody && !scopeFromBody ? await readJson(req, maxBody, deps.ambient, quotes) : early.value;
    traced.tenantId ??= tenantNamed(ctx.params, body);
    const headers = submits ? submitHeaders(req) : null;
    const parsed = parseParts(operation, { params: ctx.params, query: ctx.querystring, body });
    const environment = environmentIn(operation, parsed, deps.environments);
    const parts = withEnvironment(operation, parsed, environment);
    const ms = operation.streams ? STREAM_MS : HANDLER_MS + (headers?.waitMs ?? 0);
    let signal: AbortSignal | undefined;
    const visibleTo = (who: Principal): Visible => visibleWhere(who, operation, environment, deps);
    const call = {
      ...(parts as Pick<Call<Operation>, 'params' | 'query' | 'body' | 'secrets'>),
      principal,
      provenance: provenanceOf(traced, req),
      environment,
      // These cost more than most reads that do not look at them.
      get visible() {
        return visibleTo(principal);
      },
      visibleIn: (id: string) => deps.permissions.visible(principal, operation.permission, id),
      visibleAt: (id: string | null | undefined) => visibleWhere(principal, operation, id ?? null, deps),
      isAcross: deps.environments.length > 1,
      get signal() {
        return (signal ??= signalOf(res, deps.ambient, ms, deps.cut));
      },
    };
    const leave = await deps.turnstiles.get(operation.id)?.enter(principal.id, call.signal);
    // Before the handler looks: what a stream was begun with is what must still hold.
    const begun = operation.streams ? call.visible : 'all';
    const letIn = async (): Promise<void> => {
      const now = await deps.authenticate(req.headers);
      authorise(operation, now, asked(now), deps);
      if (isNarrower(visibleTo(now), begun)) throw new Problem('permission.missing');
    };
    try {
      await send(ctx, operation, await run(call, headers), deps, { seesAll: () => call.visible === 'all', letIn });
    } catch (error) {
      throw seesNodes(operation) ? error : problemWithoutAddresses(error);
    } finally {
      leave?.();
    }
  };
}

/** Whoever is let in sees the whole platform, or the whole of an environment. */
const seesNodes = ({ scope }: Operation): boolean => scope === 'platform' || scope === 'environment';

/** In the environment; of what is global, or in all of them, what is seen everywhere. With one there is no difference. */
function visibleWhere(
  who: Principal,
  { permission }: Operation,
  environment: string | null,
  { permissions, environments }: Pick<BinderDeps, 'permissions' | 'environments'>,
): Visible {
  const here = environment ?? (environments.length === 1 ? environments[0]! : null);
  if (here !== null) return permissions.visible(who, permission, here);
  const everywhere = permissions.visibleEverywhere(who, permission);
  return everywhere === 'all' ? 'all' : (everywhere.get(null) ?? NOBODYS);
}
const NOBODYS: ReadonlySet<string> = new Set();

/** Whether something that could be seen before no longer can. */
function isNarrower(now: Visible, before: Visible): boolean {
  if (now === before || now === 'all') return false;
  return before === 'all' || [...before].some((tenantId) => !now.has(tenantId));
}

/** Nothing is known of a body that was not read. */
const NO_BODY = { value: NOTHING as unknown, error: null as unknown };

const attempt = (reading: Promise<unknown>): Promise<typeof NO_BODY> =>
  reading.then(
    (value) => ({ value, error: null }),
    (error: unknown) => ({ value: null, error }),
  );

async function identify(traced: TracedRequest, ctx: Context, deps: BinderDeps) {
  const found = deps.authenticate(ctx.req.headers);
  const principal = found instanceof Promise ? await found : found;
  traced.principal = principal;
  const wait = deps.rate.take(principal.id);
  if (wait > 0) throw new Problem('rate.limited', undefined, { retry_after_s: Math.ceil(wait) });
  return principal;
}

async function send(
  ctx: Context,
  operation: Operation,
  answer: Answer | Streamed,
  deps: BinderDeps,
  { seesAll, letIn }: { seesAll(): boolean; letIn(): Promise<void> },
): Promise<void> {
  if ('stream' in answer) {
    const { traced } = (ctx as RequestContext).state;
    const observe = () => deps.metrics.observe(operation.id, 200, deps.ambient.monotonic() - traced.started);
    if (ctx.method === 'HEAD') return headOf(ctx, answer);
    return deps.streams.send(ctx, answer, observe, letIn);
  }
  const { status, text } = worded(operation, answer, deps, seesAll);
  ctx.status = status;
  for (const name in answer.headers) ctx.set(name, answer.headers[name]!);
  // Set by hand: Koa looks a type up by name for every answer.
  ctx.res.setHeader('Content-Type', 'application/json; charset=utf-8');
  ctx.body = text;
}

function worded(operation: Operation, answer: Answer, deps: BinderDeps, seesAll: () => boolean) {
  const { status } = answer;
  try {
    const value = readablePage(operation, answer.value, seesAll, deps.badRecords);
    return { status, text: JSON.stringify(checkedAnswer(operation, { ...answer, value }, deps)) };
  } catch (error) {
    // The job is committed: whoever asked must not be told that it failed, only that more cannot be said of it.
    if (operation.mutation?.role !== 'submit') throw error;
    deps.logger.error({ err: error, operation: operation.id }, 'a job was accepted and cannot be shown');
    const { job_id, state } = answer.value as JobTicket;
    return { status: 202, text: JSON.stringify({ job_id, state }) };
  }
}

function headOf(ctx: Context, { type, stream }: Streamed): void {
  stream.destroy();
  ctx.type = type;
  ctx.body = '';
}
