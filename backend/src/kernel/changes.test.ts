// The diff of a plan says all that changes and nothing else, whatever the keys are called.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { changesOf, differences, type Difference } from './changes.ts';

type Map = Record<string, unknown>;

/** What a reader of the diff would do by hand. */
function applied(changes: readonly Difference[], before: unknown): unknown {
  return changes.reduce((now, { op, path, after }) => {
    if (path.length === 0) return after;
    const root = structuredClone(now) as Map;
    const holder = path.slice(0, -1).reduce((at, key) => at[key] as Map, root);
    const key = path.at(-1)!;
    if (op === 'remove') Reflect.deleteProperty(holder, key);
    else Object.defineProperty(holder, key, { value: after, enumerable: true, configurable: true, writable: true });
    return root;
  }, before);
}

const PROTOTYPE = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'isPrototypeOf', '__defineGetter__', 'a.b', '$set', 'a', 'b']; // prettier-ignore
const key = fc.oneof(fc.constantFrom(...PROTOTYPE), fc.string({ maxLength: 3 })).filter((name) => name !== '__proto__');
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.boolean(), fc.integer(), fc.string({ maxLength: 3 }), fc.constant(null), fc.constant(0), fc.constant(''),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
})); // prettier-ignore

it('API-05 applying the diff of two values to the one gives the other, and no two lines have one path', () => {
  fc.assert(
    fc.property(value, value, (before, after) => {
      const found = differences(before, after);
      expect(applied(found, before)).toEqual(after);
      const paths = changesOf('metadata', before, after).map(({ path }) => path);
      expect(new Set(paths).size).toBe(paths.length);
      expect(differences(after, structuredClone(after))).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

it('API-05 a key that every object has is added, changed and taken away like any other', () => {
  const none = { flags: {} };
  const one = { flags: { constructor: true, toString: false } };
  expect(changesOf('m', none, one)).toEqual([
    { op: 'add', path: 'm.flags.constructor', before: null, after: true },
    { op: 'add', path: 'm.flags.toString', before: null, after: false },
  ]);
  expect(changesOf('m', one, none).map(({ op }) => op)).toEqual(['remove', 'remove']);
  expect(changesOf('m', { 'a.b': 1 }, { a: { b: 1 } }).map(({ path }) => path)).toEqual(['m."a.b"', 'm.a']);
});
