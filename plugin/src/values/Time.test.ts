import fc from 'fast-check';
import { relativeTime } from './Time';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

test.each([
  [0, 'just now'],
  [12 * SECOND, '12 s ago'],
  [4.9 * 60 * SECOND, '4 min ago'],
  [3.5 * HOUR, '3 h ago'],
  [5 * 24 * HOUR, '5 d ago'],
  [-30 * 24 * HOUR, 'in 30 d'],
])('%d ms before now reads %s', (before, text) => expect(relativeTime(NOW - before, NOW)).toBe(text));

test('a time is in the past or to come, never both', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), (before) => {
      const text = relativeTime(NOW - before, NOW);
      expect(text).toMatch(/^(just now|in \d+ (s|min|h|d)|\d+ (s|min|h|d) ago)$/);
      expect(text.startsWith('in ') && before > 0).toBe(false);
    })
  );
});
