/** What those on call left each other about a tenant, on its page. */
import React from 'react';
import type { ReadAnswer } from '@cloudlysis/contract';
import { Stack, Text } from '@grafana/ui';
import { AbleButton } from '../../change/AbleButton';
import { QueryBoundary } from '../../page-parts/QueryBoundary';
import { Section } from '../../page-parts/Section';
import { putInput } from '../../records/record-changes';
import { useRecord } from '../../records/use-record';
import { UnreadableRows } from '../../table/UnreadableRows';
import { actorName } from '../../values/actor-name';
import { Time } from '../../values/Time';

const EVERY_MS = 5_000;

export function TenantNote({ tenantId }: { tenantId: string }) {
  const query = useRecord('notes.get', { tenant_id: tenantId }, EVERY_MS);
  return (
    <Section title="Note">
      <QueryBoundary query={query} loading={<Text color="secondary">…</Text>}>
        {({ record, unreadable }) =>
          unreadable ? <UnreadableRows rows={unreadable} /> : <Note note={record} tenantId={tenantId} />
        }
      </QueryBoundary>
    </Section>
  );
}

function Note({ note, tenantId }: { note: ReadAnswer<'notes.get'> | null; tenantId: string }) {
  const change = { tenantId, size: 'sm', fill: 'outline' } as const;
  if (note === null) {
    return (
      <AbleButton {...change} change="notes.put" input={{ tenant_id: tenantId }}>
        Leave a note
      </AbleButton>
    );
  }
  const { history: _history, ...shown } = note;
  return (
    <Stack gap={2} alignItems="center" wrap="wrap">
      <Text>{note.text}</Text>
      <Text color="secondary">
        {actorName(note.changed.by)}, <Time at={note.changed.at} />
        {note.until !== undefined && (
          <>
            {' '}
            · until <Time at={note.until} />
          </>
        )}
      </Text>
      <AbleButton {...change} change="notes.put" input={putInput(shown)}>
        Edit note
      </AbleButton>
      <AbleButton {...change} change="notes.remove" input={{ tenant_id: tenantId, expected_version: note.version }}>
        Remove note
      </AbleButton>
    </Stack>
  );
}
