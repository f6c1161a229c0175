/** How long a plan is accepted, and how it is told that it no longer is. */
import { Problem } from '@cloudlysis/contract';

/** 15 minutes: long enough to read a plan and to ask a colleague, short enough for its measurements. */
export const PLAN_TTL_MS = 15 * 60_000;

/** The year is as far away as a clock that was never set; a number that is no time at all is told as it is. */
const stamp = (at: Date): string => (Number.isNaN(at.getTime()) ? 'no time' : at.toISOString());

const span = (ms: number): string => {
  const minutes = Math.abs(ms) / 60_000;
  return minutes < 2 ? `${Math.round(minutes * 60)} s` : `${Math.round(minutes)} min`;
};

/** @throws Problem `plan.stale` for a plan that has expired, or that was made by a clock far ahead */
export function assertAlive(expires: Date, now: Date): void {
  const ahead = expires.getTime() - now.getTime();
  if (!(ahead > 0))
    throw new Problem(
      'plan.stale',
      `The plan expired at ${stamp(expires)}, ${span(ahead)} ago: it is ${stamp(now)} here`,
    );
  if (ahead > 2 * PLAN_TTL_MS)
    throw new Problem(
      'plan.stale',
      `A plan is accepted for ${span(PLAN_TTL_MS)}, and this one for another ${span(ahead)}: it was made by a clock that is ${span(ahead - PLAN_TTL_MS)} or more ahead of the one here, which says ${stamp(now)}`,
    );
}
