import fc from 'fast-check';
import { count, duration, figure, measured, percent, rate } from './figures';

const amount = fc.nat({ max: 1e12 });

test('a count keeps every digit, in groups that do not break', () => {
  expect(count(12_042)).toBe('12\u202f042');
  fc.assert(
    fc.property(amount, (value) => {
      expect(Number(count(value).replaceAll('\u202f', ''))).toBe(value);
      expect(count(value)).not.toMatch(/\s(?<!\u202f)/);
    })
  );
});

test.each([
  [0.04, '0'],
  [0.3, '0.3'],
  [12.55, '12.6'],
  [411.6, '412'],
  [12_042, '12\u202f042'],
])('a rate of %d reads %s', (value, text) => expect(rate(value)).toBe(text));

test.each([
  [0, '0 %'],
  [0.0003, '0.03 %'],
  [0.024, '2.4 %'],
  [0.61, '61 %'],
  [1.25, '125 %'],
])('a share of %d reads %s', (value, text) => expect(percent(value)).toBe(text));

test.each([
  [0.4, '0 ms'],
  [210, '210 ms'],
  [1_400, '1.4 s'],
  [59_940, '59.9 s'],
  [125_000, '2 min 5 s'],
])('%d ms reads %s', (ms, text) => expect(duration(ms)).toBe(text));

test('a duration never says 60 of the smaller unit', () => {
  fc.assert(
    fc.property(fc.nat({ max: 10_000_000 }), (ms) => {
      expect(duration(ms)).not.toMatch(/(\b60(\.0)? s|\b1000 ms)/);
    })
  );
});

test.each([
  [null, null, '–'],
  [undefined, 'ms', '–'],
  [4, 'commands', '4 commands'],
  [0.25, 's', '0.3 s'],
  [210, 'ms', '210 ms'],
  [true, null, 'true'],
  [['a1', 'a2'], null, '["a1","a2"]'],
])('measured %p in %p reads %s', (value, unit, text) => expect(measured(value, unit)).toBe(text));

test.each([
  [0.34, 'ratio', '34 %'],
  [0, 'bytes', '0 B'],
  [1_536, 'bytes', '1.5 KiB'],
  [2 ** 60, 'bytes', '1\u202f048\u202f576 TiB'],
  [18, 'ms', '18 ms'],
  [412, 'req/s', '412 req/s'],
  [3, 'nodes', '3'],
])('UI-01 the figure %d %s reads %s', (value, unit, text) => expect(figure(value, unit)).toBe(text));

test('what was not measured is a dash, never a zero', () => {
  expect([count(null), rate(null), percent(null), duration(null), figure(null, 'ratio')]).toEqual(Array(5).fill('–'));
});
