/** What those on call left each other about a tenant, on its page. */
import React from 'react';
import { Stack, Text } from '@grafana/ui';
import { useRead } from '../api/queries';
import { AbleButton } from '../change/AbleButton';
import { QueryBoundary } from '../page-parts/QueryBoundary';
import { Section } from '../page-parts/Section';
import { putInput } from '../records/record-changes';
import { actorName } from '../values/actor-name';
import { Time } from '../values/Time';

const EVERY_MS = 5_000;

export function TenantNote({ tenantId }: { tenantId: string }) {
  const query = useRead('notes.list', { query: { tenant_id: tenantId, limit: 1 } }, { every: EVERY_MS });
  const change = { tenantId, size: 'sm', fill: 'outline' } as const;
  return (
    <Section title="Note">
      <QueryBoundary query={query} loading={<Text color="secondary">…</Text>}>
        {({ items: [note] }) => (
          <Stack gap={2} alignItems="center" wrap="wrap">
            {note ? (
              <>
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
                <AbleButton {...change} change="notes.put" input={putInput(note)}>
                  Edit note
                </AbleButton>
                <AbleButton
                  {...change}
                  change="notes.remove"
                  input={{ tenant_id: tenantId, expected_version: note.version }}
                >
                  Remove note
                </AbleButton>
              </>
            ) : (
              <AbleButton {...change} change="notes.put" input={{ tenant_id: tenantId }}>
                Leave a note
              </AbleButton>
            )}
          </Stack>
        )}
      </QueryBoundary>
    </Section>
  );
}
