/** Jobs: what did the control plane do, and can I trust it? */
import React from 'react';
import { isFinal, CHANGE_ROUTES, JOB_STATES } from '@cloudlysis/contract';
import { AppLink } from '../../address/AppLink';
import { Page } from '../../frame/Page';
import { paths } from '../../address/paths';
import { actorName } from '../../values/actor-name';
import { optionsOf } from '../../values/options';
import { duration } from '../../values/figures';
import { waitingWords } from '../../job/WaitingLine';
import { ServerTable } from '../../list/ServerTable';
import type { ListSpec } from '../../list/list-spec';
import { StatePill } from '../../values/StatePill';
import { Time } from '../../values/Time';
import type { RowOf } from '../../list/use-list';
import { NoJobsYet } from '../../job/NoJobsYet';

type Row = RowOf<'jobs.list'>;

const took = (job: Row): number | null =>
  job.started_at !== null && job.ended_at !== null ? Date.parse(job.ended_at) - Date.parse(job.started_at) : null;

const jobList: ListSpec<'jobs.list'> = {
  read: 'jobs.list',
  noun: 'jobs',
  rowId: (job) => job.job_id,
  tenantOf: (job) => job.tenant_id ?? undefined,
  columns: [
    {
      id: 'kind',
      header: 'Job',
      width: '150px',
      cell: (job) => <AppLink to={paths.job(job.job_id)}>{job.kind}</AppLink>,
    },
    {
      id: 'state',
      header: 'State',
      width: '120px',
      cell: (job) => <StatePill state={job.state} reason={waitingWords(job.waiting) ?? job.problem?.detail} />,
    },
    { id: 'tenant', header: 'Tenant', width: '110px', cell: (job) => job.tenant_id ?? '–' },
    { id: 'reason', header: 'Reason', cell: (job) => job.reason ?? '–' },
    { id: 'actor', header: 'Asked by', width: '150px', cell: (job) => actorName(job.actor) },
    { id: 'took', header: 'Took', width: '76px', align: 'right', cell: (job) => duration(took(job)) },
    { id: 'created', header: 'Asked', width: '92px', sort: 'created_at', cell: (job) => <Time at={job.created_at} /> },
  ],
  filters: [
    { name: 'state', label: 'State', options: optionsOf(JOB_STATES) },
    { name: 'kind', label: 'Kind', options: optionsOf(Object.keys(CHANGE_ROUTES)) },
    { name: 'tenant_id', label: 'Tenant' },
    { name: 'actor', label: 'Asked by' },
    { name: 'lane', label: 'Lane', linked: true },
    {
      name: 'open',
      label: 'Ended',
      options: [
        { value: 'true', label: 'not yet' },
        { value: 'false', label: 'yes' },
      ],
    },
  ],
  rowActions: [
    { label: 'Open', href: (job) => paths.job(job.job_id) },
    { label: 'Cancel …', change: 'jobs.cancel', input: ({ job_id }) => ({ job_id }), shown: (job) => !isFinal(job) },
    {
      label: 'Try again …',
      change: 'jobs.retry',
      input: ({ job_id }) => ({ job_id }),
      shown: (job) => isFinal(job) && job.state !== 'succeeded',
    },
    { label: 'Audit records', href: ({ job_id }) => paths.audit({ job_id }) },
  ],
};

export function JobsPage() {
  return (
    <Page reads="jobs.list">
      <ServerTable list={jobList} empty={<NoJobsYet />} />
    </Page>
  );
}
