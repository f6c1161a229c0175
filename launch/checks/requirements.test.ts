import { expect, it } from '@jest/globals';
import { idsOf, pageOf, requirements, REQUIREMENTS, whoNames } from './requirements.ts';

// Put together here, so that this file names none that are made up.
const made = (number: number) => ['TEN', String(number)].join('-');
const row = (id: string, where: string) => `| ${id} | A sentence. | ${where} |`;

it('every id that is named is on the page, and the page tells where each is proven (else: npm run requirements)', () => {
  const { page, text, faults } = requirements();
  expect(faults).toEqual([]);
  expect(text === page ? '' : `${REQUIREMENTS} is out of date: npm run requirements`).toBe('');
});

it('a range names each of its ids', () => {
  expect(idsOf(`(${made(97)}..99, ${made(91)})`)).toEqual([97, 98, 99, 91].map(made));
});

it('a title proves, a comment names, and what is on one side only is a fault', () => {
  const named = whoNames([
    ['a/b.test.ts', `// why ${made(91)} matters\nit('${made(92)} holds', () => {});`],
    ['a/b.ts', `/** ${made(91)} */`],
  ]);
  const page = [row(made(91), '[gone](../a/gone.test.ts)'), row(made(92), '–'), row(made(93), '–')].join('\n');
  const { text, faults } = pageOf(page, named);
  expect(text.split('\n')).toEqual([
    row(made(91), 'no test; named in [b](../a/b.test.ts), [b.ts](../a/b.ts)'),
    row(made(92), '[b](../a/b.test.ts)'),
    row(made(93), '–'),
  ]);
  expect(faults).toEqual([`${made(93)} is on the page, and nothing names it`]);
  expect(pageOf(row(made(91), '–'), named).faults).toEqual([`${made(92)} is named in a/b.test.ts and not on the page`]);
});
