/** Groups of named facts, as many columns as there is room for. */
import React, { type ReactNode } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

interface Group {
  readonly title: string;
  readonly facts: ReadonlyArray<readonly [string, ReactNode]>;
}

export function Facts({ groups }: { groups: readonly Group[] }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.groups}>
      {groups.map(({ title, facts }) => (
        <section key={title} className={styles.group} aria-label={title}>
          <h4>{title}</h4>
          <dl>
            {facts.map(([name, value]) => (
              <React.Fragment key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </React.Fragment>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  groups: css({ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(340px, 1fr))', gap: theme.spacing(2) }),
  group: css({
    padding: theme.spacing(2),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
    '& h4': { ...theme.typography.h5, marginBottom: theme.spacing(1) },
    '& dl': {
      display: 'grid',
      gridTemplateColumns: 'max-content 1fr',
      columnGap: theme.spacing(2),
      rowGap: theme.spacing(0.5),
      margin: 0,
    },
    '& dt': { color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightRegular },
    '& dd': { margin: 0, overflowWrap: 'anywhere', fontVariantNumeric: 'tabular-nums' },
  }),
});
