/** One job: what was planned, what ran, what it proved, what was recorded. */
import React from 'react';
import { useParams } from 'react-router';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Stack, useStyles2 } from '@grafana/ui';
import { SECRET_SHOWN, type Job } from '@cloudlysis/contract';
import { useRead } from '../../api/queries';
import { AppLink } from '../../address/AppLink';
import { Page } from '../../frame/Page';
import { paths } from '../../address/paths';
import { useCarry } from '../../address/carried-params';
import { PlanView } from '../../plan/PlanView';
import { useKnownChanges } from '../../change/known-changes';
import { JobView } from '../../job/JobView';
import { Facts } from '../../page-parts/Facts';
import { Section } from '../../page-parts/Section';
import { Time } from '../../values/Time';

export function JobPage() {
  const { jobId = '' } = useParams();
  const { data: job } = useRead('jobs.get', { params: { job_id: jobId } });
  const { jobTitle } = useKnownChanges();
  const carried = useCarry();
  const styles = useStyles2(getStyles);
  const name = job === undefined ? jobId : jobTitle(job);
  return (
    <Page reads="jobs.list" nav={{ text: name, url: carried(paths.job(jobId)) }}>
      <div className={styles.columns}>
        <Section title="Run">
          <JobView jobId={jobId} />
        </Section>
        {job && (
          <Stack direction="column" gap={3}>
            <Section title="Plan that was applied">
              <PlanView plan={job.plan} />
            </Section>
            <Trace job={job} />
          </Stack>
        )}
      </div>
    </Page>
  );
}

function Trace({ job }: { job: Job }) {
  const jobLink = (id: string | null) => (id === null ? '–' : <AppLink to={paths.job(id)}>{id}</AppLink>);
  return (
    <Facts
      groups={[
        {
          title: 'Trace',
          facts: [
            ['Job', job.job_id],
            ['Lane', job.lane],
            ...job.secrets.map((name): [string, string] => [`Secret ${name}`, SECRET_SHOWN]),
            ['Version of its definition', job.version],
            ['Fencing token', job.fence],
            ['Held by', job.owner ?? '–'],
            ['Request', job.request_id],
            ['Trace', job.trace_id ?? '–'],
            [
              'Audit record',
              <AppLink key="audit" to={paths.audit({ record: job.audit_record_id, job_id: job.job_id })}>
                {job.audit_record_id}
              </AppLink>,
            ],
            ['Started by', jobLink(job.parent_job_id)],
            ['Repeats', jobLink(job.retry_of)],
            ['Asked', <Time key="asked" at={job.created_at} />],
            ['Ended', <Time key="ended" at={job.ended_at} />],
          ],
        },
      ]}
    />
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  columns: css({
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(420px, 1fr))',
    gap: theme.spacing(4),
    alignItems: 'start',
  }),
});
