/** Notes: what those on call left each other, of every tenant that has one. */
import React from 'react';
import { EmptyState } from '@grafana/ui';
import { AppLink } from '../../address/AppLink';
import { paths } from '../../address/paths';
import { AbleButton } from '../../change/AbleButton';
import { Page } from '../../frame/Page';
import type { ListSpec } from '../../list/list-spec';
import { ServerTable } from '../../list/ServerTable';
import { recordActions } from '../../records/record-changes';
import { actorName } from '../../values/actor-name';
import { Time } from '../../values/Time';

const noteList: ListSpec<'notes.list'> = {
  read: 'notes.list',
  noun: 'notes',
  rowId: ({ tenant_id }) => tenant_id,
  tenantOf: ({ tenant_id }) => tenant_id,
  columns: [
    {
      id: 'tenant',
      header: 'Tenant',
      width: '150px',
      cell: ({ tenant_id }) => <AppLink to={paths.tenant(tenant_id)}>{tenant_id}</AppLink>,
    },
    { id: 'text', header: 'Note', cell: ({ text }) => text },
    { id: 'until', header: 'Until', width: '110px', cell: ({ until }) => <Time at={until ?? null} /> },
    { id: 'by', header: 'By', width: '180px', cell: ({ changed }) => actorName(changed.by) },
    { id: 'at', header: 'Written', width: '110px', cell: ({ changed }) => <Time at={changed.at} /> },
  ],
  filters: [{ name: 'tenant_id', label: 'Tenant' }],
  rowActions: recordActions('notes', ({ tenant_id }) => ({ tenant_id })),
};

export const NotesPage = () => (
  <Page reads="notes.list" actions={<AbleButton change="notes.put">New note</AbleButton>}>
    <ServerTable
      list={noteList}
      empty={
        <EmptyState variant="call-to-action" message="No notes yet">
          A note says on the page of its tenant what whoever comes next has to know.
        </EmptyState>
      }
    />
  </Page>
);
