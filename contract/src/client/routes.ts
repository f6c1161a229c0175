// Written by `npm run openapi` from the catalogue. Without zod: every page has it.
import type { MutationId, ReadId } from '../catalogue.ts';
import type { Method } from '../operation.ts';

export const API_PREFIX = '/admin/v1';

/** Where every read is; each is a GET. */
export const READ_ROUTES = {
  'identity.me': '/me',
  'overview.get': '/overview',
  'tenants.list': '/tenants',
  'tenants.get': '/tenants/:tenant_id',
  'tenants.health': '/tenants/:tenant_id/health',
  'notes.list': '/notes',
  'notes.get': '/notes/:tenant_id',
  'scale.shards.list': '/scale/shards',
  'scale.placements.list': '/scale/placements',
  'scale.drift.get': '/scale/drift',
  'scale.drains.list': '/scale/drains',
  'jobs.list': '/jobs',
  'jobs.get': '/jobs/:job_id',
  'jobs.events': '/jobs/:job_id/events',
  'audit.records.list': '/audit/records',
  'audit.records.get': '/audit/records/:record_id',
  'audit.verify': '/audit/verify',
  'audit.export': '/audit/export',
  'settings.connections': '/settings/connections',
} as const satisfies Record<ReadId, string>;

/** How every change is asked for; its preflight is a POST to the same path and `/preflight`. */
export const CHANGE_ROUTES = {
  'tenants.create': 'POST /tenants',
  'tenants.update': 'PATCH /tenants/:tenant_id',
  'tenants.pause': 'POST /tenants/:tenant_id/pause',
  'tenants.resume': 'POST /tenants/:tenant_id/resume',
  'tenants.archive': 'POST /tenants/:tenant_id/archive',
  'tenants.restore': 'POST /tenants/:tenant_id/restore',
  'tenants.bulk_pause': 'POST /bulk/tenants/pause',
  'tenants.bulk_resume': 'POST /bulk/tenants/resume',
  'tenants.bulk_archive': 'POST /bulk/tenants/archive',
  'notes.put': 'PUT /notes/:tenant_id',
  'notes.remove': 'POST /notes/:tenant_id/remove',
  'scale.shards.put': 'PUT /scale/shards/:shard_id',
  'scale.drift.repair': 'POST /scale/drift/repair',
  'scale.migrate': 'POST /scale/migrations',
  'scale.evacuate': 'POST /scale/evacuations',
  'scale.drain': 'POST /scale/drains',
  'jobs.cancel': 'POST /jobs/:job_id/cancel',
  'jobs.retry': 'POST /jobs/:job_id/retry',
  'jobs.signal': 'POST /jobs/:job_id/signals/:signal',
} as const satisfies Record<MutationId, `${Method} /${string}`>;

/** Where the secrets of a change stand, of those that have any. */
export const SECRET_PLACES = {
  'jobs.retry': ['secrets/*'],
} as const satisfies Partial<Record<MutationId, readonly string[]>>;
