/** The platform at a glance, of what every feature says of itself; nothing is stored. */
import type { ReadHandlers } from '../call/call.ts';
import { overviewOf, type OverviewDeps } from './overview.ts';

export function createOverview(deps: OverviewDeps): {
  readonly name: string;
  readonly reads: ReadHandlers<'overview.get'>;
} {
  return {
    name: 'overview',
    reads: {
      'overview.get': ({ visible, visibleIn }) =>
        overviewOf(deps, (environment) => (environment === null ? visible : visibleIn(environment))),
    },
  };
}
