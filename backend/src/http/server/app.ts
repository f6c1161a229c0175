/** The API as a Koa app: every operation of the contract through the binder, and around it id, log, metrics and problems. */
import Router from '@koa/router';
import { allOperations, API_PREFIX, Problem } from '@cloudlysis/contract';
import Koa, { type Context } from 'koa';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { BadRecords } from '../../kernel/bad-records.ts';
import type { MutationHandlers, ReadHandlers } from '../../call/call.ts';
import type { Authenticator, Permissions } from '../../identity/index.ts';
import { OpenStreams } from '../answer/answer.ts';
import { bind, routesOf, type RequestContext, type Route } from '../binder/bind.ts';
import type { EnvironmentChoice } from '../binder/environment-choice.ts';
import { traceRequest, provenanceOf, type TracedRequest } from '../request/traced-request.ts';
import { createHttpMetrics, type HttpMetrics } from '../answer/http-metrics.ts';
import { answerProblem, toProblem } from '../answer/problem-answer.ts';
import { probes, type Readiness } from './probes.ts';
import { isRefusal, createRefusalLog, type RefusalLog } from '../refusals/refusals.ts';
import { TokenBuckets } from '../refusals/token-bucket.ts';
import { Turnstile } from '../refusals/turnstile.ts';

export interface HttpAppOptions {
  readonly ambient: Ambient;
  readonly reads: ReadHandlers;
  readonly mutations: MutationHandlers;
  /** Beside those of the catalogue; the composition root has none. */
  readonly more?: readonly Route[];
  readonly authenticate: Authenticator['authenticate'];
  readonly permissions: Permissions;
  /** Ids of those that are configured. */
  readonly environments: EnvironmentChoice;
  readonly audit: AuditLog;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly badRecords: BadRecords;
  readonly mode: 'development' | 'production';
  readonly ready: Readiness;
  /** The time by which what is stored is stamped, told in every answer; the machine's unless given. */
  readonly now?: () => Date;
  /** Per principal; twice as many at once. */
  readonly requestsPerSecond: number;
}

export interface HttpApp {
  readonly koa: Koa;
  readonly metrics: Registry;
  /** Ends event streams, answers `Connection: close` from now on and writes the refusals that were only counted. */
  stop(): Promise<void>;
  /** Aborts what is still being worked on, such as a submit that waits for its job's end. */
  cut(): void;
}

/**
 * NFR-04: the API knows bearer tokens only. No cookie is read or set, no CORS header is sent, and a body must be
 * application/json, so a foreign page can neither act with a signed-in browser nor read an answer.
 */
const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ['Cache-Control', 'no-store'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['X-Content-Type-Options', 'nosniff'],
];

export function createHttpApp(options: HttpAppOptions): HttpApp {
  const { ambient, logger } = options;
  const stopping = new AbortController();
  const cutting = new AbortController();
  const streams = new OpenStreams(options.ambient);
  const metrics = createHttpMetrics(options.metrics);
  const now = options.now ?? ambient.now;
  // When the first and the last of several were is kept, and read beside what other replicas wrote.
  const refusals = createRefusalLog({ audit: options.audit, ambient: { ...ambient, now }, logger, metrics });
  const rate = options.requestsPerSecond;
  const binder = {
    ...options,
    metrics,
    streams,
    cut: cutting.signal,
    rate: new TokenBuckets(() => ambient.monotonic(), rate, rate * 2),
    turnstiles: new Map(
      allOperations().flatMap(({ id, concurrency }) =>
        concurrency ? [[id, new Turnstile(ambient, id, concurrency)] as const] : [],
      ),
    ),
  };
  const router = new Router();
  for (const route of [...routesOf(options.reads, options.mutations), ...(options.more ?? [])])
    router.register(API_PREFIX + route.operation.path, [route.operation.method], bind(route, binder) as never);
  const open = probes({ ambient, registry: options.metrics, ready: options.ready, stopping: stopping.signal });
  const koa = new Koa();
  koa.on('error', (error: unknown) => logger.error({ err: error }, 'http'));
  koa.use(envelope({ ambient, logger, metrics, refusals, stopping: stopping.signal, now }));
  koa.use(async (ctx, next) => {
    const probe = ctx.method === 'GET' || ctx.method === 'HEAD' ? open.get(ctx.path) : undefined;
    if (!probe) return next();
    (ctx.state as { traced: TracedRequest }).traced.operation = probe.operation;
    await probe.serve(ctx);
  });
  koa.use(router.routes() as never);
  koa.use((ctx) => noRoute(ctx, router, open.has(ctx.path)));
  return {
    koa,
    metrics: options.metrics,
    stop: async () => {
      stopping.abort();
      streams.endEventStreams();
      await refusals.flush();
    },
    cut: () => cutting.abort(new Problem('service.stopping')),
  };
}

