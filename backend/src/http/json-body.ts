/** Reads a JSON body within its bounds: 1 MiB, 15 seconds, 32 levels, UTF-8, one media type. */
import type { IncomingMessage } from 'node:http';
import { Problem } from '@cloudlysis/contract';

export const MAX_BODY = 1024 * 1024;
export const MAX_DEPTH = 32;
const READ_MS = 15_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws Problem `request.media_type`, `request.too_large` or `request.malformed` */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  if (declared > MAX_BODY) throw new Problem('request.too_large');
  if (declared === 0 || (Number.isNaN(declared) && !request.headers['transfer-encoding'])) return {};
  expectJson(request);
  const bytes = await collect(request);
  return bytes.length === 0 ? {} : parseJson(bytes);
}

/** Forms and plain text, which a foreign page can make a browser send without asking first, are refused here (NFR-04). */
function expectJson(request: IncomingMessage): void {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json *(; *charset="?utf-8"? *)?$/i.test(type)) throw new Problem('request.media_type');
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new Problem('request.media_type', 'The body must not be compressed');
}

function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => stop(new Problem('request.malformed', 'The body did not arrive in 15 s')), READ_MS);
    const stop = (problem: Problem) => {
      clearTimeout(timer);
      request.off('data', onData);
      reject(problem);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY) return stop(new Problem('request.too_large'));
      chunks.push(chunk);
    };
    request.on('data', onData);
    request.once('end', () => {
      clearTimeout(timer);
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
    });
    request.once('error', (error) => stop(new Problem('request.malformed', 'The body broke off', {}, error)));
  });
}

function parseJson(bytes: Buffer): unknown {
  try {
    const text = utf8.decode(bytes);
    if (tooDeep(text)) throw new Problem('request.malformed', `The body is nested deeper than ${MAX_DEPTH} levels`);
    // A reviver visits every value, so it runs only where such a key can be at all, written plainly or escaped.
    return JSON.parse(text, /__proto__|\\u005f/i.test(text) ? refusePrototypes : undefined);
  } catch (error) {
    if (error instanceof Problem) throw error;
    // The parser's message quotes the body, which may hold a secret.
    throw new Problem('request.malformed', 'The body is not JSON in UTF-8', {}, error);
  }
}

/** Counts brackets before anything is built, so that depth costs no stack and no memory. */
function tooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (quoted) {
      if (char === 92) index++;
      else if (char === 34) quoted = false;
    } else if (char === 34) quoted = true;
    else if (char === 123 || char === 91) {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === 125 || char === 93) depth--;
  }
  return false;
}

function refusePrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new Problem('request.malformed', 'The body has a key `__proto__`');
  return value;
}
