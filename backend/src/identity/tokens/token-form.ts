/** The outside of a token, before any key is looked up: one spelling per token, one reading per member, no extensions. */

export interface TokenForm {
  readonly kid: string;
  /** Lower-case; null where the header names none, which RFC 7519 allows. */
  readonly type: string | null;
}

const MAX_TOKEN = 8 * 1024;
const MAX_KID = 256;
/** A header with anything else (`jku`, `jwk`, `x5c`, `crit`, `b64`, `zip`, `cty` …) asks for what we do not do. */
const HEADER_MEMBERS: readonly string[] = ['alg', 'kid', 'typ', 'x5t', 'x5t#S256'];

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null for what is not a signed token in its only spelling. */
export function formOf(token: string): TokenForm | null {
  if (token.length > MAX_TOKEN) return null;
  const segments = token.split('.');
  if (segments.length !== 3 || !segments.every(isCanonical)) return null;
  const [header, claims] = [segments[0]!, segments[1]!].map(objectOf);
  if (!header || !claims || !Object.keys(header).every((name) => HEADER_MEMBERS.includes(name))) return null;
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || typeof kid !== 'string' || kid === '' || kid.length > MAX_KID) return null;
  if (typ !== undefined && typeof typ !== 'string') return null;
  return { kid, type: typ?.toLowerCase().replace(/^application\//, '') ?? null };
}

/**
 * Base64url without padding, whose spare bits are zero. With them set it decodes to the same bytes, and one token would
 * have up to 16 spellings, each with a place of its own in the cache.
 */
function isCanonical(segment: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(segment) && Buffer.from(segment, 'base64url').toString('base64url') === segment;
}

function objectOf(segment: string): Record<string, unknown> | null {
  try {
    const text = utf8.decode(Buffer.from(segment, 'base64url'));
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && !namesTwice(text) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Whether an object in a JSON text names a member twice: two readers could take it for two different tokens. */
export function namesTwice(json: string): boolean {
  const open: (Set<unknown> | null)[] = [];
  for (const [part, name, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/gs)) {
    if (part === '{') open.push(new Set());
    else if (part === '[') open.push(null);
    else if (name === undefined) open.pop();
    else if (colon !== undefined) {
      const names = open.at(-1);
      const spelled: unknown = JSON.parse(name);
      if (names?.has(spelled)) return true;
      names?.add(spelled);
    }
  }
  return false;
}
