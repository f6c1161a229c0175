/** The last changes, whoever asked for them. */
import React from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Text, useStyles2 } from '@grafana/ui';
import { useRead } from '../../api/queries';
import { AppLink } from '../../address/AppLink';
import { paths } from '../../address/paths';
import { useKnownChanges } from '../../change/known-changes';
import { QueryBoundary } from '../../page-parts/QueryBoundary';
import { Section } from '../../page-parts/Section';
import { actorName } from '../../values/actor-name';
import { StatePill } from '../../values/StatePill';
import { Time } from '../../values/Time';
import { NoJobsYet } from '../../job/NoJobsYet';

const EVERY_MS = 5_000;
const SHOWN = 10;

export function RecentChanges() {
  const query = useRead('jobs.list', { query: { limit: SHOWN } }, { every: EVERY_MS });
  const { summaryTitle } = useKnownChanges();
  const styles = useStyles2(getStyles);
  return (
    <Section title="Last changes">
      <QueryBoundary query={query} isEmpty={({ items }) => items.length === 0} empty={<NoJobsYet small />}>
        {({ items }) => (
          <ul className={styles}>
            {items.map((job) => (
              <li key={job.job_id}>
                <Time at={job.created_at} />
                <StatePill state={job.state} reason={job.problem?.detail} />
                <div>
                  <AppLink to={paths.job(job.job_id)}>{summaryTitle(job)}</AppLink>
                  <Text element="p" color="secondary" variant="bodySmall" truncate>
                    {actorName(job.actor)}
                  </Text>
                </div>
              </li>
            ))}
          </ul>
        )}
      </QueryBoundary>
    </Section>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({
    listStyle: 'none',
    margin: 0,
    '& > li': {
      display: 'grid',
      gridTemplateColumns: '76px 104px minmax(0, 1fr)',
      gap: theme.spacing(1.5),
      alignItems: 'center',
      padding: theme.spacing(0.5, 0),
      borderBottom: `1px solid ${theme.colors.border.weak}`,
      color: theme.colors.text.primary,
    },
    '& > li > *': { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
  });
