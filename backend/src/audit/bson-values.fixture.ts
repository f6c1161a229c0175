/** A value of every BSON type, for tests that put each into each field. */
import {
  Binary,
  BSONRegExp,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  type Collection,
  type Document,
} from 'mongodb';

const ofNumber = (value: unknown): number => (typeof value === 'number' ? value : 7);

/** By name; most do not look at what stands there now. `undefined` takes the field away. */
export const BSON_VALUES: Readonly<Record<string, (now: unknown) => unknown>> = {
  'a fraction': (now) => new Double(ofNumber(now) + 0.5),
  'the same as a double': (now) => new Double(ofNumber(now)),
  'the same as a 64 bit integer': (now) => Long.fromNumber(ofNumber(now)),
  'the same as a decimal': (now) => Decimal128.fromString(String(ofNumber(now))),
  'the same as text': (now) => (typeof now === 'string' ? `${now} ` : String(now)),
  'a negative integer': () => new Int32(-1),
  'no number': () => NaN,
  infinity: () => Infinity,
  'an object': () => ({ $date: 'x', a: 1 }),
  'an empty object': () => ({}),
  'an array of itself': (now) => [now],
  'an empty array': () => [],
  bytes: () => new Binary(Buffer.from('x')),
  'an object id': () => new ObjectId('5'.repeat(24)),
  true: () => true,
  false: () => false,
  'a date': () => new Date(1_234_567_890_123),
  'a date as text': (now) => (now instanceof Date ? now.toISOString() : '1970-01-01T00:00:00.000Z'),
  null: () => null,
  'a pattern': () => new BSONRegExp('x'),
  'a pattern that JavaScript does not know': () => new BSONRegExp('(?i)x'),
  code: () => new Code('x'),
  'a timestamp': () => new Timestamp({ t: 1, i: 1 }),
  'code with a scope': () => new Code('x', { a: 1 }),
  'the least key': () => new MinKey(),
  'the greatest key': () => new MaxKey(),
  nothing: () => undefined,
};

/** Sets one field, or takes it away; false when the store then holds what it held before. */
export async function setField(
  from: Collection<Document>,
  doc: Document,
  field: string,
  value: unknown,
): Promise<boolean> {
  const before = JSON.stringify(await bytesOf(from, doc['_id']));
  const change = value === undefined ? { $unset: { [field]: '' } } : { $set: { [field]: value } };
  await from.updateOne({ _id: doc['_id'] as never }, change as Document);
  return JSON.stringify(await bytesOf(from, doc['_id'])) !== before;
}

const bytesOf = async (from: Collection<Document>, id: unknown): Promise<unknown> =>
  Buffer.from((await from.findOne({ _id: id as never }, { raw: true })) as unknown as Uint8Array).toString('base64');
