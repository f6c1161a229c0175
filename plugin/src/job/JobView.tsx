/** A job as it runs and as it ended: steps, proof, records, and the way back. The same in the drawer and on its page. */
import React from 'react';
import { isFinal, type Job } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Stack, useStyles2 } from '@grafana/ui';
import { useJob } from '../api/follow-job';
import { AppLink } from '../address/AppLink';
import { paths } from '../address/paths';
import { FaultView } from '../page-parts/FaultView';
import { QueryBoundary } from '../page-parts/QueryBoundary';
import { actorName } from '../values/actor-name';
import { StatePill } from '../values/StatePill';
import { Time } from '../values/Time';
import { CancelJob } from './CancelJob';
import { ChildJobs } from './ChildJobs';
import { ProofView } from './ProofView';
import { Timeline } from './Timeline';
import { NextSteps } from './NextSteps';
import { WaitingLine } from './WaitingLine';

export function JobView({ jobId }: { jobId: string }) {
  const { query, live } = useJob(jobId);
  return (
    <QueryBoundary query={query}>
      {(job) => (
        <Stack direction="column" gap={2}>
          <JobHead job={job} live={live} />
          {query.isError && <FaultView error={query.error} onRetry={() => query.refetch()} />}
          {job.waiting && <WaitingLine job={job} waiting={job.waiting} />}
          {job.problem && (
            <Alert severity={job.state === 'failed' ? 'error' : 'warning'} title={job.problem.title}>
              {job.problem.detail}
            </Alert>
          )}
          <Timeline job={job} />
          <ChildJobs job={job} />
          {job.proof && <ProofView proof={job.proof} />}
          <NextSteps job={job} />
          {!isFinal(job) && <CancelJob job={job} />}
        </Stack>
      )}
    </QueryBoundary>
  );
}

function JobHead({ job, live }: { job: Job; live: boolean }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.head}>
      <span role="status" aria-label="State of the job">
        <StatePill state={job.state} reason={job.problem?.detail} />
      </span>
      <span className={styles.quiet}>
        {actorName(job.actor)} · <Time at={job.created_at} />
        {!isFinal(job) && (live ? ' · live' : ' · asking every second')}
      </span>
      <AppLink to={paths.job(job.job_id)}>{job.job_id.slice(0, 12)}</AppLink>
      {job.reason && <span className={styles.reason}>“{job.reason}”</span>}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  head: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    columnGap: theme.spacing(2),
    rowGap: theme.spacing(0.5),
  }),
  quiet: css({ color: theme.colors.text.secondary }),
  reason: css({ flexBasis: '100%', overflowWrap: 'anywhere' }),
});
