/** How the control plane itself is set up: the test of every connection that a feature has. */
import type { Ambient } from '../kernel/ambient.ts';
import type { ReadHandlers } from '../call/call.ts';
import type { Contribution } from '../feature/feature.ts';
import type { Probe, Probes } from '../feature/probe.ts';
import { testConnections } from './connections.ts';

export interface SettingsDeps {
  readonly ambient: Ambient;
  /** Tested at once, and told of in this order. */
  readonly probes: readonly Contribution<Probes>[];
}

export function createSettings({ ambient, probes }: SettingsDeps): {
  readonly name: string;
  readonly reads: ReadHandlers<'settings.connections'>;
} {
  return {
    name: 'settings',
    reads: {
      'settings.connections': async ({ signal }) => {
        const all = await Promise.all(probes.map(probesOf));
        return { items: await testConnections(all.flat(), ambient, signal) };
      },
    },
  };
}

/** A feature that cannot say what it is connected to has a connection that failed. */
async function probesOf({ name, value }: Contribution<Probes>): Promise<readonly Probe[]> {
  try {
    return await value();
  } catch (error) {
    return [{ id: name, title: name, target: '', run: () => Promise.reject(error as Error) }];
  }
}
