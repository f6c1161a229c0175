/**
 * Takes known secrets out of what somebody else made: the message of a driver, what a step returned, a plan.
 *
 * A secret is looked for as it is and in the forms in which texts carry values (JSON, URL, base64, hex, quoted), and
 * where it is long also by its lines and by its first half. One below eight characters may stand in any text by chance,
 * and cutting it out would tell it by the gaps: what is thrown is withheld as a whole then, whatever it says.
 */
import { inspect } from 'node:util';
import { Problem, SECRET_SHOWN } from '@cloudlysis/contract';
import type { Secrets } from './secret.ts';

/** Code units from which on a secret is told from other text. */
const TELLING = 8;
const MAX_DEPTH = 32;
const MAX_CAUSES = 5;
export const WITHHELD = 'What was said is withheld: it might tell a short secret of this change';

export interface Redaction {
  /** A text for people; a short secret is taken out where it stands alone. */
  text(value: string): string;
  /** Every text and key in it, however deep. */
  value<T>(value: T): T;
  /** Whether it has a secret of eight characters or more in it, in any form. */
  isIn(value: unknown): boolean;
  /** What may be shown and logged in place of an error. Problems stay problems, with their code. */
  error(error: unknown): unknown;
}

/**
 * `open`: what everybody may read of the change. A secret that stands in it (a password that is the tenant's name) cannot
 * be hidden any more, and is no reason to alter or refuse what a step returns; what is thrown is cleaned all the same.
 */
export function redactionOf(secrets: Secrets, open: unknown): Redaction {
  const all = [...new Set([...secrets.values()].map((secret) => secret.open()))];
  const known = JSON.stringify(open ?? null);
  const returned = cleaner(all.filter((value) => !known.includes(JSON.stringify(value).slice(1, -1))));
  const thrown = cleaner(all);
  const saysNothing = all.some((value) => value.length < TELLING);
  const say = (value: string): string => (saysNothing ? WITHHELD : thrown.text(value));

  const errorOf = (error: unknown, causes: number): unknown => {
    if (!(error instanceof Error)) return saysNothing ? WITHHELD : thrown.value(error);
    const cause = error.cause === undefined || causes === 0 ? undefined : errorOf(error.cause, causes - 1);
    const safe =
      error instanceof Problem
        ? new Problem(error.code, say(error.message), saysNothing ? {} : thrown.value({ ...error.extra }), cause)
        : new Error(say(error.message), cause === undefined ? {} : { cause });
    safe.name = thrown.text(error.name);
    safe.stack = [`${safe.name}: ${safe.message}`, ...framesOf(error).map(thrown.text)].join('\n');
    return safe;
  };
  return { ...returned, error: (error) => errorOf(error, MAX_CAUSES) };
}

function cleaner(values: readonly string[]): Omit<Redaction, 'error'> {
  const forms = [...new Set(values.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  const long = forms.filter((form) => form.length >= TELLING);
  const short = values.filter((value) => value.length < TELLING).map(alone);

  /** All that is found is cut out at once: the half of one form may be the beginning of another. */
  const withoutLong = (text: string): string =>
    cutOut(
      text,
      long.flatMap((form) => foundIn(text, form)),
    );
  const text = (value: string): string =>
    short.reduce((clean, form) => clean.replace(form, SECRET_SHOWN), withoutLong(value));
  const walk = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'number' || typeof value === 'bigint')
      return values.some((one) => one.length >= 4 && one === String(value)) ? SECRET_SHOWN : value;
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    if (depth > MAX_DEPTH || hasBytes(value, values)) return SECRET_SHOWN;
    if (ArrayBuffer.isView(value)) return value;
    if (Array.isArray(value)) return value.map((item) => walk(item, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), walk(inner, depth + 1)]));
  };
  const isIn = (value: unknown, depth = 0): boolean => {
    if (typeof value === 'string') return withoutLong(value) !== value;
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return false;
    if (ArrayBuffer.isView(value)) return hasBytes(value, values.filter((one) => one.length >= TELLING)); // prettier-ignore
    return Object.entries(value).some(([key, inner]) => isIn(key) || isIn(inner, depth + 1));
  };
  return { text, value: (value) => walk(value, 0) as never, isIn: (value) => isIn(value) };
}

const hasBytes = (value: object, of: readonly string[]): boolean =>
  ArrayBuffer.isView(value) &&
  of.some((one) => Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(one));

/** Where it is no part of a longer word or number. */
function alone(value: string): RegExp {
  const inWord = (unit: string | undefined): boolean => unit !== undefined && /[\p{L}\p{N}]/u.test(unit);
  const points = [...value];
  const before = inWord(points[0]) ? '(?<![\\p{L}\\p{N}])' : '';
  const after = inWord(points.at(-1)) ? '(?![\\p{L}\\p{N}])' : '';
  const literal = points.map((point) => `\\u{${point.codePointAt(0)!.toString(16)}}`).join('');
  return new RegExp(before + literal + after, 'gu');
}

/** A stack begins with the message, of as many lines as it has. */
const framesOf = ({ stack = '' }: Error): string[] => stack.split('\n').filter((line) => /^ {4}at /.test(line));

/** How a value stands in texts. */
function formsOf(value: string): string[] {
  const lines = value.split(/[\r\n]+/).filter((line) => line.length >= 2 * TELLING);
  return [value, ...lines].flatMap((one) => {
    const json = JSON.stringify(one).slice(1, -1);
    const url = encodeURIComponent(one.toWellFormed());
    const forms = [
      one, one.trim(), json, JSON.stringify(json).slice(1, -1), ascii(json), inspect(one).slice(1, -1),
      url, encodeURI(one.toWellFormed()), url.replaceAll('%20', '+'), new URLSearchParams([['', one]]).toString().slice(1),
      one.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
      ...base64Of(one),
    ]; // prettier-ignore
    const hex = Buffer.from(one).toString('hex');
    const cased = [url, hex].flatMap((form) => [form.toLowerCase(), form.toUpperCase(), lowerEscapes(form)]);
    // A form of a short value that is itself long tells it, and hits by no chance.
    return [...forms, ...(hex.length >= TELLING ? cased : [])].filter((form) => form !== '');
  });
}

const ascii = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const lowerEscapes = (url: string): string => url.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());

/** What base64 makes of it wherever it stands among other bytes, such as `user:password`, in either alphabet. */
function base64Of(value: string): string[] {
  const bytes = Buffer.from(value);
  const inside = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    return whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  return inside
    .filter((form) => form.length >= TELLING)
    .flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}

type Range = readonly [start: number, end: number];

/** Where the form stands, and where it is long what was cut off after its first half. */
function foundIn(text: string, form: string): Range[] {
  const head = form.slice(0, Math.max(12, Math.ceil(form.length / 2)));
  const found: Range[] = [];
  for (let at = text.indexOf(head); at >= 0; at = text.indexOf(head, at + 1)) {
    let end = head.length;
    while (end < form.length && text[at + end] === form[end]) end++;
    found.push([at, at + end]);
  }
  return found;
}

function cutOut(text: string, ranges: readonly Range[]): string {
  let clean = '';
  let from = 0;
  for (const [start, end] of ranges.toSorted(([a], [b]) => a - b)) {
    if (start > from || from === 0) clean += text.slice(from, start) + SECRET_SHOWN;
    from = Math.max(from, end);
  }
  return clean + text.slice(from);
}
