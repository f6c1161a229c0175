/** One HTTP call to a node: deadline, bounded body, no redirects, and every way it can go wrong as a problem. */
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../ambient.ts';
import type { Allowed } from './allowlist.ts';

export const CALL_MS = 2000;
/** 20 000 tenants in `/admin/state` are about 2 MB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** The metrics of a node that labels 20 000 tenants are about 30 MB. */
const MAX_STREAM_BYTES = 64 * 1024 * 1024;

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
  /** As a call, with the body line by line and no more of it in memory; null when the status is not 2xx. */
  lines(call: NodeCall, onLine: (line: string) => void): Promise<NodeAnswer | null>;
}

/** @throws Problem `node.forbidden_host` | `node.unreachable` | `node.timeout` | `node.invalid_answer`; the caller's abort reason */
export function nodeHttp(ambient: Ambient, allowed: Allowed, token: string | undefined): NodeHttp {
  /** The deadline covers the reading, too: a node that trickles its answer is as good as silent. */
  async function send<T>(call: NodeCall, read: (response: Response, url: URL) => Promise<T>): Promise<T> {
    const { endpoint, method, path, body, signal } = call;
    const base = allowed(endpoint);
    const url = new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base);
    const timer = new AbortController();
    const stop = signal ? AbortSignal.any([signal, timer.signal]) : timer.signal;
    const giveUp = ambient.after(CALL_MS, () => timer.abort());
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
      return await read(response, url);
    } catch (error) {
      throw toProblem(error, url, signal, timer.signal.aborted);
    } finally {
      giveUp();
    }
  }
  const answer = async (response: Response, url: URL): Promise<NodeAnswer> => ({
    status: response.status,
    text: await boundedText(response, url),
  });
  return Object.assign((call: NodeCall) => send(call, answer), {
    lines: (call: NodeCall, onLine: (line: string) => void) =>
      send(call, async (response, url) => {
        if (!response.ok) return answer(response, url);
        await eachLine(response, url, onLine);
        return null;
      }),
  });
}

async function* bounded(response: Response, url: URL, max: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > max)
      throw new Problem('node.invalid_answer', `${url.origin}${url.pathname} answered more than ${max} bytes`);
    yield chunk;
  }
}

async function boundedText(response: Response, url: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bounded(response, url, MAX_BODY_BYTES)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function eachLine(response: Response, url: URL, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bounded(response, url, MAX_STREAM_BYTES)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  }
  if (rest !== '') onLine(rest);
}

function toProblem(error: unknown, url: URL, signal: AbortSignal | undefined, late: boolean): unknown {
  if (error instanceof Problem) return error;
  if (signal?.aborted) return signal.reason;
  const where = `${url.origin}${url.pathname}`;
  if (late) return new Problem('node.timeout', `${where} did not answer in ${CALL_MS} ms`, {}, error);
  const cause = (error as { cause?: { code?: string } }).cause?.code;
  return new Problem('node.unreachable', `${where} cannot be reached${cause ? ` (${cause})` : ''}`, {}, error);
}
