import fc from 'fast-check';
import { instantOf, typedOf } from './DateTimeField';
import { JSON_SYNTAX } from './JsonField';
import { Malformed } from './malformed';
import { mapOf } from './MapField';
import { valueOf } from './WrittenField';
import { YAML_SYNTAX } from './YamlField';

/** Whatever JSON has, with numbers that are kept as they are written. */
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, '', 'null', '1', '- a', '~', '0x10', '2026-11-26', ': #', 'a\nb', '<<'),
    fc.integer(),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', '<<', '1', 'null')), tie('value'), { maxKeys: 4 })
  ),
}));

test.each([
  ['JSON', JSON_SYNTAX],
  ['YAML', YAML_SYNTAX],
])('UI-21 a value is the same after it was written and read as %s', (_, syntax) => {
  fc.assert(
    fc.property(json, (value) => {
      expect(valueOf(syntax, syntax.write(value))).toEqual(value);
    })
  );
});

test.each([
  [JSON_SYNTAX, '{"a": 1,}'],
  [JSON_SYNTAX, '1e999'],
  [JSON_SYNTAX, "{'a': 1}"],
  [YAML_SYNTAX, 'a: 1\na: 2'],
  [YAML_SYNTAX, 'a: .nan'],
  [YAML_SYNTAX, 'a: .inf'],
  [YAML_SYNTAX, 'a: 9007199254740993'],
  [YAML_SYNTAX, '8080: web'],
  [YAML_SYNTAX, 'a: [1, 2'],
  [YAML_SYNTAX, '&a [*a]'],
  [YAML_SYNTAX, '--- 1\n--- 2'],
  [
    YAML_SYNTAX,
    `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefghi'
      .split('')
      .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[at]}`).join(', ')}]`)
      .join('\n')}`,
  ],
])('UI-21 %p does not read %s', (syntax, text) => {
  expect(valueOf(syntax, text)).toBeInstanceOf(Malformed);
});

test('UI-21 an instant is the same after it was shown and typed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e9 }), (seconds) => {
      const at = new Date(seconds * 1_000).toISOString();
      expect(instantOf(typedOf(at))).toBe(at);
    })
  );
  expect(instantOf('')).toBeUndefined();
  expect(instantOf('soon')).toBeInstanceOf(Malformed);
});

test('UI-21 rows are a map only where each is whole and its own', () => {
  const row = fc.record({
    name: fc.constantFrom('', 'a', 'b', '__proto__'),
    value: fc.constantFrom('', 'x', undefined),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 4 }), (rows) => {
      const said = rows.filter(({ name, value }) => name !== '' || value === 'x');
      const isWhole = said.every(({ name, value }) => name !== '' && value === 'x');
      const isOwn = new Set(said.map(({ name }) => name)).size === said.length;
      const value = mapOf(rows);
      expect(value instanceof Malformed).toBe(!(isWhole && isOwn));
      if (!(value instanceof Malformed)) {
        expect(Object.entries(value as object)).toEqual(said.map(({ name }) => [name, 'x']));
      }
    })
  );
});
