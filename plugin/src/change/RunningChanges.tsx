/** Changes this tab asked for whose drawer is closed: a line each, and a toast when one ends. Closing never stops a job. */
import React, { useEffect, useRef } from 'react';
import { css } from '@emotion/css';
import { AppEvents, type GrafanaTheme2 } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { IconButton, LinkButton, useStyles2 } from '@grafana/ui';
import { isFinal, type Job } from '@cloudlysis/contract';
import { useLocation } from 'react-router';
import { useJob } from '../api/follow-job';
import { paths } from '../address/paths';
import { useCarry } from '../address/carried-params';
import { StatePill } from '../values/StatePill';
import { useChange, useFollowedChanges, type FollowedChange } from './open-changes';

export function RunningChanges() {
  const { all } = useFollowedChanges();
  const { current } = useChange();
  const { pathname } = useLocation();
  const closed = all.filter(({ jobId }) => jobId !== current?.jobId && !pathname.endsWith(jobId));
  const styles = useStyles2(getStyles);
  if (closed.length === 0) {
    return null;
  }
  return (
    <ul className={styles.list} aria-label="Changes you asked for">
      {closed.map((change) => (
        <RunningChange key={change.jobId} change={change} />
      ))}
    </ul>
  );
}

function RunningChange({ change }: { change: FollowedChange }) {
  const { query } = useJob(change.jobId);
  const { forget } = useFollowedChanges();
  const carried = useCarry();
  const styles = useStyles2(getStyles);
  const job = query.data;
  useToastAtEnd(change.title, job);
  return (
    <li className={styles.item}>
      <StatePill state={job?.state ?? 'queued'} reason={job?.problem?.detail} />
      <span className={styles.title}>{change.title}</span>
      <LinkButton size="sm" variant="secondary" fill="outline" href={carried(paths.job(change.jobId))}>
        Show
      </LinkButton>
      {job !== undefined && isFinal(job) && (
        <IconButton name="times" aria-label={`Dismiss ${change.title}`} onClick={() => forget(change.jobId)} />
      )}
    </li>
  );
}

/** Only for an end that was seen happening: a job that had ended before says nothing. */
function useToastAtEnd(title: string, job: Job | undefined): void {
  const wasRunning = useRef(false);
  useEffect(() => {
    if (job === undefined) {
      return;
    }
    if (!isFinal(job)) {
      wasRunning.current = true;
    } else if (wasRunning.current) {
      wasRunning.current = false;
      const type = job.state === 'succeeded' ? AppEvents.alertSuccess : AppEvents.alertWarning;
      getAppEvents().publish({ type: type.name, payload: [title, job.problem?.detail ?? job.state] });
    }
  }, [job, title]);
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: theme.spacing(0, 0, 1), padding: 0 }),
  item: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(0.5, 1.5),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.secondary,
    '& + &': { marginTop: theme.spacing(0.5) },
  }),
  title: css({ flex: 1 }),
});
