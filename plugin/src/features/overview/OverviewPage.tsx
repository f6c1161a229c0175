/** Overview: is the platform all right, and what needs me? */
import React from 'react';
import type { Overview } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import Skeleton from 'react-loading-skeleton';
import { useRead } from '../../api/queries';
import { AppLink } from '../../address/AppLink';
import { Page } from '../../frame/Page';
import { paths } from '../../address/paths';
import { QueryBoundary } from '../../page-parts/QueryBoundary';
import { count } from '../../values/figures';
import { NeedsYou } from './NeedsYou';
import { RecentChanges } from './RecentChanges';
import { ServiceTile } from './ServiceTile';

const EVERY_MS = 10_000;

export function OverviewPage() {
  const query = useRead('overview.get', {}, { every: EVERY_MS });
  const styles = useStyles2(getStyles);
  return (
    <Page reads="overview.get">
      <QueryBoundary query={query} loading={<Skeleton height={112} count={3} />}>
        {(overview) => (
          <>
            <div className={styles.tiles}>
              {overview.services.map((service) => (
                <ServiceTile key={service.kind} service={service} />
              ))}
            </div>
            <Counters overview={overview} />
            <div className={styles.columns}>
              <NeedsYou attention={overview.attention} />
              <RecentChanges />
            </div>
          </>
        )}
      </QueryBoundary>
    </Page>
  );
}

/** Every number is the way to its list. */
function Counters({ overview: { tenants, jobs } }: { overview: Overview }) {
  const styles = useStyles2(getStyles);
  const links: Array<[string, string, string]> = [
    [count(tenants.total), 'tenants', paths.tenants()],
    ...Object.entries(tenants.by_state)
      .filter(([state, of]) => of > 0 && state !== 'active')
      .map(([state, of]): [string, string, string] => [count(of), state, paths.tenants({ state })]),
    [count(jobs.open), 'jobs running', paths.jobs({ open: 'true' })],
    [count(jobs.failed_24h), 'failed or undone in 24 h', paths.jobs({ open: 'false' })],
    [count(jobs.succeeded_24h), 'succeeded in 24 h', paths.jobs({ state: 'succeeded' })],
  ];
  return (
    <div className={styles.counters}>
      {links.map(([number, label, href]) => (
        <AppLink key={label} to={href} color="primary">
          {`${number} ${label}`}
        </AppLink>
      ))}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  tiles: css({ display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(210px, 1fr))', gap: theme.spacing(1) }),
  counters: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(3), margin: theme.spacing(2, 0) }),
  columns: css({
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(420px, 1fr))',
    gap: theme.spacing(3),
    alignItems: 'start',
  }),
});
