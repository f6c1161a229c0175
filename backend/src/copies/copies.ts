/** Every copy in memory that the service answers from, and which of them may be behind. */
import { Gauge, type Registry } from 'prom-client';
import type { Ambient } from '../kernel/ambient.ts';

export interface CopyState {
  /** What it is a copy of. */
  readonly name: string;
  readonly size: number;
  /** Changes that only a comparison found. */
  readonly missed: number;
  /** When it was last compared with a full read. */
  readonly checkedAt: Date | null;
  /** Null while it is known to be true. */
  readonly behindSince: Date | null;
  readonly reason: string | null;
}

export interface CopyReport {
  state(): CopyState;
}

export interface Copies {
  add(copy: CopyReport): void;
  states(): CopyState[];
}

export function createCopies(ambient: Ambient, registry?: Registry): Copies {
  const copies: CopyReport[] = [];
  const states = (): CopyState[] => copies.map((copy) => copy.state());
  const gauge = (name: string, help: string, value: (state: CopyState) => number): void => {
    if (!registry) return;
    const collect = (): void => states().forEach((state) => made.set({ copy: state.name }, value(state)));
    const made = new Gauge({ name, help, labelNames: ['copy'], registers: [registry], collect });
  };
  const seconds = (since: Date | null): number =>
    since ? Math.max(0, (ambient.now().getTime() - since.getTime()) / 1_000) : 0;
  gauge(
    'cp_copy_behind_seconds',
    'How long a copy in memory may have been behind what is stored; 0 when it is not',
    ({ behindSince }) => seconds(behindSince),
  );
  gauge('cp_copy_missed_changes', 'Changes of what is stored that were not announced and that a comparison found', ({ missed }) => missed); // prettier-ignore
  gauge('cp_copy_entries', 'Values held in memory', ({ size }) => size);
  return { add: (copy) => void copies.push(copy), states };
}