function noRoute(ctx: Context, router: Router, isProbe: boolean): never {
  const methods = isProbe ? ['GET', 'HEAD'] : router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods);
  if (methods.length === 0) throw new Problem('route.unknown');
  throw new Problem('method.not_allowed', undefined, { allow: [...new Set(methods)].sort().join(', ') });
}

interface EnvelopeDeps {
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly metrics: HttpMetrics;
  readonly refusals: RefusalLog;
  readonly stopping: AbortSignal;
  readonly now: () => Date;
}

/** Outermost: opens the traced, turns whatever is thrown into a problem, and closes with log and metrics. */
function envelope({ ambient, logger, metrics, refusals, stopping, now }: EnvelopeDeps) {
  // A request's line is made of fixed fields, none of them secret: 3 µs a line, and 16 µs with redaction.
  const requests = logger.child({}, { redact: [] });
  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    const traced = traceRequest(ctx.req, ambient);
    (ctx as RequestContext).state.traced = traced;
    for (const [name, value] of SECURITY_HEADERS) ctx.res.setHeader(name, value);
    ctx.res.setHeader('X-Request-Id', traced.requestId);
    // `Date` is the machine's, and whoever stands between writes their own.
    ctx.res.setHeader('Control-Time', now().toISOString());
    if (stopping.aborted) ctx.res.setHeader('Connection', 'close');
    metrics.began();
    let failure: Problem | null = null;
    try {
      await next();
    } catch (error) {
      if (!clientIsGone(ctx, error)) failure = toProblem(error);
      if (ctx.res.headersSent) ctx.res.destroy();
      else await refuse(ctx, traced, toProblem(error), refusals);
    } finally {
      metrics.ended();
      const status = ctx.res.headersSent ? ctx.res.statusCode : ctx.status;
      // A stream was observed when its head was sent.
      if (ctx.respond !== false) metrics.observe(traced.operation, status, ambient.monotonic() - traced.started);
      const line = requestLine(ctx, traced, status, failure, ambient.monotonic());
      if (failure && status >= 500) logger.error({ ...line, err: failure.cause ?? failure }, 'request');
      else requests.info(line, 'request');
    }
  };
}

/** Nobody is there to be told, and nothing went wrong on our side. */
const clientIsGone = (ctx: Context, error: unknown): boolean =>
  (error as { code?: unknown } | null)?.code === 'ERR_STREAM_PREMATURE_CLOSE' ||
  (ctx.res.destroyed && !ctx.res.headersSent && !(error instanceof Problem));

async function refuse(ctx: Context, traced: TracedRequest, problem: Problem, refusals: RefusalLog): Promise<void> {
  if (isRefusal(problem)) {
    const { operation, principal, tenantId } = traced;
    const { params } = ctx as Partial<RequestContext>;
    await refusals.record(problem, { operation, principal, tenantId, params, provenance: provenanceOf(traced, ctx.req) }); // prettier-ignore
  }
  answerProblem(ctx, problem, traced.requestId);
}

function requestLine(ctx: Context, traced: TracedRequest, status: number, failure: Problem | null, now: number) {
  const { requestId, operation, principal, traceId, tenantId, started } = traced;
  return {
    request_id: requestId,
    operation,
    status,
    ms: Math.round((now - started) * 100) / 100,
    principal: principal?.id,
    trace_id: traceId ?? undefined,
    tenant_id: tenantId ?? undefined,
    problem: failure?.code,
    method: operation === 'unknown' ? ctx.req.method : undefined,
  };
}
