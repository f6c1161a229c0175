/** What the changes of placement are called. */
import type { WordsByChange } from '../../change/change-words';

export const placementChanges = {
  'scale.migrate': {
    verb: 'Migrate',
    title: ({ tenant_id, kind, to }) =>
      `Migrate ${String(tenant_id ?? 'tenant')}${kind ? ` · ${String(kind)}` : ''}${to ? ` → ${String(to)}` : ''}`,
  },
  'scale.evacuate': { verb: 'Evacuate', title: ({ shard_id }) => `Evacuate ${String(shard_id)}` },
  'scale.drain': {
    verb: ({ action }) => (action === 'resume' ? 'Resume' : 'Drain'),
    title: ({ action, shard_id, tenant_id }) =>
      [
        action === 'resume' ? 'Resume' : 'Drain',
        [tenant_id, shard_id].filter(Boolean).map(String).join(' on ') || 'shard',
      ].join(' '),
  },
  'scale.drift.repair': { verb: 'Repair drift', title: () => 'Repair drift' },
  'scale.shards.put': {
    verb: 'Edit shard',
    title: ({ shard_id }) => (shard_id ? `Shard ${String(shard_id)}` : 'Register shard'),
  },
} satisfies WordsByChange;
