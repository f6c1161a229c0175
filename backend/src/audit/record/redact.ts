/** What may enter the log: secrets are taken out by key name and by look, and size and depth are bounded, in one place. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** A value under such a key never enters the log, whatever it is; see `isHarmless` for the exceptions. */
const SECRET_KEY =
  /passw|passphrase|secret|token|authori[sz]ation|cookie|credential|bearer|api[-_]?key|access[-_]?key|private[-_]?key|(sign|encrypt|master|wrapp)\w*[-_]?key|key[-_]?material|^(kek|dek|jwk|pem|pin|otp|totp|hmac|salt)$|session[-_]?id|recovery[-_]?code/i;
/** Secrets known by their look, wherever they stand: JWT, Authorization value, private key, user info of a URL. */
const SECRET_LOOKS: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]{8,}(\.[\w-]*){0,2}/g, '[redacted]'],
  [/\b(Bearer|Basic) [\w.~+/=-]{8,}/gi, '$1 [redacted]'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[redacted]'],
  [/(:\/\/)[^\s/:@]+:[^\s/@]+@/g, '$1[redacted]@'],
  [/\b((?:password|secret|token|api_?key)=)[^\s&"']+/gi, '$1[redacted]'],
];
/** How a line of a diff begins: with what it is about. A tenant may be called `token-shop`, which makes nothing of it a secret. */
const SUBJECT = /^(?:(?:tenants|shards|job|consumers)\.|(?:placement|published)\.\w+\.|config\.tenants\.)[a-z0-9_-]+/;
const REDACTED = '[redacted]';
const MAX_DEPTH = 12;
const MAX_ITEMS = 1_000;
/** A document must stay far below MongoDB's 16 MiB, and a page of 200 records below what a browser likes. */
export const MAX_IMAGE_BYTES = 32 * 1024;

/** One line of text for a field of a record: secrets out, well-formed Unicode, at most `max` characters, counted as the contract counts them: an emoji is one. */
export function text(value: string, max: number): string {
  let clean = value.slice(0, max * 2).toWellFormed();
  for (const [look, replacement] of SECRET_LOOKS) clean = clean.replace(look, replacement);
  return bounded(clean, max);
}

/** A name that others look for exactly: a login may be `token=bob`, and is nobody's secret. */
export const bounded = (name: string, max: number): string =>
  name.length <= max ? name.toWellFormed() : [...name.toWellFormed()].slice(0, max).join('');

/**
 * A before or after image as canonical JSON (RFC 8785), or null for none. It is kept as text because BSON would
 * change it: keys with `$` or NUL, deep nesting, lone surrogates and -0 do not survive the round trip, and then the
 * hash would not either.
 */
export function image(value: unknown): string | null {
  const clean = redacted(value, 0);
  if (clean === null) return null;
  const json = canonicalize(clean) ?? 'null';
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_IMAGE_BYTES) return json;
  const sha256 = createHash('sha256').update(json).digest('hex');
  return canonicalize({ truncated: true, bytes, sha256 }) ?? null;
}

/** `isLimits`: it is the map of quotas. */
function redacted(value: unknown, depth: number, isLimits = false): unknown {
  switch (typeof value) {
    case 'string':
      return text(value, MAX_IMAGE_BYTES);
    case 'number':
      return Number.isFinite(value) ? value + 0 : String(value);
    case 'boolean':
      return value;
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? null : redactedObject(value, depth, isLimits);
    default:
      return null;
  }
}

function redactedObject(value: object, depth: number, isLimits: boolean): unknown {
  // A cycle ends here too: it is only deep.
  if (depth >= MAX_DEPTH) return '[deeper than 12 levels]';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Error) return { error: value.name, message: text(value.message, 1_000) };
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  // Array.from fills the holes of a sparse array, which are no JSON.
  if (Array.isArray(value)) return Array.from(value.slice(0, MAX_ITEMS), (item) => redacted(item, depth + 1));
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  // fromEntries defines properties, so that a key named __proto__ stays a key.
  return Object.fromEntries(
    entries.slice(0, MAX_ITEMS).map(([key, inner]) => [text(key, 200), redactedEntry(key, inner, depth + 1, isLimits)]),
  );
}

function redactedEntry(path: string, value: unknown, depth: number, isLimit: boolean): unknown {
  const names = namesIn(path, depth);
  const isOpen = !names.some((name) => SECRET_KEY.test(name)) || isHarmless(value, isLimit || names.includes('quotas'));
  return isOpen ? redacted(value, depth, names.at(-1) === 'quotas') : REDACTED;
}

/** The field names of a key, which may be a whole dotted path: `pin` is one wherever it stands in it. */
const namesIn = (path: string, depth: number): string[] =>
  (depth === 1 ? path.replace(SUBJECT, '') : path).split(/["\\.]+/);

/**
 * `has_password: true` says nothing secret, a quota is a limit whatever it limits (`quotas.tokens_per_day: 1000`), and
 * `secret://scope/name` is a reference made to be shown.
 */
const isHarmless = (value: unknown, isLimit: boolean): boolean =>
  value === null ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && isLimit) ||
  (typeof value === 'string' && /^secret:\/\/[\w./-]{1,200}$/.test(value));
