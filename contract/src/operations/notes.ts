/** `/notes`: what those on call leave each other about a tenant; one note for each. */
import { resource } from './resource.ts';
import { nameOf } from '../text.ts';
import { TenantId, Timestamp } from '../wire.ts';

export const notes = resource('notes', {
  path: '/notes',
  one: 'note',
  many: 'notes',
  id: 'Note',
  key: { tenant_id: TenantId },
  value: {
    text: nameOf(500).describe('What whoever comes next has to know: one line, at most 500 characters'),
    until: Timestamp.optional().describe('When it no longer matters; for as long as it is there unless told'),
  },
  scope: 'tenant',
  permission: { view: 'tenants.view', change: 'tenants.update' },
  risk: { put: 'low', remove: 'low' },
});
