/** One request on its way through: who, where from, which operation; what log, metrics and audit are labelled with. */
import { Problem } from '@cloudlysis/contract';
import { isIP } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Ambient } from '../../kernel/ambient.ts';
import type { Principal, Provenance } from '../../call/principal.ts';

export interface TracedRequest {
  readonly requestId: string;
  readonly traceId: string | null;
  readonly started: number;
  /** Operation id, or `unknown`: the only name of the request in metrics. */
  operation: string;
  principal: Principal | null;
  tenantId: string | null;
  /** It is about, as it says itself. */
  environment: string | null;
}

const SANE_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

export function traceRequest(request: IncomingMessage, ambient: Ambient): TracedRequest {
  const given = request.headers['x-request-id'];
  const trace = request.headers['traceparent'];
  return {
    requestId: typeof given === 'string' && SANE_ID.test(given) ? given : ambient.id('req'),
    traceId: (typeof trace === 'string' && TRACEPARENT.exec(trace)?.[1]) || null,
    started: ambient.monotonic(),
    operation: 'unknown',
    principal: null,
    tenantId: null,
    environment: null,
  };
}

export function provenanceOf(traced: TracedRequest, request: IncomingMessage): Provenance {
  return {
    requestId: traced.requestId,
    traceId: traced.traceId,
    ip: addressOf(traced, request),
    agent: request.headers['user-agent']?.slice(0, 256) ?? null,
  };
}

/** Grafana's proxy names the browser last in X-Forwarded-For; anybody else's word for its own address is not taken. */
function addressOf(traced: TracedRequest, request: IncomingMessage): string | null {
  const forwarded = request.headers['x-forwarded-for'];
  if (traced.principal?.via === 'grafana' && forwarded) {
    const last = String(forwarded).split(',').at(-1)!.trim();
    if (isIP(last)) return last;
  }
  return request.socket.remoteAddress ?? null;
}

/** Aborted when the client goes away before its answer is complete, when `ms` have passed, or with `cut`. */
export function signalOf(response: ServerResponse, ambient: Ambient, ms: number, cut: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const done = new AbortController();
  const closed = (): void => {
    done.abort();
    if (!response.writableFinished) controller.abort(new Error('The client went away'));
  };
  response.once('close', closed);
  // Gone already: nothing will tell of it, and the time below would be waited for, an hour where it is a stream's.
  if (response.closed || response.destroyed || response.req.socket.destroyed) closed();
  ambient.sleep(ms, done.signal).then(
    () => controller.abort(new Problem('request.deadline', `The answer took longer than ${ms / 1000} s`)),
    () => undefined,
  );
  return AbortSignal.any([controller.signal, cut]);
}
