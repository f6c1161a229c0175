// The one HTTP edge of a node: routes, bounded bodies, problem+json, route-only metrics; nothing else touches node:http.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { ambient } from '../platform/ambient.ts';
import { Problem } from '../platform/problem.ts';

export const MAX_BODY_BYTES = 1024 * 1024;

export interface Request {
  params: Record<string, string>;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}
export interface Answer {
  status?: number;
  body?: unknown;
  text?: string;
  headers?: Record<string, string>;
}
export interface Route {
  method: 'GET' | 'POST';
  /** `/a/:b`; also the metric label, so a path can never become one. */
  path: string;
  handle: (request: Request) => Promise<Answer> | Answer;
}
export interface Served {
  path: string;
  status: number;
  seconds: number;
}

export function createHttpServer(routes: Route[], log: Logger, served: (call: Served) => void): Server {
  const compiled = routes.map((route) => ({ ...route, pattern: compile(route.path) }));
  const server = createServer((req, res) => {
    let path = 'unmatched';
    const start = ambient.ticks();
    const run = async (): Promise<Answer> => {
      const url = parseUrl(req.url);
      const matches = compiled.filter((route) => route.pattern.test(url.pathname));
      if (matches.length === 0) throw new Problem('route.unknown', `no such route: ${url.pathname.slice(0, 200)}`);
      path = matches[0]!.path;
      const route = matches.find((match) => match.method === req.method);
      if (!route) throw new Problem('method.unknown', `${path} does not answer ${req.method}`);
      const params = route.pattern.exec(url.pathname)?.groups ?? {};
      const body = req.method === 'POST' ? await readBody(req) : {};
      return route.handle({ params: { ...params }, query: url.searchParams, headers: req.headers, body });
    };
    void run()
      .catch((err: unknown) => toAnswer(err, log))
      .then((answer) => {
        send(res, answer);
        req.resume(); // what was not read of a refused body
        served({ path, status: answer.status ?? 200, seconds: (ambient.ticks() - start) / 1000 });
      });
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  server.keepAliveTimeout = 65_000;
  return server;
}

function parseUrl(url = '/'): URL {
  const whole = `http://node${url}`;
  if (!url.startsWith('/') || !URL.canParse(whole)) throw new Problem('request.invalid', 'the request target is odd');
  return new URL(whole);
}

const compile = (path: string): RegExp => new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`);

async function readBody(req: IncomingMessage): Promise<Record<string, unknown>> {
  const tooLarge = new Problem('body.too_large', `bodies are at most ${MAX_BODY_BYTES} bytes`);
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop must not destroy the socket, or the client would see a reset instead of the 413.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if ((size += chunk.length) > MAX_BODY_BYTES) throw tooLarge;
    chunks.push(chunk);
  }
  if (size === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Problem('request.invalid', 'the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem('request.invalid', 'the body must be a JSON object');
  }
  return value as Record<string, unknown>;
}

function toAnswer(err: unknown, log: Logger): Answer {
  if (!(err instanceof Problem)) log.error({ err }, 'request failed');
  const problem =
    err instanceof Problem ? err : new Problem('internal.error', 'the node failed to answer; see its log');
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (problem.status === 503 || problem.status === 429) headers['retry-after'] = '1';
  if (problem.status === 413) headers['connection'] = 'close'; // the rest of the body is not worth reading
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer';
  return { status: problem.status, body: problem, headers };
}

function send(res: ServerResponse, { status = 200, body, text, headers = {} }: Answer): void {
  const payload = text ?? JSON.stringify(body ?? {});
  const type = text === undefined ? 'application/json' : 'text/plain';
  res.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(payload), ...headers });
  res.end(payload);
}

/** Refuses fields nobody asked for: a mistyped `tenant` in a drain must not become a drain of the whole node. */
export function only(body: Record<string, unknown>, ...allowed: string[]): void {
  const extra = Object.keys(body).find((name) => !allowed.includes(name));
  if (extra !== undefined) throw new Problem('request.invalid', `unknown field "${extra.slice(0, 64)}"`);
}
