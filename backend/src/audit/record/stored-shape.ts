/** What a stored document must look like, to the BSON type: whoever can write to the store can put anything there. */
import { BSON } from 'mongodb';

/** Undefined when the value may stand in the field, else what is wrong with it, as the end of a sentence. */
export type Rule = (value: unknown) => string | undefined;
export type Shape = Readonly<Record<string, Rule>>;

/** A document as its bytes say: numbers keep their BSON type. */
export type Typed = Readonly<Record<string, unknown>>;

/** @throws BSONError for bytes that are no document */
export const typed = (raw: Uint8Array): Typed => BSON.deserialize(raw, { promoteValues: false, bsonRegExp: true });
/** As `typed`; nothing at all for bytes that are no document. */
export function safely(raw: Uint8Array): Typed {
  try {
    return typed(raw);
  } catch {
    return {};
  }
}
/** As the driver would give it. */
export const plain = <T>(raw: Uint8Array): T => BSON.deserialize(raw, { bsonRegExp: true }) as T;

/** What is wrong with a document, in one sentence that names the field; undefined when it has exactly this shape. */
export function misfit(doc: Typed, raw: Uint8Array, shape: Shape): string | undefined {
  for (const key in doc)
    if (!Object.hasOwn(shape, key)) return `the field ${JSON.stringify(key.slice(0, 64))} is one too many or missing`;
  for (const key in shape) {
    if (!Object.hasOwn(doc, key)) return `the field ${JSON.stringify(key)} is one too many or missing`;
    const wrong = shape[key]!(doc[key]);
    if (wrong) return `${key} ${wrong}`;
  }
  // The server lets a name stand twice, and which of them counts is anybody's guess.
  return BSON.calculateObjectSize(doc) === raw.byteLength ? undefined : 'a field stands in it twice';
}

/** The BSON type of a value, for a sentence. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'a truth value';
  if (value === undefined) return 'undefined';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'a date outside the calendar' : 'a date';
  if (Array.isArray(value)) return 'an array';
  const name = (value as { _bsontype?: unknown })._bsontype;
  return typeof name === 'string' ? `of type ${name}` : 'an object';
}

const is = (value: unknown): string => `is ${typeName(value)}`;

export const text =
  (max = Infinity, pattern?: RegExp): Rule =>
  (value) => {
    if (typeof value !== 'string') return is(value);
    // In characters, as they are cut: an emoji is one.
    if (value.length > max && [...value].length > max) return `is longer than ${max} characters`;
    return pattern && !pattern.test(value) ? 'is not of its form' : undefined;
  };
export const oneOf =
  (options: readonly string[]): Rule =>
  (value) =>
    typeof value !== 'string' ? is(value) : options.includes(value) ? undefined : 'is no word of ours';
export const orNull =
  (rule: Rule): Rule =>
  (value) =>
    value === null ? undefined : rule(value);
export const HASH = text(64, /^[0-9a-f]{64}$/);

const LAST_INT32 = 2 ** 31 - 1;
/** A whole number in the one form in which the driver writes it: 32 bits where it fits, else a double. */
export const whole =
  (least = -Infinity): Rule =>
  (value) => {
    if (value instanceof BSON.Int32) return value.value >= least ? undefined : `is ${value.value}`;
    if (!(value instanceof BSON.Double)) return is(value);
    return Number.isSafeInteger(value.value) && value.value > LAST_INT32 ? undefined : `is ${value.value} as a double`;
  };
/** A counter that the server itself adds to, in whatever form it gave it. */
export const counter: Rule = (value) => {
  const n = numberOf(value);
  return n === null ? is(value) : Number.isInteger(n) && n >= 0 ? undefined : `is ${n}`;
};

const FIRST_YEAR = -62_167_219_200_000;
const LAST_YEAR = 253_402_300_799_999;
/** Years 0 to 9999: others have no time stamp in four digits. */
export const time: Rule = (value) =>
  value instanceof Date && value.getTime() >= FIRST_YEAR && value.getTime() <= LAST_YEAR
    ? undefined
    : value instanceof Date
      ? 'is a date outside the calendar'
      : is(value);
export const within =
  (shape: Shape): Rule =>
  (value) => {
    if (typeName(value) !== 'an object') return is(value);
    const odd = Object.keys({ ...shape, ...(value as object) }).find(
      (key) => !Object.hasOwn(shape, key) || !Object.hasOwn(value as object, key),
    );
    if (odd !== undefined) return `has a field ${JSON.stringify(odd.slice(0, 64))} too many or missing`;
    for (const key in shape) {
      const wrong = shape[key]!((value as Typed)[key]);
      if (wrong) return `has a ${key} that ${wrong}`;
    }
    return undefined;
  };

/** The number behind any of BSON's four kinds, as near as a double can be; null for what is no number. */
export function numberOf(value: unknown): number | null {
  if (value instanceof BSON.Int32 || value instanceof BSON.Double) return value.value;
  if (value instanceof BSON.Long || value instanceof BSON.Decimal128) return Number(value.toString());
  return typeof value === 'number' ? value : null;
}
