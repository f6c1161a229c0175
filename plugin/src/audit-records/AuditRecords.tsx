/** Audit records as a list, and one of them in full: who did what, when, why, from where. */
import React from 'react';
import { OUTCOMES, type AuditRecord } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Drawer, EmptyState, Tooltip, useStyles2 } from '@grafana/ui';
import { useRead } from '../api/queries';
import { AppLink } from '../address/AppLink';
import { paths } from '../address/paths';
import { useSearch } from '../address/search-params';
import { Facts } from '../page-parts/Facts';
import { QueryBoundary } from '../page-parts/QueryBoundary';
import { actorName } from '../values/actor-name';
import { optionsOf } from '../values/options';
import { count } from '../values/figures';
import { ServerTable } from '../list/ServerTable';
import type { ListSpec } from '../list/list-spec';
import { StatePill } from '../values/StatePill';
import { Time } from '../values/Time';
import type { ListQuery } from '../list/use-list';
import { recordTimes } from './record-times';

function RecordLink({ record }: { record: AuditRecord }) {
  const [, setSearch] = useSearch();
  const styles = useStyles2(getStyles);
  return (
    <button className={styles.link} onClick={() => setSearch({ record: record.record_id }, 'push')}>
      {record.code}
    </button>
  );
}

/** `× 231` where a record stands for so many of the same. */
function RecordCell({ record }: { record: AuditRecord }) {
  const { count: times, first_at, last_at } = record;
  if (times === undefined) {
    return <RecordLink record={record} />;
  }
  const span = `${count(times)} of the same, from ${first_at} to ${last_at}`;
  return (
    <>
      <RecordLink record={record} />{' '}
      <Tooltip content={span}>
        <span tabIndex={0} aria-label={span}>
          × {count(times)}
        </span>
      </Tooltip>
    </>
  );
}

const auditList: ListSpec<'audit.records.list'> = {
  read: 'audit.records.list',
  noun: 'records',
  rowId: ({ record_id }) => record_id,
  columns: [
    { id: 'seq', header: '#', width: '64px', align: 'right', sort: 'seq', cell: ({ seq }) => count(seq) },
    { id: 'at', header: 'When', width: '92px', cell: ({ at }) => <Time at={at} /> },
    { id: 'code', header: 'Event', width: '146px', cell: (record) => <RecordCell record={record} /> },
    { id: 'action', header: 'Action', width: '130px', cell: ({ action }) => action },
    {
      id: 'outcome',
      header: 'Outcome',
      width: '104px',
      cell: ({ outcome, problem }) => <StatePill state={outcome} reason={problem} />,
    },
    { id: 'actor', header: 'Who', width: '128px', cell: ({ actor }) => actorName(actor) },
    { id: 'resource', header: 'On', width: '120px', cell: ({ resource }) => resource.replace(/^tenant:/, '') },
    { id: 'reason', header: 'Why', cell: ({ reason }) => reason ?? '–' },
  ],
  filters: [
    { name: 'outcome', label: 'Outcome', options: optionsOf(OUTCOMES) },
    { name: 'actor', label: 'Who' },
    { name: 'action', label: 'Action' },
    { name: 'tenant_id', label: 'Tenant' },
    { name: 'resource', label: 'Resource' },
    { name: 'request_id', label: 'Request' },
    { name: 'job_id', label: 'Job', linked: true },
  ],
};

export function AuditRecords({ fixed, toolbar }: { fixed?: ListQuery; toolbar?: React.ReactNode }) {
  const [params, setSearch] = useSearch();
  const record = params.get('record');
  return (
    <>
      <ServerTable
        list={auditList}
        fixed={{ ...fixed, ...recordTimes(params) }}
        toolbar={toolbar}
        empty={
          <EmptyState variant="call-to-action" message="Nothing is recorded yet">
            Changes, refusals, sign-ins and exports appear here as they happen.
          </EmptyState>
        }
      />
      {record && <RecordDrawer recordId={record} onClose={() => setSearch({ record: null })} />}
    </>
  );
}

function RecordDrawer({ recordId, onClose }: { recordId: string; onClose: () => void }) {
  const query = useRead('audit.records.get', { params: { record_id: recordId } });
  return (
    <Drawer
      title={query.data ? `#${count(query.data.seq)} ${query.data.code}` : 'Audit record'}
      onClose={onClose}
      size="md"
    >
      <QueryBoundary query={query}>{(record) => <RecordView record={record} />}</QueryBoundary>
    </Drawer>
  );
}

function RecordView({ record }: { record: AuditRecord }) {
  const styles = useStyles2(getStyles);
  return (
    <>
      <Facts
        groups={[
          {
            title: 'What happened',
            facts: [
              ['Action', record.action],
              ['Outcome', <StatePill key="o" state={record.outcome} reason={record.problem} spelledOut />],
              ['On', record.resource],
              ['Why', record.reason ?? '–'],
              ['When', record.at],
              ...counted(record),
              [
                'Job',
                record.job_id === null ? (
                  '–'
                ) : (
                  <AppLink key="j" to={paths.job(record.job_id)} inline>
                    {record.job_id}
                  </AppLink>
                ),
              ],
            ],
          },
          {
            title: 'Who and from where',
            facts: [
              ['Who', record.actor],
              ['For', record.on_behalf_of ?? '–'],
              ['Address', record.ip ?? '–'],
              ['Agent', record.agent ?? '–'],
              ['Request', record.request_id ?? '–'],
              ['Trace', record.trace_id ?? '–'],
              ['Environment', record.environment],
            ],
          },
        ]}
      />
      <h4 className={styles.title}>Before and after</h4>
      <div className={styles.images}>
        <pre>{pretty(record.before)}</pre>
        <pre>{pretty(record.after)}</pre>
      </div>
      <h4 className={styles.title}>Hash</h4>
      <code>{record.hash}</code>
    </>
  );
}

const counted = ({ count: times, first_at, last_at }: AuditRecord): Array<[string, string]> =>
  times === undefined ? [] : [['Times', count(times)], ['First', first_at ?? '–'], ['Last', last_at ?? '–']]; // prettier-ignore

const pretty = (image: unknown): string =>
  image === null || image === undefined ? 'nothing' : JSON.stringify(image, null, 2);

const getStyles = (theme: GrafanaTheme2) => ({
  link: css({
    border: 'none',
    background: 'none',
    padding: 0,
    font: 'inherit',
    color: theme.colors.text.link,
    '&:hover': { textDecoration: 'underline' },
  }),
  title: css({ ...theme.typography.h5, margin: theme.spacing(2, 0, 1) }),
  images: css({
    display: 'grid',
    gridTemplateColumns: '1fr 1fr',
    gap: theme.spacing(1),
    '& > pre': { margin: 0, maxHeight: 360, overflow: 'auto', fontSize: theme.typography.bodySmall.fontSize },
  }),
});
