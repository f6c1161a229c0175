// Knobs for tests and demos: a node that is slow, failing, stuck, stubborn or lying. Off unless DATAPLANE_FAULTS=1.
import { ambient } from '../platform/ambient.ts';
import { Problem } from '../platform/problem.ts';

export interface FaultSettings {
  slow_ms: number;
  error_rate: number;
  stuck: boolean;
  refuse_drain: boolean;
  lie_ready: 'ready' | 'not-ready' | null;
  hang: boolean;
  in_flight: number;
  /** How far the clock that it reports is ahead. */
  clock_ms: number;
}
const NONE: FaultSettings = {
  slow_ms: 0,
  error_rate: 0,
  stuck: false,
  refuse_drain: false,
  lie_ready: null,
  hang: false,
  in_flight: 0,
  clock_ms: 0,
};
const VALID: { [K in keyof FaultSettings]: (v: unknown) => boolean } = {
  slow_ms: (v) => typeof v === 'number' && v >= 0 && v <= 60_000,
  error_rate: (v) => typeof v === 'number' && v >= 0 && v <= 1,
  stuck: (v) => typeof v === 'boolean',
  refuse_drain: (v) => typeof v === 'boolean',
  lie_ready: (v) => v === null || v === 'ready' || v === 'not-ready',
  hang: (v) => typeof v === 'boolean',
  in_flight: (v) => Number.isSafeInteger(v) && (v as number) >= 0,
  clock_ms: (v) => Number.isSafeInteger(v) && Math.abs(v as number) <= 3_155_760_000_000,
};

export class InjectedFault extends Error {}

export class Faults {
  settings: FaultSettings = { ...NONE };
  private changed = Promise.withResolvers<void>();

  merge(patch: Record<string, unknown>): FaultSettings {
    for (const [name, value] of Object.entries(patch)) {
      if (!Object.hasOwn(VALID, name)) throw new Problem('request.invalid', `unknown fault "${name}"`);
      if (!VALID[name as keyof FaultSettings](value)) throw new Problem('request.invalid', `bad value for "${name}"`);
    }
    this.settings = { ...this.settings, ...patch };
    this.changed.resolve();
    this.changed = Promise.withResolvers();
    return this.settings;
  }

  /** Called once per unit of work (command, event, effect): hangs while stuck, then waits, then perhaps throws. */
  async strike(): Promise<void> {
    while (this.settings.stuck) await this.changed.promise;
    if (this.settings.slow_ms > 0) await ambient.sleep(this.settings.slow_ms);
    if (ambient.random() < this.settings.error_rate) throw new InjectedFault('injected fault: error_rate');
  }

  async hang(): Promise<void> {
    while (this.settings.hang) await this.changed.promise;
  }
}
