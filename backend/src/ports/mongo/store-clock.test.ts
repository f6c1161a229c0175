// The store's clock as a replica knows it, whatever its answers take on the way.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { systemAmbient } from '../../kernel/ambient.ts';
import { createStoreClock } from './store-clock.ts';

const STORE_AT = Date.UTC(2026, 10, 26);
/** Milliseconds on the way there and back of each reading, and until the next. */
const readings = fc.array(fc.record({ there: fc.nat(400), back: fc.nat(400), rest: fc.nat(10_000) }), { minLength: 1, maxLength: 12 }); // prettier-ignore

/** A network of known delays between a monotonic clock and a store whose time runs at the same pace, `ahead` of the wall clock. */
async function told(delays: readonly { there: number; back: number; rest: number }[], ahead: number) {
  let at = 0;
  const [errors, offs, times]: [number[], number[], number[]] = [[], [], []];
  const ambient = { ...systemAmbient(), monotonic: () => at, now: () => new Date(STORE_AT - ahead + at) };
  const answer = { localTime: new Date(0) };
  let way = delays[0]!;
  const command = async (): Promise<object> => {
    at += way.there;
    answer.localTime = new Date(STORE_AT + at);
    at += way.back;
    return answer;
  };
  const clock = createStoreClock({ client: { db: () => ({ command }) } } as never, ambient);
  for (way of delays) {
    await clock.read();
    times.push(clock.now().getTime());
    errors.push(Math.abs(clock.now().getTime() - STORE_AT - at));
    offs.push(Math.abs(clock.aheadMs()! + ahead));
    at += way.rest;
    times.push(clock.now().getTime());
  }
  return { errors, offs, times };
}

it('NFR-07 GEN-32 it never steps back while the store’s own does not, and each reading makes it no worse', async () => {
  const ahead = fc.constantFrom(0, -1_500_000, 1_500_000);
  await fc.assert(
    fc.asyncProperty(readings, ahead, async (delays, off) => {
      const { errors, offs, times } = await told(delays, off);
      for (const [n, time] of times.entries()) if (n > 0) expect(time).toBeGreaterThanOrEqual(times[n - 1]!);
      for (const [n, error] of errors.entries()) {
        const { there, back } = delays[n]!;
        expect(offs[n]).toBeLessThanOrEqual(there + back + 1);
        expect(error).toBeLessThanOrEqual(n === 0 ? there + back + 1 : errors[n - 1]! + 1);
      }
    }),
  );
});
