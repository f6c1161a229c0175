/** What the changes of notes are asked with. */
import { notes } from '@cloudlysis/contract';
import { recordForms } from '../../records/record-forms';

export const noteForms = recordForms(notes, {
  tenant_id: { label: 'Tenant', placeholder: 'acme' },
  text: { label: 'Note', description: 'What whoever comes next has to know' },
  until: { label: 'Until', description: 'When it no longer matters; it stays until it is removed' },
});
