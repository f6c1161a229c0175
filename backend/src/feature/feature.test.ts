import { describe, expect, it } from '@jest/globals';
import { Problem } from '@cloudlysis/contract';
import fc from 'fast-check';
import { systemAmbient } from '../kernel/ambient.ts';
import { joined, startAll, type Feature } from './feature.ts';

const machine = systemAmbient();
const ambient = { ...machine, sleep: async () => undefined };

/** Starts rungs of parts of which one may fail; what was done, in order. */
async function life(rungs: readonly number[], failing: number | null, stopFails: number | null) {
  const done: string[] = [];
  let number = 0;
  const all = rungs.map((parts) =>
    Array.from({ length: parts }, (): Feature => {
      const mine = number++;
      return {
        name: `f${mine}`,
        prepare: async () => void done.push(`prepare ${mine}`),
        start: async () => {
          done.push(`start ${mine}`);
          if (mine === failing) throw new Error(`${mine} does not start`);
        },
        stop: async () => {
          done.push(`stop ${mine}`);
          if (mine === stopFails) throw new Error(`${mine} does not stop`);
        },
      };
    }),
  );
  const told: string[] = [];
  let problem: string | null = null;
  const stack = new AsyncDisposableStack();
  await startAll(all, stack, { ambient, failed: (name) => told.push(name) }).catch((error: Error) => {
    problem = error.message;
  });
  await stack.disposeAsync();
  return { done, told, problem, count: number };
}

describe('the life of features', () => {
  it('NFR-07 start in order, stop in reverse by rung; a start that fails stops what was begun and nothing else, and one stop that fails keeps no other', async () => {
    const rungs = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 });
    const one = fc.option(fc.nat(14));
    await fc.assert(
      fc.asyncProperty(rungs, one, one, async (sizes, failing, stopFails) => {
        const { done, told, problem, count } = await life(sizes, failing, stopFails);
        const fails = failing !== null && failing < count;
        const begun = fails ? failing + 1 : count;
        const rungOf = sizes.flatMap((parts, index) => Array.from({ length: parts }, () => index));
        const numbers = (word: string) =>
          done.filter((line) => line.startsWith(word)).map((line) => Number(line.split(' ')[1]));
        expect(problem).toBe(fails ? `${failing} does not start` : null);
        expect(numbers('start')).toEqual(Array.from({ length: begun }, (_, index) => index));
        expect(numbers('prepare')).toEqual(numbers('start'));
        const stopped = numbers('stop');
        expect(stopped.toSorted((a, b) => a - b)).toEqual(numbers('start'));
        expect(stopped.map((index) => rungOf[index]!)).toEqual(
          stopped.map((index) => rungOf[index]!).toSorted((a, b) => b - a),
        );
        expect(told).toEqual(stopFails !== null && stopFails < begun ? [`f${stopFails}`] : []);
        expect(done.findIndex((line) => line.startsWith('stop'))).toBe(2 * begun);
      }),
    );
  });

  it('NFR-07 a store that is away while a feature is prepared is waited for, any other trouble is not', async () => {
    let tries = 0;
    const away: Feature = {
      name: 'away',
      prepare: async () => {
        if (++tries < 4) throw new Problem('store.unavailable');
      },
    };
    await startAll([[away]], new AsyncDisposableStack(), { ambient, failed: () => undefined });
    expect(tries).toBe(4);
    const broken: Feature = { name: 'broken', prepare: () => Promise.reject(new Error('broken')) };
    const starting = startAll([[broken]], new AsyncDisposableStack(), { ambient, failed: () => undefined });
    await expect(starting).rejects.toThrow('broken');
  });

  it('NFR-07 two features that give the same are refused when they are put together', () => {
    const one = { name: 'one', reads: { 'a.get': () => 1 } };
    const other = { name: 'other', reads: { 'b.get': () => 2 } };
    expect(Object.keys(joined([[one], [other]], 'reads'))).toEqual(['a.get', 'b.get']);
    expect(() => joined([[one, other], [{ ...one, name: 'again' }]], 'reads')).toThrow(/again is not alone/);
  });
});
