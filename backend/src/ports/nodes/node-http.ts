/** One HTTP call to a node: deadline, bounded body, no redirects, and every way it can go wrong as a problem. */
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../ambient.ts';
import type { Allowed } from './allowlist.ts';

export const CALL_MS = 2000;
/** 20 000 tenants in `/admin/state` are about 2 MB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export interface NodeCall {
  readonly endpoint: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export interface NodeAnswer {
  readonly status: number;
  readonly text: string;
}

export interface NodeHttp {
  (call: NodeCall): Promise<NodeAnswer>;
}

/** @throws Problem `node.forbidden_host` | `node.unreachable` | `node.timeout` | `node.invalid_answer`; the caller's abort reason */
export function nodeHttp(ambient: Ambient, allowed: Allowed, token: string | undefined): NodeHttp {
  return async ({ endpoint, method, path, body, signal }) => {
    const base = allowed(endpoint);
    const url = new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base);
    const timer = new AbortController();
    const stop = signal ? AbortSignal.any([signal, timer.signal]) : timer.signal;
    const done = new AbortController();
    ambient.sleep(CALL_MS, done.signal).then(
      () => timer.abort(),
      () => undefined,
    );
    try {
      signal?.throwIfAborted();
      const response = await ambient.fetch(url, {
        method,
        signal: stop,
        redirect: 'manual',
        headers: {
          accept: 'application/json, text/plain',
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await boundedText(response, url) };
    } catch (error) {
      throw toProblem(error, url, signal, timer.signal.aborted);
    } finally {
      done.abort();
    }
  };
}

async function boundedText(response: Response, url: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) {
      throw new Problem(
        'node.invalid_answer',
        `${url.origin}${url.pathname} answered more than ${MAX_BODY_BYTES} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toProblem(error: unknown, url: URL, signal: AbortSignal | undefined, late: boolean): unknown {
  if (error instanceof Problem) return error;
  if (signal?.aborted) return signal.reason;
  const where = `${url.origin}${url.pathname}`;
  if (late) return new Problem('node.timeout', `${where} did not answer in ${CALL_MS} ms`, {}, error);
  const cause = (error as { cause?: { code?: string } }).cause?.code;
  return new Problem('node.unreachable', `${where} cannot be reached${cause ? ` (${cause})` : ''}`, {}, error);
}
