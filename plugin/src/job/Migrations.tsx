/** Moves that run now, and the last ones, of one tenant or of all. */
import React from 'react';
import { useRead } from '../api/queries';
import { AppLink } from '../address/AppLink';
import { paths } from '../address/paths';
import { useKnownChanges } from '../change/known-changes';
import { Section } from '../page-parts/Section';
import { actorName } from '../values/actor-name';
import { PlainTable } from '../table/PlainTable';
import type { Column } from '../table/columns';
import { StatePill } from '../values/StatePill';
import { Time } from '../values/Time';
import type { RowOf } from '../list/use-list';

type Row = RowOf<'jobs.list'>;

const EVERY_MS = 2_000;
const SHOWN = 10;
const MOVES = ['scale.migrate', 'scale.evacuate'] as const;

/** Pure: `3 of 6 steps`. */
const progress = ({ steps }: Row): string => `${steps.done} of ${steps.total} steps`;

function MoveLink({ job }: { job: Row }) {
  const { summaryTitle } = useKnownChanges();
  return <AppLink to={paths.job(job.job_id)}>{summaryTitle(job)}</AppLink>;
}

const columns: Array<Column<Row>> = [
  { id: 'move', header: 'Move', cell: (job) => <MoveLink job={job} /> },
  {
    id: 'state',
    header: 'State',
    width: '150px',
    cell: (job) => <StatePill state={job.state} reason={job.problem?.detail} />,
  },
  { id: 'progress', header: 'Progress', width: '130px', cell: progress },
  { id: 'actor', header: 'Asked by', width: '200px', cell: ({ actor }) => actorName(actor) },
  { id: 'asked', header: 'Asked', width: '110px', cell: ({ created_at }) => <Time at={created_at} /> },
];

/** The last moves of a tenant, those that run among them; nothing while there was none. */
export function MigrationsOf({ tenantId }: { tenantId: string }) {
  const { data } = useRead(
    'jobs.list',
    { query: { kind: 'scale.migrate', tenant_id: tenantId, limit: SHOWN } },
    { every: EVERY_MS }
  );
  return <Moves title="Moves" rows={data?.items ?? []} />;
}

/** Everything that moves now. */
export function RunningMigrations() {
  const queries = MOVES.map((kind) => ({ kind, open: 'true' as const, limit: SHOWN }));
  const migrations = useRead('jobs.list', { query: queries[0] }, { every: EVERY_MS });
  const evacuations = useRead('jobs.list', { query: queries[1] }, { every: EVERY_MS });
  return <Moves title="Moving now" rows={[...(evacuations.data?.items ?? []), ...(migrations.data?.items ?? [])]} />;
}

const Moves = ({ title, rows }: { title: string; rows: readonly Row[] }) =>
  rows.length === 0 ? null : (
    <Section title={title}>
      <PlainTable label={title} columns={columns} rows={rows} rowId={({ job_id }) => job_id} />
    </Section>
  );
