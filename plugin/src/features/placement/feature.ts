/** Placement: which shard serves whom. */
import type { Drain, NodeHealth } from '@cloudlysis/contract';
import { PAGES, paths } from '../../address/paths';
import type { Feature } from '../../feature';
import type { Tone } from '../../values/status-tones';
import { placementChanges } from './placement.changes';

export const placement: Feature = {
  pages: [{ path: PAGES.placement, load: async () => (await import('./PlacementPage')).PlacementPage }],
  changes: placementChanges,
  forms: async () => (await import('./placement.forms')).placementForms,
  tones: {
    ready: 'good',
    'not-ready': 'warning',
    unreachable: 'bad',
    serving: 'good',
    draining: 'busy',
    drained: 'warning',
    paused: 'warning',
  } satisfies Record<NodeHealth['state'] | Drain['state'], Tone>,
  places: {
    shard: (shard_id) => ({ href: paths.placement('tenants', { shard_id }), input: { shard_id } }),
    drift: () => ({ href: paths.placement('drift') }),
  },
};
