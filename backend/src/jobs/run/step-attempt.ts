/** One step under its deadline: attempts with backoff, an abort signal that everything below obeys, a problem at the end. */
import { Problem, PROBLEMS, type ProblemDocument } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { within } from '../../kernel/time.ts';
import { withoutAddresses } from '../../ports/nodes/index.ts';
import { boundedProblem } from '../record/large-values.ts';

const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5_000;

/** How long work that was told to stop may take to do so before it is given up on. */
const GRACE_MS = 5_000;

/**
 * Runs `work` with a signal that is aborted at the deadline or with `outer`, and rejects with the reason. Aborted work
 * is waited for (bounded), so that no effect of an old attempt lands after the next one, or the way back, has begun.
 */
export async function withDeadline<T>(
  ambient: Ambient,
  ms: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted();
  const inner = new AbortController();
  const aborted = Promise.withResolvers<void>();
  const abort = (reason: unknown): void => {
    inner.abort(reason);
    aborted.resolve();
  };
  const stop = (): void => abort(outer.reason);
  outer.addEventListener('abort', stop, { once: true });
  const cancel = ambient.after(ms, () => abort(new Problem('step.deadline', `not finished within ${ms} ms`)));
  const result = work(inner.signal);
  const settled = result.then(
    () => undefined,
    () => undefined,
  );
  try {
    await Promise.race([settled, aborted.promise]);
    if (!inner.signal.aborted) return await result;
    await within(ambient, GRACE_MS, settled, () => undefined);
    throw inner.signal.reason;
  } finally {
    cancel();
    outer.removeEventListener('abort', stop);
  }
}

/** Whether another attempt can help: a refusal will be refused again, and an overrun deadline was the budget. */
export const isWorthRepeating = (problem: Problem): boolean =>
  problem.status >= 500 && !('final' in PROBLEMS[problem.code]);

export const backoffMs = (attempt: number): number => Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), LAST_BACKOFF_MS);

/** What a step threw, as a problem; an unknown error says nothing of its inside. */
export const problemOf = (error: unknown, step: string): Problem =>
  error instanceof Problem ? error : new Problem('step.failed', `Step ${step} failed`, {}, error);

export const toDocument = (problem: Problem, step: string): ProblemDocument =>
  boundedProblem({ ...problem.toDocument(), detail: withoutAddresses(problem.message), step });
