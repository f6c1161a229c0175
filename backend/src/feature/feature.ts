/** A feature as the composition root knows it: what it answers, what it does as jobs, and how it comes to life and to rest. */
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../kernel/ambient.ts';
import type { Look } from './attention.ts';
import type { Probes } from './probe.ts';

export interface Feature {
  readonly name: string;
  /** The one it lives in; absent where it is of the whole control plane. */
  readonly environment?: string;
  /** The reads of the contract that it answers, by operation id. */
  readonly reads?: object;
  /** Its mutations as jobs, by kind. */
  readonly jobs?: object;
  /** What the overview is told of it: how it is, and what in it needs a person. */
  readonly attention?: Look;
  /** Its connections, as the settings test them. */
  readonly probes?: Probes;
  /** Before its start, and again while the store is away: doing it twice is doing it once. */
  prepare?(): Promise<void>;
  start?(): void | Promise<void>;
  /** Also after a start that failed half-way. */
  stop?(): Promise<void>;
}

/** Features by what they stand on, lowest first: those of one rung start one after the other and stop together. */
export type Rungs = readonly (readonly Feature[])[];

type Joined<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
type Given<All extends Rungs, Part extends 'reads' | 'jobs'> = Joined<
  All[number][number] extends infer One ? (One extends { readonly [P in Part]: infer Given } ? Given : never) : never
>; // prettier-ignore

/** What all features give of a part, as one. @throws Error when two give the same */
export function joined<const All extends Rungs, Part extends 'reads' | 'jobs'>(all: All, part: Part): Given<All, Part> {
  const given = new Map<string, unknown>();
  for (const feature of all.flat()) {
    for (const [id, value] of Object.entries(feature[part] ?? {})) {
      if (given.has(id)) throw new Error(`${feature.name} is not alone in giving ${id}`);
      given.set(id, value);
    }
  }
  return Object.fromEntries(given) as Given<All, Part>;
}

/** What a feature gives of a part, by its name. */
export interface Contribution<Value> {
  readonly name: string;
  readonly environment: string | null;
  readonly value: Value;
}

/** What features give of a part, in their order. */
export const given = <Part extends 'attention' | 'probes'>(all: Rungs, part: Part) =>
  all
    .flat()
    .flatMap(({ name, environment = null, [part]: value }) =>
      value === undefined ? [] : [{ name, environment, value }],
    ) as Contribution<NonNullable<Feature[Part]>>[];

/**
 * Starts them in order; `stack` stops them in reverse, also when one does not start. A stop that fails is told and keeps
 * no other from stopping.
 */
export async function startAll(
  all: Rungs,
  stack: AsyncDisposableStack,
  { ambient, failed }: { ambient: Ambient; failed: (name: string, error: unknown) => void },
): Promise<void> {
  for (const rung of all) {
    const started: Feature[] = [];
    stack.defer(async () => {
      const stops = started.map(async (feature) => {
        await feature.stop?.().catch((error: unknown) => failed(feature.name, error));
      });
      await Promise.all(stops);
    });
    for (const feature of rung) {
      if (feature.prepare) await patiently(ambient, () => feature.prepare!());
      started.push(feature);
      await feature.start?.();
    }
  }
}

/** How long a store that does not answer yet is waited for at the start: what a killed replica held is let go meanwhile. */
const START_MS = 15_000;
const START_STEP_MS = 250;

/** Repeats what changes nothing by being repeated. @throws what it threw last, once the time is over */
export async function patiently(ambient: Ambient, work: () => Promise<void>): Promise<void> {
  for (const end = ambient.monotonic() + START_MS; ; await ambient.sleep(START_STEP_MS)) {
    try {
      return await work();
    } catch (error) {
      const isAway = error instanceof Problem && error.status === 503;
      if (!isAway || ambient.monotonic() > end) throw error;
    }
  }
}
