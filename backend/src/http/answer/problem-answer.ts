/** Any error as the answer a client may see: a problem document, without stack, cause or secret (RFC 9457). */
import { Problem } from '@cloudlysis/contract';
import type { Context } from 'koa';

/** What is not a problem of ours is `internal`: its message stays in the log, found by the request id. */
export const toProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem('internal', undefined, {}, error);

export function answerProblem(ctx: Context, problem: Problem, requestId: string): void {
  ctx.status = problem.status;
  for (const [name, value] of Object.entries(headersOf(problem))) ctx.set(name, value);
  // The rest of a body that was not read is not waited for: the connection cannot be used again.
  if (!ctx.req.complete) ctx.set('Connection', 'close');
  ctx.type = 'application/problem+json';
  ctx.body = JSON.stringify(problem.toDocument(requestId));
}

function headersOf(problem: Problem): Record<string, string> {
  const { allow, retry_after_s: retryAfter, max_age_s: maxAge } = problem.extra;
  if (problem.code === 'step_up.required')
    return { 'WWW-Authenticate': `Bearer error="insufficient_user_authentication", max_age=${String(maxAge)}` };
  if (problem.code === 'token.missing') return { 'WWW-Authenticate': 'Bearer' };
  if (problem.status === 401) return { 'WWW-Authenticate': 'Bearer error="invalid_token"' };
  if (problem.code === 'method.not_allowed') return { Allow: String(allow) };
  if (problem.status === 429) return { 'Retry-After': String(retryAfter ?? 1) };
  return problem.status === 503 ? { 'Retry-After': String(retryAfter ?? 2) } : {};
}
