/** Notes: what those on call leave each other about tenants. */
import { PAGES } from '../../address/paths';
import type { Feature } from '../../feature';
import { recordWords } from '../../records/record-changes';

export const notes: Feature = {
  pages: [{ path: PAGES.notes, load: async () => (await import('./NotesPage')).NotesPage }],
  changes: recordWords('notes', 'note', ({ tenant_id }) => (tenant_id ? `on ${String(tenant_id)}` : '')),
  forms: async () => (await import('./notes.forms')).noteForms,
};
