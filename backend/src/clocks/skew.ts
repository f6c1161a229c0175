/** Pure: how far a clock is off the store's, in words, and whether somebody must know. */

/** Who has a clock, and what was last measured of it. */
export interface PeerClock {
  readonly kind: 'replica' | 'node';
  /** `control-2`, or `aggregate/a1`. */
  readonly name: string;
  /** What it is shown with: `service:control-plane`, or `shard:a1`. */
  readonly resource: string;
  /** Milliseconds by which it is ahead of the store's; null where it does not tell its time. */
  readonly aheadMs: number | null;
}

/** A clock that was measured. */
export type Measured = PeerClock & { readonly aheadMs: number };

/** Measured over answers of at most 1 s, half of which is the error, by a reference with the same one: below is noise. */
export const SKEW_WARN_MS = 2_000;

export const isMeasured = (peer: PeerClock): peer is Measured => peer.aheadMs !== null;
export const isOff = ({ aheadMs }: Measured): boolean => Math.abs(aheadMs) >= SKEW_WARN_MS;

/** Those that are off, the farthest first. */
export const clocksOff = (peers: readonly PeerClock[]): Measured[] =>
  peers
    .filter(isMeasured)
    .filter(isOff)
    .sort((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs) || (a.name < b.name ? -1 : 1));

const UNITS = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000]] as const; // prettier-ignore

/** 1500000 → "25 min"; two of a unit at least, so that 90 s are not told as a minute. */
export function toldSpan(ms: number): string {
  const span = Math.abs(ms);
  const [unit, size] = UNITS.find(([, size]) => span >= 2 * size) ?? ['ms', 1];
  return `${Math.round(span / size)} ${unit}`;
}

/** "25 min ahead of the store", "3 ms behind the store". */
export const toldSkew = (aheadMs: number): string => `${toldSpan(aheadMs)} ${aheadMs < 0 ? 'behind' : 'ahead of'} the store`; // prettier-ignore

export interface Clocks {
  /** As last measured: this replica first, then the others that are alive and the nodes that answer. */
  peers(): PeerClock[];
  /** Reads the store's time now, and says how far this replica's is ahead. @throws Problem `store.unavailable` */
  measureOwn(): Promise<number>;
}
