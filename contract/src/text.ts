/**
 * The one rule for text, keys and numbers at the edge: what is let in is kept and given back exactly as it was sent.
 *
 * The binder holds every string, key and number of every request against it, whatever the operation; the schemas built
 * here say the same to forms and to the OpenAPI document, and add what one field asks for (a single line, a name that
 * can be seen). What is not let in has either no form in UTF-8, BSON, a log line or a double, or shows as something
 * that it is not.
 */
import { z } from 'zod';

/** Controls but tab and line feed, line and paragraph separators, and what turns the direction of the text around it. */
const FORBIDDEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/; // eslint-disable-line no-control-regex
/** Something to look at: blanks, zero-width and unassigned characters alone are none, nor is the blank of Braille. */
const VISIBLE = /(?![\u2800\p{Default_Ignorable_Code_Point}])[\p{L}\p{N}\p{P}\p{S}]/u;
const KEY = /^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$/;

const codeOf = (character: string): string =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;

/** Why a text is not let in, as a sentence; null where it is. */
export function textFault(value: string): string | null {
  const found = FORBIDDEN.exec(value);
  if (found) return `Has the character ${codeOf(found[0])}: control and direction characters are not taken`;
  return value.isWellFormed() ? null : 'Has half of a surrogate pair, which is no character';
}

/** Whether there is anything to see in it. */
export const isVisible = (value: string): boolean => VISIBLE.test(value);

/** A text as searches compare it: compatible forms, case, width, zero-width characters and outer blanks do not count. */
export const folded = (value: string): string =>
  value
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase()
    // The sigma that ends a word is the same letter, and a search may end before the word does.
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
    .replace(/\s+/g, ' ')
    .trim();

/** Digits and exponent of a decimal number, so that `1.50`, `15e-1` and `1.5` are the same. */
function decimal(token: string): string | null {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  if (whole === undefined) return null;
  const digits = (whole + fraction).replace(/^0+/, '');
  // Not /0+$/, which tries at every zero: 60 000 of them before a one once took 2 s.
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  const kept = digits.slice(0, end);
  if (kept === '') return `${sign}0`;
  return `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`;
}

/** Why a number, as it is written in JSON, is not let in; null where it is, or where it is no number at all. */
export function numberFault(token: string): string | null {
  const written = decimal(token);
  if (written === null) return null;
  const value = Number(token);
  const shown = token.length > 32 ? `${token.slice(0, 32)}…` : token;
  if (written === '-0') return `${shown} is minus zero, which is kept as 0`;
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return `${shown} is beyond ±${Number.MAX_SAFE_INTEGER}`;
  return decimal(String(value)) === written ? null : `${shown} has more digits than are kept (15 always are)`;
}

const ruled = (value: string, context: z.core.$RefinementCtx<string>, single: boolean, visible: boolean): void => {
  const fault =
    textFault(value) ??
    (single && /[\t\n]/.test(value) ? 'Is one line: tabs and line breaks are not taken' : null) ??
    (visible && !isVisible(value) ? 'Must have a letter, digit or sign that can be seen' : null);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault });
};

/** One line of text. */
export const line = (max: number) => z.string().max(max).superRefine((value, context) => ruled(value, context, true, false)); // prettier-ignore

/** One line that people read as a name: not blank, and no blanks around it that nobody sees. */
export const nameOf = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .superRefine((value, context) => {
      ruled(value, context, true, true);
      if (value !== value.trim()) context.addIssue({ code: 'custom', message: 'Has blanks before or after it' });
    });

/** Text of one or more lines. */
export const prose = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    .superRefine((value, context) => {
      ruled(value, context, false, true);
      if (value.trim().length < min) context.addIssue({ code: 'custom', message: `At least ${min} characters` });
    });

/** Key of a map that users fill. The names that every object of JavaScript has are keys like others. */
export const Key = z
  .string()
  .max(64)
  .regex(KEY, 'A key is 1 to 64 letters, digits and _ . : / -, and begins with a letter or digit');

/** A map that users fill, with at most `max` entries. */
export const mapOf = <T extends z.ZodType>(value: T, max: number) =>
  z
    .record(Key, value)
    .refine((map) => Object.keys(map).length <= max, `At most ${max} entries`)
    .meta({ maxProperties: max });

/**
 * A list whose order says nothing, with at most `max` members, each once. One that is named twice is refused and not folded:
 * what is let in is kept as it was sent, and whoever names one twice may have meant another.
 */
export const setOf = <T extends z.ZodType<string>>(member: T, { min = 0, max }: { min?: number; max: number }) =>
  z
    .array(member)
    .min(min)
    .max(max)
    .superRefine((members, context) => {
      const twice = members.findIndex((one, at) => members.indexOf(one) !== at);
      if (twice >= 0) context.addIssue({ code: 'custom', path: [twice], message: `${members[twice]} is named twice` });
    })
    .meta({ uniqueItems: true });

/** A map in an answer: it may have been filled before this rule was, and is shown all the same. */
export const mapShown = <T extends z.ZodType>(value: T, max: number) =>
  z.record(z.string().max(64), value).meta({ maxProperties: max });

/** Text of an answer. It is ours or was bounded on its way in, so the maximum is a promise to who reads it. */
export const shown = (max = 8_192) => z.string().max(max);
