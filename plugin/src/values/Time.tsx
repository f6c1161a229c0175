/** When: relative, with the absolute time in the user's time zone beside it. */
import React, { useSyncExternalStore } from 'react';
import { dateTimeFormat } from '@grafana/data';
import { onClockChange, serverTime } from '../api/server-clock';
import { Hint } from './Hint';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Pure: `just now`, `12 s ago`, `4 min ago`, `3 h ago`, `5 d ago`, and `in …` for what is to come. */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.round(Math.abs(now - at) / 1000);
  if (seconds < 3) {
    return 'just now';
  }
  return at > now ? `in ${span(seconds)}` : `${span(seconds)} ago`;
}

/** Pure: `12 s`, `4 min`, `3 h`, `5 d`. */
export function span(seconds: number): string {
  const [amount, unit] =
    seconds < MINUTE
      ? [seconds, 's']
      : seconds < HOUR
        ? [seconds / MINUTE, 'min']
        : seconds < DAY
          ? [seconds / HOUR, 'h']
          : [seconds / DAY, 'd'];
  return `${Math.floor(amount)} ${unit}`;
}

const TICK_MS = 10_000;

/** One clock for every time on the page. */
const lookers = new Set<() => void>();
let clock: ReturnType<typeof setInterval> | undefined;

function everyTick(look: () => void): () => void {
  lookers.add(look);
  const leave = onClockChange(look);
  clock ??= setInterval(() => lookers.forEach((one) => one()), TICK_MS);
  return () => {
    leave();
    lookers.delete(look);
    if (lookers.size === 0) {
      clearInterval(clock);
      clock = undefined;
    }
  };
}

export function Time({ at }: { at: string | null }) {
  const text = useSyncExternalStore(everyTick, () => (at === null ? '–' : relativeTime(Date.parse(at), serverTime())));
  return at === null ? (
    <>{text}</>
  ) : (
    <Hint content={dateTimeFormat(at)}>
      <time dateTime={at}>{text}</time>
    </Hint>
  );
}
