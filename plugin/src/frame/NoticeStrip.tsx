/** The strip under the header: only what matters now, and nothing when all is well. */
import React from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Icon, Toggletip, useStyles2 } from '@grafana/ui';
import type { Overview } from '@cloudlysis/contract';
import { useAbility, useMe } from '../api/abilities';
import { faultOf } from '../api/fault';
import { useRead } from '../api/queries';
import { serverTime } from '../api/server-clock';
import { RunningChanges } from '../change/RunningChanges';
import { Time } from '../values/Time';
import { BrowserClock } from './BrowserClock';

const OVERVIEW_EVERY_MS = 10_000;

export function NoticeStrip() {
  const styles = useStyles2(getStyles);
  return (
    <>
      <Unreachable />
      <Unchecked />
      <BrowserClock className={styles.strip} />
      <RunningChanges />
    </>
  );
}

function Unreachable() {
  const me = useMe();
  const styles = useStyles2(getStyles);
  // Without any answer yet the page itself says why; the strip is for a page that shows what was read before.
  if (!me.isRefetchError || me.data === undefined) {
    return null;
  }
  const fault = faultOf(me.error);
  return (
    <div className={styles.strip} role="alert">
      <Icon name="exclamation-triangle" />
      <span>
        <strong>{fault.title}.</strong> What you see was read{' '}
        <Time at={new Date(serverTime(me.dataUpdatedAt)).toISOString()} />.
      </span>
      <Button size="sm" variant="secondary" fill="outline" onClick={() => me.refetch()} disabled={me.isFetching}>
        Try again
      </Button>
    </div>
  );
}

function Unchecked() {
  // Who may not see it is not refused, and recorded, every ten seconds.
  const { allowed } = useAbility('overview.get');
  const { data } = useRead('overview.get', {}, { every: OVERVIEW_EVERY_MS, enabled: allowed });
  const styles = useStyles2(getStyles);
  if (data === undefined || data.unchecked.length === 0) {
    return null;
  }
  return (
    <div className={styles.strip} role="status">
      <Icon name="question-circle" />
      <span>
        <strong>Cannot be checked now:</strong> {named(data.unchecked)}
      </span>
      <Toggletip content={<Reasons unchecked={data.unchecked} />}>
        <Button size="sm" variant="secondary" fill="outline">
          Why
        </Button>
      </Toggletip>
    </div>
  );
}

const NAMED = 3;

/** Pure: the first few by name, the rest counted. */
function named(unchecked: Overview['unchecked']): string {
  const names = unchecked.slice(0, NAMED).map(({ source }) => source);
  const more = unchecked.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const Reasons = ({ unchecked }: { unchecked: Overview['unchecked'] }) => (
  <ul style={{ listStylePosition: 'inside', maxHeight: 300, overflow: 'auto' }}>
    {unchecked.map(({ source, reason }) => (
      <li key={source}>{`${source}: ${reason}`}</li>
    ))}
  </ul>
);

const getStyles = (theme: GrafanaTheme2) => ({
  strip: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(0.75, 1.5),
    marginBottom: theme.spacing(1),
    borderRadius: theme.shape.radius.default,
    border: `1px solid ${theme.colors.warning.border}`,
    background: theme.colors.warning.transparent,
    '& > span': { flex: 1 },
  }),
});
