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
        const asked = await Promise.all(
          probes.map(async (one) => (await probesOf(one)).map((probe) => ({ probe, environment: one.environment }))),
        );
        const all = asked.flat();
        const tested = await testConnections(all.map(({ probe }) => probe), ambient, signal); // prettier-ignore
        const hasSeveral = new Set(all.map(({ environment }) => environment).filter((id) => id !== null)).size > 1;
        return {
          items: tested.map((item, index) => {
            const { environment } = all[index]!;
            // Of two environments the same is tested: each is a connection by itself.
            const id = hasSeveral && environment !== null ? `${environment}/${item.id}` : item.id;
            return { ...item, id, environment };
          }),
        };
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
