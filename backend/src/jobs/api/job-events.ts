/** The server-sent events of a job: its state now, then at every change, until it has ended. */
import type { Ambient } from '../../kernel/ambient.ts';
import { isFinal, jobToWire, type JobDocument } from '../record/job-document.ts';
import type { JobWatch } from '../store/job-watch.ts';
import { within } from '../../kernel/time.ts';

const HEARTBEAT_MS = 15_000;

/** A job as an event, made once for all who are told of the same look. */
const words = { all: new WeakMap<JobDocument, string>(), some: new WeakMap<JobDocument, string>() };
function wordOf(job: JobDocument, seesAll: boolean): string {
  const told = seesAll ? words.all : words.some;
  const known = told.get(job);
  if (known !== undefined) return known;
  const word = `event: job\ndata: ${JSON.stringify(jobToWire(job, seesAll))}\n\n`;
  told.set(job, word);
  return word;
}

/** A reader that is slow is told the last state alone: nothing gathers here. */
export async function* jobEvents(
  watch: JobWatch,
  ambient: Ambient,
  first: JobDocument,
  seesAll: boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let current: JobDocument | null = first;
  let woken = Promise.withResolvers<void>();
  const leave = watch.join(first._id, (job) => {
    current = job;
    woken.resolve();
  });
  const stop = (): void => woken.resolve();
  signal.addEventListener('abort', stop);
  try {
    for (let sent = ''; current && !signal.aborted;) {
      const word: string = wordOf(current, seesAll);
      const ended = isFinal(current.state);
      if (word !== sent) yield (sent = word);
      if (ended) return;
      const isDue = await within(
        ambient,
        HEARTBEAT_MS,
        woken.promise.then(() => true),
        () => false,
      );
      woken = Promise.withResolvers();
      if (!isDue) yield ': still here\n\n';
    }
  } finally {
    leave();
    signal.removeEventListener('abort', stop);
  }
}
