import { describe, expect, it } from '@jest/globals';
import { every, waitFor, within } from './time.ts';

/** Alarms that ring when the test says so. */
function clockAtHand() {
  const alarms = new Map<number, () => void>();
  let count = 0;
  return {
    alarms,
    ring: () => [...alarms.values()].forEach((then) => then()),
    after(_ms: number, then: () => void) {
      const mine = count++;
      alarms.set(mine, then);
      return () => void alarms.delete(mine);
    },
  };
}

describe('NFR-07 what takes too long is not waited for', () => {
  it('the work in time, its failure in time, what stands for it late, and what is thrown late; no alarm is left behind', async () => {
    const clock = clockAtHand();
    const late = () => 'late';
    expect(await within(clock, 10, Promise.resolve('done'), late)).toBe('done');
    await expect(within(clock, 10, Promise.reject(new Error('failed')), late)).rejects.toThrow('failed');
    const never = new Promise<string>(() => undefined);
    const first = within(clock, 10, never, late);
    const second = within(clock, 10, never, () => {
      throw new Error('too late');
    });
    clock.ring();
    expect(await first).toBe('late');
    await expect(second).rejects.toThrow('too late');
    expect(clock.alarms.size).toBe(0);
  });

  it('work that fails after it was given up is nobody’s any more', async () => {
    const clock = clockAtHand();
    const work = Promise.withResolvers<string>();
    const answer = within(clock, 10, work.promise, () => 'late');
    clock.ring();
    expect(await answer).toBe('late');
    const unhandled: unknown[] = [];
    const heard = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', heard);
    work.reject(new Error('afterwards'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', heard);
    expect(unhandled).toEqual([]);
  });
});

describe('NFR-07 what is done again and again', () => {
  it('goes on after a failure, never overlaps, and ends when it is stopped, also in its pause', async () => {
    const stopping = new AbortController();
    const told: string[] = [];
    let [turns, at] = [0, 0];
    const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
      expect(ms).toBe(1_000);
      if (turns === 5) stopping.abort(new Error('stopped'));
      signal?.throwIfAborted();
    };
    await every(
      { sleep },
      1_000,
      stopping.signal,
      async () => {
        expect(++at).toBe(1);
        turns += 1;
        await Promise.resolve();
        at -= 1;
        if (turns % 2 === 0) throw new Error(`turn ${turns}`);
      },
      (error) => told.push((error as Error).message),
    );
    expect(turns).toBe(5);
    expect(told).toEqual(['turn 2', 'turn 4']);
  });

  it('a failure that comes with the stop is not told', async () => {
    const stopping = new AbortController();
    const work = async (): Promise<void> => {
      stopping.abort();
      throw new Error('stopped');
    };
    const told: unknown[] = [];
    await every({ sleep: async () => undefined }, 1, stopping.signal, work, (error) => told.push(error));
    expect(told).toEqual([]);
  });

  it('looking ends with what was found, with the time, or with the signal', async () => {
    let now = 0;
    const ambient = { monotonic: () => now, sleep: async (ms: number) => void (now += ms) } as never;
    const signal = new AbortController().signal;
    let looks = 0;
    expect(await waitFor(ambient, 1_000, signal, async () => (++looks === 4 ? 'there' : null))).toBe('there');
    expect(now).toBe(10 + 20 + 50);
    expect(await waitFor(ambient, 0, signal, async () => null)).toBeNull();
    await expect(waitFor(ambient, 1_000, AbortSignal.abort(new Error('stop')), async () => 1)).rejects.toThrow('stop');
  });
});
