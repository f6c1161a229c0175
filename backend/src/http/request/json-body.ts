/** Reads a JSON body within its bounds: the operation's size, 15 seconds, 32 levels, UTF-8, one media type. */
import type { IncomingMessage } from 'node:http';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { scanJson } from './json-scan.ts';

const READ_MS = 15_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * `quotes`: whether the key or number that is not let in may be told; it may be a secret.
 * @throws Problem `request.media_type`, `request.too_large` or `request.malformed`
 */
export async function readJson(
  request: IncomingMessage,
  maxBytes: number,
  ambient: Pick<Ambient, 'after'>,
  quotes = true,
): Promise<unknown> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (declared === 0 || (Number.isNaN(declared) && !request.headers['transfer-encoding'])) return {};
  expectJson(request);
  const bytes = await collect(request, maxBytes, ambient);
  return bytes.length === 0 ? {} : parseJson(bytes, quotes);
}

const tooLarge = (maxBytes: number): Problem =>
  new Problem('request.too_large', `The body may have ${maxBytes / 1024} KiB`, { max_bytes: maxBytes });

/** Forms and plain text, which a foreign page can make a browser send without asking first, are refused here (NFR-04). */
function expectJson(request: IncomingMessage): void {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json *(; *charset="?utf-8"? *)?$/i.test(type)) throw new Problem('request.media_type');
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new Problem('request.media_type', 'The body must not be compressed');
}

function collect(request: IncomingMessage, maxBytes: number, ambient: Pick<Ambient, 'after'>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const late = (): void => stop(new Problem('request.malformed', 'The body did not arrive in 15 s'));
    const cancel = ambient.after(READ_MS, late);
    const stop = (problem: Problem) => {
      cancel();
      request.off('data', onData);
      reject(problem);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) return stop(tooLarge(maxBytes));
      chunks.push(chunk);
    };
    request.on('data', onData);
    request.once('end', () => {
      cancel();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
    });
    request.once('error', (error) => stop(new Problem('request.malformed', 'The body broke off', {}, error)));
  });
}

const UNQUOTED =
  'The body has a key twice, a number with more digits than are kept, or more keys or levels than are taken';

function parseJson(bytes: Buffer, quotes: boolean): unknown {
  try {
    const text = utf8.decode(bytes);
    scanJson(text);
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof Problem) throw quotes ? error : new Problem('request.malformed', UNQUOTED);
    // The parser's message quotes the body, which may hold a secret: it is not even kept as the cause.
    throw new Problem('request.malformed', 'The body is not JSON in UTF-8');
  }
}
