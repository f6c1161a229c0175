/** One run of something costly for all who ask for it: whoever asks while one is under way shares the next, which begins after they asked. */

interface Run<T> {
  readonly abort: AbortController;
  readonly result: Promise<T>;
  askers: number;
}

/** `run` is told to stop when the last of those who asked is gone. */
export function createSharedRuns<T>(run: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let current: Run<T> | undefined;
  let next: Run<T> | undefined;

  function begin(): Run<T> {
    const before = current?.result.catch(() => undefined);
    const take = (): void => {
      if (next === me) next = undefined;
      current = me;
    };
    const abort = new AbortController();
    const work = async (): Promise<T> => {
      await before;
      if (before) take();
      abort.signal.throwIfAborted();
      return run(abort.signal);
    };
    const result = work().finally(() => {
      if (current?.result === result) current = undefined;
    });
    result.catch(() => undefined);
    const me: Run<T> = { abort, result, askers: 0 };
    return me;
  }

  return async (signal) => {
    signal.throwIfAborted();
    const mine = current ? (next ??= begin()) : (current = begin());
    mine.askers++;
    const gone = Promise.withResolvers<never>();
    const leave = (): void => gone.reject(signal.reason);
    signal.addEventListener('abort', leave);
    try {
      return await Promise.race([mine.result, gone.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      mine.askers--;
      if (mine.askers === 0) {
        if (next === mine) next = undefined;
        mine.abort.abort(new Error('Nobody waits for it any more'));
      }
    }
  };
}
