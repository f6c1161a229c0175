/** Pure: when a limit of a stream is near, and the sentence about it. */
import { grouped } from '../../../kernel/figures.ts';
import type { StreamLimit } from '../port/nats-port.ts';

/** The share of a limit from which on it is told: at 20 % left there is time to raise it. */
export const NEAR_LIMIT = 0.8;

export const shareOf = ({ used, limit }: StreamLimit): number => (limit === null ? 0 : used / limit);

/** Fullest first. */
export const nearLimits = (limits: readonly StreamLimit[]): StreamLimit[] =>
  limits.filter((one) => shareOf(one) >= NEAR_LIMIT).sort((a, b) => shareOf(b) - shareOf(a));

/** `EVENTS has 1 800 of 2 000 consumers (90 %)`. */
export const toldLimit = (one: StreamLimit): string =>
  one.limit === null
    ? `${one.stream} has ${grouped(one.used)} ${one.what}, without a limit`
    : `${one.stream} has ${grouped(one.used)} of ${grouped(one.limit)} ${one.what} (${Math.floor(shareOf(one) * 100)} %)`;
