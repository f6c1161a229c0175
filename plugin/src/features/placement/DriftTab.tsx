/** Drift: where MongoDB, the published copy, what the nodes say and what the gateways route do not agree. */
import React from 'react';
import type { Drift, Unreadable } from '@cloudlysis/contract';
import { EmptyState, Stack, Text } from '@grafana/ui';
import { useRead } from '../../api/queries';
import { AbleButton } from '../../change/AbleButton';
import { QueryBoundary } from '../../page-parts/QueryBoundary';
import type { Column } from '../../table/columns';
import { count } from '../../values/figures';
import { PlainTable } from '../../table/PlainTable';
import { UnreadableRows } from '../../table/UnreadableRows';

const EVERY_MS = 10_000;

const columns: Array<Column<Drift>> = [
  { id: 'tenant', header: 'Tenant', width: '150px', cell: ({ tenant_id }) => tenant_id },
  { id: 'kind', header: 'Service', width: '110px', cell: ({ kind }) => kind },
  { id: 'recorded', header: 'Recorded', width: '100px', cell: ({ recorded }) => recorded ?? '–' },
  { id: 'published', header: 'Published', width: '100px', cell: ({ published }) => published ?? '–' },
  { id: 'reported', header: 'Reported', width: '120px', cell: ({ reported }) => reported.join(', ') || '–' },
  { id: 'misrouted', header: 'Misrouted by', width: '120px', cell: ({ misrouted }) => misrouted.join(', ') || '–' },
  { id: 'reason', header: 'Why this is drift', cell: ({ reason }) => reason },
  { id: 'repairable', header: 'Repairable', width: '90px', cell: ({ repairable }) => (repairable ? 'yes' : 'no') },
];

export function DriftTab() {
  const query = useRead('scale.drift.get', {}, { every: EVERY_MS });
  return (
    <QueryBoundary query={query}>
      {({ items, checked, unreachable, unreadable }) => (
        <Stack direction="column" gap={2}>
          <Stack gap={2} alignItems="center" justifyContent="space-between">
            <Text color="secondary">{summary(items.length, checked, unreachable)}</Text>
            <AbleButton
              change="scale.drift.repair"
              variant="primary"
              pointless={items.length === 0 ? 'There is nothing to repair' : undefined}
            >
              Repair drift
            </AbleButton>
          </Stack>
          <UnreadableRows rows={unreadable} />
          {items.length === 0 ? (
            <EmptyState variant="completed" message={agreed(unreadable)} />
          ) : (
            <PlainTable
              label="Drift"
              columns={columns}
              rows={items}
              rowId={({ tenant_id, kind }) => `${tenant_id} ${kind}`}
            />
          )}
        </Stack>
      )}
    </QueryBoundary>
  );
}

/** Pure: of what cannot be read nobody knows whether it agrees. */
const agreed = (unreadable: readonly Unreadable[] = []): string =>
  unreadable.length > 0
    ? 'Whatever can be read agrees: record, published copy, nodes and gateways'
    : 'Record, published copy, nodes and gateways agree';

/** Pure. */
const summary = (found: number, checked: number, unreachable: readonly string[]): string =>
  `${count(found)} of ${count(checked)} placements drift` +
  (unreachable.length > 0 ? ` · not asked, because they do not answer: ${unreachable.join(', ')}` : '');
