// Medians and their spread, and pairs of measurements taken in turn, so that a noisy machine hurts both sides alike.

export interface Spread {
  readonly median: number;
  /** Quartiles: half of all measurements lie between them. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** The value below which `share` of the values lie; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  low: quantile(values, 0.25),
  high: quantile(values, 0.75),
  count: values.length,
});

export interface Pairs {
  readonly a: Spread;
  readonly b: Spread;
  /** a / b and a − b of each pair. */
  readonly ratio: Spread;
  readonly difference: Spread;
}

/** Measures A B, B A, A B …: drift and bursts of noise fall on both. Ends early, after whole pairs, when `seconds` are over. */
export async function inPairs(
  rounds: number,
  a: () => Promise<number> | number,
  b: () => Promise<number> | number,
  seconds = Infinity,
): Promise<Pairs> {
  const [as, bs]: [number[], number[]] = [[], []];
  const until = performance.now() + seconds * 1000;
  for (let round = 0; round < rounds && (round < 3 || performance.now() < until); round += 1) {
    if (round % 2 === 0) as.push(await a());
    bs.push(await b());
    if (round % 2 === 1) as.push(await a());
  }
  return {
    a: spread(as),
    b: spread(bs),
    ratio: spread(as.map((value, index) => value / bs[index]!)),
    difference: spread(as.map((value, index) => value - bs[index]!)),
  };
}

/** Three significant digits, thousands apart. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return String(Number(value.toPrecision(3)));
}

export const told = ({ median, low, high }: Spread, unit: string): string =>
  `${digits(median)}${unit && ` ${unit}`} (${digits(low)} to ${digits(high)})`;

/** Milliseconds of the wall clock that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Microseconds of this process's CPU (user and system) that `work` takes. */
export async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
