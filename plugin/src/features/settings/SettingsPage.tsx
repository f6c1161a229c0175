/** Settings: is the control plane itself set up well, and as whom does it know me? */
import React from 'react';
import type { Connection } from '@cloudlysis/contract';
import { Button, LinkButton, Stack } from '@grafana/ui';
import { useMe } from '../../api/abilities';
import { useRead } from '../../api/queries';
import { Page } from '../../frame/Page';
import { paths } from '../../address/paths';
import { Facts } from '../../page-parts/Facts';
import { QueryBoundary } from '../../page-parts/QueryBoundary';
import type { Column } from '../../table/columns';
import { duration } from '../../values/figures';
import { PlainTable } from '../../table/PlainTable';
import { StatePill } from '../../values/StatePill';
import { scopeWords } from '../../values/scope-words';
import { Time } from '../../values/Time';

const columns: Array<Column<Connection>> = [
  { id: 'title', header: 'Connection', width: '180px', cell: ({ title }) => title },
  {
    id: 'state',
    header: 'State',
    width: '110px',
    cell: ({ state, detail }) => <StatePill state={state} reason={detail} />,
  },
  { id: 'detail', header: 'What was found', cell: ({ detail }) => detail },
  { id: 'target', header: 'Where', width: '220px', cell: ({ target }) => target || '–' },
  { id: 'latency', header: 'Took', width: '70px', align: 'right', cell: ({ latency_ms }) => duration(latency_ms) },
  { id: 'checked', header: 'Tested', width: '80px', cell: ({ checked_at }) => <Time at={checked_at} /> },
];

export function SettingsPage() {
  const query = useRead('settings.connections');
  const actions = (
    <Stack gap={1}>
      <LinkButton variant="secondary" href={paths.configuration()}>
        Configuration
      </LinkButton>
      <Button icon="sync" onClick={() => query.refetch()} disabled={query.isFetching}>
        {query.isFetching ? 'Testing …' : 'Test again'}
      </Button>
    </Stack>
  );
  return (
    <Page reads="settings.connections" actions={actions}>
      <Stack direction="column" gap={3}>
        <QueryBoundary query={query}>
          {({ items }) => <PlainTable label="Connections" columns={columns} rows={items} rowId={({ id }) => id} />}
        </QueryBoundary>
        {/* Below a table whose length only the service knows: it comes with it, or it would be pushed down. */}
        {(query.isSuccess || query.isError) && <WhoAmI />}
      </Stack>
    </Page>
  );
}

function WhoAmI() {
  const query = useMe();
  return (
    <QueryBoundary query={query}>
      {({ principal, assignments, environment, version, git_sha, mode }) => (
        <Facts
          groups={[
            {
              title: 'You',
              facts: [
                ['Known as', principal.id],
                ['Vouched for by', principal.via],
                [
                  'Roles',
                  assignments.length === 0
                    ? 'none'
                    : assignments.map(({ role, scope }) => `${role} · ${scopeWords(scope)}`).join(', '),
                ],
              ],
            },
            {
              title: 'Control plane',
              facts: [
                ['Environment', environment],
                ['Version', [version, git_sha].filter(Boolean).join(' · ')],
                ['Mode', mode],
              ],
            },
          ]}
        />
      )}
    </QueryBoundary>
  );
}
