/** One step under its deadline: attempts with backoff, an abort signal that everything below obeys, a problem at the end. */
import { Problem, type ProblemDocument } from '@cloudlysis/contract';
import type { Ambient } from '../ambient.ts';

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
  const timer = new AbortController();
  const inner = AbortSignal.any([outer, timer.signal]);
  const over = new AbortController();
  const wait = (time: number): Promise<void> => ambient.sleep(time, over.signal).catch(() => undefined);
  void wait(ms).then(() => timer.abort(new Problem('step.deadline', `not finished within ${ms} ms`)));
  const aborted = new Promise<void>((resolve) => inner.addEventListener('abort', () => resolve(), { once: true }));
  const result = work(inner);
  try {
    await Promise.race([result.catch(() => undefined), aborted]);
    if (!inner.aborted) return await result;
    await Promise.race([result.catch(() => undefined), wait(GRACE_MS)]);
    throw inner.reason;
  } finally {
    over.abort();
  }
}

/** Whether another attempt can help: a refusal will be refused again, and an overrun deadline was the budget. */
export const isWorthRepeating = (problem: Problem): boolean =>
  problem.status >= 500 && problem.code !== 'drain.not_converging' && problem.code !== 'verify.failed';

export const backoffMs = (attempt: number): number => Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), LAST_BACKOFF_MS);

/** What a step threw, as a problem; an unknown error says nothing of its inside. */
export const problemOf = (error: unknown, step: string): Problem =>
  error instanceof Problem ? error : new Problem('step.failed', `Step ${step} failed`, {}, error);

export const toDocument = (problem: Problem, step: string): ProblemDocument => ({ ...problem.toDocument(), step });
