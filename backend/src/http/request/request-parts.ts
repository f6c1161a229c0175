/** Holds what came in against the contract, and says of every part that does not fit where it is. */
import { allOperations, holdsSecrets, Problem, taken, type Operation } from '@cloudlysis/contract';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { SubmitHeaders } from '../../call/call.ts';
import { redactionOf } from '../../secrets/redaction.ts';
import { NO_SECRETS, Secret, secretsOf, type Secrets } from '../../secrets/secret.ts';
import { alteredAt, faultsOfText, type Issue } from './exact-values.ts';
import { NOTHING, queryOf } from './query.ts';

export { NOTHING };

export const MAX_WAIT_S = 60;
const MAX_ISSUES = 20;

export interface RawParts {
  readonly params: Readonly<Record<string, string>>;
  readonly query: string;
  readonly body: unknown;
}

export interface ParsedParts {
  readonly params: unknown;
  readonly query: unknown;
  /** With `‹secret›` in place of each secret. */
  readonly body: unknown;
  readonly secrets: Secrets;
}

/** @throws Problem `request.invalid` with every issue's path, at most 20 of them */
export function parseParts(operation: Operation, raw: RawParts): ParsedParts {
  const issues: Issue[] = [];
  const parsed = {
    params: parsePart('params', operation.params, raw.params, issues),
    query: parsePart('query', operation.query, queryOf(operation.query, raw.query, issues), issues),
    ...(holdsSecrets(operation.body)
      ? parseSecretBody(operation.body, raw.body, issues)
      : { body: parsePart('body', operation.body, raw.body, issues), secrets: NO_SECRETS }),
  };
  if (issues.length > 0) {
    const first = issues[0]!;
    const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
    throw new Problem('request.invalid', `${first.path}: ${first.message}${more}`, {
      issues: issues.slice(0, MAX_ISSUES),
    });
  }
  return parsed;
}

const TAKES_NOTHING = new Set<z.ZodType>(
  allOperations().flatMap(({ params, query, body }) => [params, query, body].filter(takesNothing)),
);

function takesNothing(schema: z.ZodType): boolean {
  return 'shape' in schema && Object.keys(schema.shape as object).length === 0;
}

/** From here on nobody meets a secret but as a handle, and what is wrong with one is told without it. */
function parseSecretBody(schema: z.ZodType, value: unknown, issues: Issue[]): Pick<ParsedParts, 'body' | 'secrets'> {
  const sent = taken(schema, value);
  const own: Issue[] = [];
  const parsed = taken(schema, parsePart('body', schema, value, own, sent.shown));
  const texts = sent.secrets.flatMap(({ value: one }) => textsIn(one));
  const { text } = redactionOf(new Map(texts.map((one, at) => [String(at), new Secret(one)])), null);
  issues.push(...own.map(({ path, message }) => ({ path: text(path), message: text(message) })));
  return { body: parsed.shown, secrets: secretsOf(parsed.secrets) };
}

/** What somebody sent where a secret belongs may be a number or a map of them. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, inner]) => [...(Array.isArray(value) ? [] : [key]), ...textsIn(inner)]);
  return value === '' ? [] : [String(value)];
}

/** `read`: the same for people: the rule for text is about what is shown, and a secret never is. */
function parsePart(part: string, schema: z.ZodType, value: unknown, issues: Issue[], read = value): unknown {
  // What takes nothing and was given nothing needs no parser: two of the three parts of most reads.
  if (value === NOTHING && TAKES_NOTHING.has(schema)) return NOTHING;
  const faults = faultsOfText(part, read);
  if (faults.length > 0) return void issues.push(...faults);
  const result = schema.safeParse(value);
  if (result.success) {
    const altered = alteredAt(part, value, result.data);
    if (altered !== null) issues.push(altered);
    return result.data;
  }
  for (const issue of result.error.issues) {
    const path = [part, ...issue.path].map((step) => String(step).slice(0, 64)).join('.');
    if (issue.code !== 'unrecognized_keys') issues.push({ path, message: issue.message });
    else for (const key of issue.keys) issues.push({ path: `${path}.${key.slice(0, 64)}`, message: 'Unknown field' });
  }
  return undefined;
}

/** @throws Problem `idempotency.key_missing`, or `request.malformed` for a key or hash that is not 1 to 200 printable characters */
export function submitHeaders(request: IncomingMessage): SubmitHeaders {
  const key = request.headers['idempotency-key'];
  if (key === undefined) throw new Problem('idempotency.key_missing');
  const planHash = request.headers['plan-hash'];
  return {
    idempotencyKey: printable('Idempotency-Key', key),
    planHash: planHash === undefined ? null : printable('Plan-Hash', planHash),
    waitMs: waitOf(request.headers['prefer']) * 1000,
  };
}

function printable(name: string, value: string | string[]): string {
  if (typeof value === 'string' && /^[\x20-\x7e]{1,200}$/.test(value)) return value;
  throw new Problem('request.malformed', `${name} must be 1 to 200 printable ASCII characters`);
}

/** Seconds of `Prefer: wait=N` (RFC 7240), at most 60. A preference that cannot be read is no preference. */
function waitOf(prefer: string | string[] | undefined): number {
  const wait = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(String(prefer ?? ''));
  return Math.min(MAX_WAIT_S, Number(wait?.[1] ?? 0));
}

const ONCE = ['authorization', 'x-grafana-id', 'idempotency-key', 'plan-hash', 'content-type', 'x-request-id'];

/** Two values of a header that decides something are two readings of one request. @throws Problem `request.malformed` */
export function refuseRepeatedHeaders(request: IncomingMessage): void {
  const raw = request.rawHeaders;
  let seen = 0;
  for (let index = 0; index < raw.length; index += 2) {
    const at = ONCE.indexOf(raw[index]!.toLowerCase());
    if (at < 0) continue;
    if (seen & (1 << at)) throw new Problem('request.malformed', `The header ${ONCE[at]} is given more than once`);
    seen |= 1 << at;
  }
}
