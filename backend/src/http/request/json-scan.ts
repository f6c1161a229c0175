/**
 * Looks through JSON text for what the parser would alter or drop without a word: the first of two equal keys, digits
 * that a double has no room for, `__proto__`; and for what would cost more than it is worth: depth and keys without end.
 *
 * It runs before anything is built and keeps one frame a level. Text that is no JSON is left to the parser.
 */
import { numberFault, Problem } from '@cloudlysis/contract';

export const MAX_DEPTH = 32;
export const MAX_KEYS = 2_000;

interface Frame {
  /** Keys seen so far; null in an array. */
  readonly keys: Set<string> | null;
  /** The next string is a key. */
  atKey: boolean;
  /** Where in it we are. */
  step: string | number;
}

/** @throws Problem `request.malformed` that names the field */
export function scanJson(text: string): void {
  const frames: Frame[] = [];
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    const top = frames.at(-1);
    if (char === '"') {
      const end = endOfString(text, at);
      if (top?.keys && top.atKey) {
        if (++keys > MAX_KEYS) throw refusal(frames, `The body has more than ${MAX_KEYS} keys`);
        enter(frames, top, keyOf(text.slice(at, end + 1)));
      }
      at = end;
    } else if (char === '{' || char === '[') {
      if (frames.length === MAX_DEPTH) throw refusal([], `The body is nested deeper than ${MAX_DEPTH} levels`);
      frames.push({ keys: char === '{' ? new Set() : null, atKey: char === '{', step: 0 });
    } else if (char === '}' || char === ']') frames.pop();
    else if (char === ',' && top) {
      if (top.keys) top.atKey = true;
      else top.step = (top.step as number) + 1;
    } else if (char === '-' || (char >= '0' && char <= '9')) {
      const token = numberAt(text, at);
      const fault = numberFault(token);
      if (fault !== null) throw refusal(frames, fault);
      at += token.length - 1;
    }
  }
}

function enter(frames: readonly Frame[], top: Frame, key: string): void {
  top.atKey = false;
  top.step = key;
  if (key === '__proto__') throw refusal(frames, 'The body has a key `__proto__`');
  if (top.keys!.has(key)) throw refusal(frames, 'The body has this key twice');
  top.keys!.add(key);
}

/** Index of the quote that ends the string, or the last one where none does. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 92) at++;
    else if (code === 34) return at;
  }
  return text.length - 1;
}

/** Two keys are the same however they are escaped. */
function keyOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

const NUMBER = /[-+.0-9eE]+/y;

function numberAt(text: string, at: number): string {
  NUMBER.lastIndex = at;
  return NUMBER.exec(text)![0];
}

function refusal(frames: readonly Frame[], rule: string): Problem {
  const path = ['body', ...frames.map(({ step }) => String(step).slice(0, 64))].join('.').toWellFormed();
  const issues = [{ path, message: rule }];
  return new Problem('request.malformed', frames.length > 0 ? `${path}: ${rule}` : rule, { issues });
}
