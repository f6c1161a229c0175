/** Runs that take longer than a request should: who asked is told how far it is, asks again, and finds the same run. */
import { Problem, type ProblemCode } from '@cloudlysis/contract';
import type { Ambient } from './ambient.ts';
import { createSharedRuns } from './shared-runs.ts';

export interface Progress {
  readonly checked: number;
  readonly of: number;
}

export interface LongRunOptions {
  readonly ambient: Pick<Ambient, 'after'>;
  /** Milliseconds after which who asked is told that it is under way. */
  readonly answerMs: number;
  /** Milliseconds for which a run, and its result, wait for who was told so. */
  readonly lingerMs: number;
  /** What they are told; 503 with `retry_after_s`. */
  readonly underWay: ProblemCode;
}

/** One who asked, through all the requests that it takes them to get the answer. */
interface Seat<T> {
  readonly result: Promise<T>;
  readonly leave: AbortController;
  stay(): void;
}

/** `run` says now and then how far it is. `asker`: who comes back under this name finds what they began. */
export function createLongRuns<T>(
  run: (signal: AbortSignal, tell: (progress: Progress) => void) => Promise<T>,
  { ambient, answerMs, lingerMs, underWay }: LongRunOptions,
): (asker: string, signal: AbortSignal) => Promise<T> {
  let progress: Progress = { checked: 0, of: 0 };
  const shared = createSharedRuns((signal) => run(signal, (now) => (progress = now)));
  /** Those who were told that it is under way, and have not come back yet. */
  const away = new Map<string, Seat<T>>();

  const sit = (): Seat<T> => {
    const leave = new AbortController();
    const result = shared(leave.signal);
    result.catch(() => undefined);
    return { result, leave, stay: () => undefined };
  };
  const goAway = (asker: string, seat: Seat<T>): void => {
    const cancel = ambient.after(lingerMs, () => {
      if (away.get(asker)?.leave === seat.leave) away.delete(asker);
      seat.leave.abort(new Error('Nobody came back for it'));
    });
    away.get(asker)?.leave.abort(new Error('Asked again elsewhere'));
    away.set(asker, { ...seat, stay: cancel });
  };

  return async (asker, signal) => {
    signal.throwIfAborted();
    const seat = away.get(asker) ?? sit();
    seat.stay();
    away.delete(asker);
    const late = Promise.withResolvers<'late'>();
    const cancel = ambient.after(answerMs, () => late.resolve('late'));
    const gone = (): void => late.resolve('late');
    signal.addEventListener('abort', gone, { once: true });
    try {
      const answer = await Promise.race([seat.result.then((value) => ({ value })), late.promise]);
      if (answer !== 'late') return answer.value;
    } finally {
      cancel();
      signal.removeEventListener('abort', gone);
    }
    if (signal.aborted) {
      seat.leave.abort(signal.reason);
      throw signal.reason;
    }
    goAway(asker, seat);
    const { checked, of } = progress;
    throw new Problem(underWay, `${checked} of ${of} so far; ask again for the rest`, {
      checked,
      of,
      retry_after_s: 1,
    });
  };
}
