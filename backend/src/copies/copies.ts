/** Every copy in memory that the service answers from, and which of them may be behind. */
import { Gauge, type Registry } from 'prom-client';
import type { Look } from '../feature/attention.ts';
import { copiesLook, type CopyState } from './attention.ts';
import type { Ambient } from '../kernel/ambient.ts';

export interface CopyReport {
  state(): CopyState;
}

export interface Copies {
  readonly name: string;
  readonly attention: Look;
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
  return { name: 'copies', attention: copiesLook({ states }), add: (copy) => void copies.push(copy), states };
}
