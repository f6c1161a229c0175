/** One HTTP call to a node: the token for that node alone, deadline, bounded body, no redirects, and every way it can go wrong as a problem. */
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { Allowed } from './allowlist.ts';
import { assertIdentity, IDENTITY_PATH } from './identity.ts';
import type { NodeAddress } from './nodes-port.ts';

export const CALL_MS = 2000;
/** 20 000 tenants in `/admin/state` are about 2 MB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** The metrics of a node that labels 20 000 tenants are about 30 MB. */
const MAX_STREAM_BYTES = 64 * 1024 * 1024;

export interface NodeCall {
  readonly to: NodeAddress;
  /** Needs the node token, which nobody is sent who did not say before that it is this node. */
  readonly guarded: boolean;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export interface NodeAnswer {
  readonly status: number;
  readonly text: string;
  /** When it was given, halfway between question and answer, and how long that took; in milliseconds. */
  readonly given: { readonly at: number; readonly tookMs: number };
}

export interface NodeHttp {
  (call: NodeCall): Promise<NodeAnswer>;
  /** As a call, with the body line by line and no more of it in memory; null when the status is not 2xx. */
  lines(call: NodeCall, onLine: (line: string) => void): Promise<NodeAnswer | null>;
  /** The next guarded call asks again who answers there. */
  doubt(to: NodeAddress): void;
}

/** @throws Problem `node.forbidden_host` | `node.stranger` | `node.unreachable` | `node.timeout` | `node.invalid_answer`; the caller's abort reason */
export function createNodeHttp(ambient: Ambient, allowed: Allowed, token: string | undefined): NodeHttp {
  /** Who said who they are, and gave no cause for doubt since: whoever goes away is asked again when somebody is back. */
  const known = new Set<string>();
  const keyOf = ({ endpoint, kind, shard_id }: NodeAddress): string => `${kind}/${shard_id} at ${endpoint}`;
  const fetchAt = (url: URL, { method, body }: Pick<NodeCall, 'method' | 'body'>, bearer: string | undefined, signal: AbortSignal) =>
    ambient.fetch(url, {
      method,
      signal,
      redirect: 'manual',
      headers: {
        accept: 'application/json, text/plain',
        ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }); // prettier-ignore

  async function identify(to: NodeAddress, base: URL, signal: AbortSignal): Promise<void> {
    if (known.has(keyOf(to))) return;
    const url = urlAt(base, IDENTITY_PATH);
    const response = await fetchAt(url, { method: 'GET' }, undefined, signal);
    assertIdentity(to, response.status, await boundedText(response, url));
    known.add(keyOf(to));
  }

  /** The deadline covers the reading, too: a node that trickles its answer is as good as silent. */
  async function send<T>(
    call: NodeCall,
    read: (response: Response, url: URL, given: NodeAnswer['given']) => Promise<T>,
  ): Promise<T> {
    const { to, guarded, path, signal } = call;
    const base = allowed(to.endpoint);
    const url = urlAt(base, path);
    const timer = new AbortController();
    const stop = signal ? AbortSignal.any([signal, timer.signal]) : timer.signal;
    const giveUp = ambient.after(CALL_MS, () => timer.abort());
    try {
      signal?.throwIfAborted();
      if (guarded) await identify(to, base, stop);
      const asked = ambient.monotonic();
      const response = await fetchAt(url, call, guarded ? token : undefined, stop);
      const tookMs = ambient.monotonic() - asked;
      const given = { at: ambient.now().getTime() - tookMs / 2, tookMs };
      if (!response.ok) known.delete(keyOf(to));
      return await read(response, url, given);
    } catch (error) {
      if (!signal?.aborted) known.delete(keyOf(to));
      throw toProblem(error, url, signal, timer.signal.aborted);
    } finally {
      giveUp();
    }
  }
  const answer = async (response: Response, url: URL, given: NodeAnswer['given']): Promise<NodeAnswer> => ({
    status: response.status,
    text: await boundedText(response, url),
    given,
  });
  return Object.assign((call: NodeCall) => send(call, answer), {
    lines: (call: NodeCall, onLine: (line: string) => void) =>
      send(call, async (response, url, given) => {
        if (!response.ok) return answer(response, url, given);
        await eachLine(response, url, onLine);
        return null;
      }),
    doubt: (to: NodeAddress) => void known.delete(keyOf(to)),
  });
}

/** Never by resolving one against the other: of `//elsewhere` that would make a host. */
function urlAt(base: URL, path: string): URL {
  const url = new URL(base);
  const [pathname = '', query = ''] = path.split('?');
  url.pathname = `${base.pathname.replace(/\/$/, '')}${pathname}`;
  url.search = query;
  return url;
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
  const cause = (error as { cause?: { name?: string; code?: string; message?: string } }).cause;
  const code = cause?.code ?? '';
  const word = code || cause?.message || '';
  if (cause?.name === 'HTTPParserError') {
    const detail = `what listens at ${url.host} does not speak HTTP, so it is no node`;
    return new Problem('node.stranger', detail, { says: null }, error);
  }
  const why = (WHY.find(([codes]) => codes.test(word))?.[1] ?? '') + (word ? ` (${word.slice(0, 100)})` : '');
  return new Problem('node.unreachable', `${where} cannot be reached${why}`, {}, error);
}

const WHY: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, ': nothing listens there'],
  [/^(ENOTFOUND|EAI_\w+)$/, ': its name cannot be resolved'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, ': what listens there hung up without an answer; it may speak TLS, or no HTTP at all'],
  [/^(ERR_SSL_|EPROTO)/, ': what listens there does not speak TLS'],
  [/CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO_/, ': its certificate is not trusted'],
  [/^bad port$/, ': its port is one of another protocol, which no HTTP client calls'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, ': there is no way there'],
]; // prettier-ignore
