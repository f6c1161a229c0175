/** The jobs that one job started, such as a migration per tenant of an evacuation. */
import React, { useEffect, useMemo, useRef } from 'react';
import { isFinal, type Job } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { useQueryClient } from '@tanstack/react-query';
import { readKey, useRead } from '../api/queries';
import { AppLink } from '../address/AppLink';
import { paths } from '../address/paths';
import { useKnownChanges } from '../change/known-changes';
import { Section } from '../page-parts/Section';
import { StatePill } from '../values/StatePill';
import { count } from '../values/figures';

const EVERY_MS = 1_000;
const SHOWN = 200;

export function ChildJobs({ job }: { job: Job }) {
  const ended = isFinal(job);
  const { job_id } = job;
  const asked = useMemo(() => ({ query: { parent_job_id: job_id, limit: SHOWN } }), [job_id]);
  // Children may end after the job that started them, and what was read before its end may not have them all.
  const { data } = useRead('jobs.list', asked, {
    every: (known) => (ended && known?.items.every(isFinal) ? false : EVERY_MS),
  });
  const client = useQueryClient();
  const endedBefore = useRef(ended);
  useEffect(() => {
    if (ended && !endedBefore.current) {
      void client.invalidateQueries({ queryKey: readKey('jobs.list', asked) });
    }
    endedBefore.current = ended;
  }, [client, ended, asked]);
  const { summaryTitle } = useKnownChanges();
  const styles = useStyles2(getStyles);
  if (data === undefined || data.items.length === 0) {
    return null;
  }
  const done = data.items.filter(isFinal).length;
  return (
    <Section title={`Jobs it started · ${count(done)} of ${count(data.items.length)} ended`}>
      <ul className={styles}>
        {data.items.map((child) => (
          <li key={child.job_id}>
            <StatePill state={child.state} reason={child.problem?.detail} />
            <AppLink to={paths.job(child.job_id)}>{summaryTitle(child)}</AppLink>
          </li>
        ))}
      </ul>
    </Section>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({
    listStyle: 'none',
    margin: 0,
    maxHeight: 240,
    overflow: 'auto',
    '& > li': {
      display: 'grid',
      gridTemplateColumns: '140px 1fr',
      gap: theme.spacing(1),
      padding: theme.spacing(0.25, 0),
    },
  });
