import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ReadOrder } from './read-order.ts';

it('NFR-08 reads that end in any order leave what the one that began last found', () => {
  const reads = fc.array(fc.tuple(fc.option(fc.nat(3)), fc.nat(1_000)), { minLength: 1, maxLength: 6 });
  const holds = fc.property(reads, (found) => {
    const order = new ReadOrder<number>();
    const begun = found.map(([value, ends]) => ({ value, ends, moment: order.begin() }));
    for (const { value, moment } of begun.toSorted((a, b) => a.ends - b.ends)) {
      order.set('a', value, moment);
      // Another one is under way, so that the end of this one is not the end of all.
      order.end();
      order.begin();
    }
    expect(order.get('a') ?? null).toBe(begun.at(-1)!.value);
  });
  fc.assert(holds, { numRuns: 500 });
});
