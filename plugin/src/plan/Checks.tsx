/** What was checked before a change and after it: each verdict in words, with what was measured. */
import React from 'react';
import type { Check } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2, type IconName } from '@grafana/ui';
import { measured } from '../values/figures';

const ICONS: Record<Check['status'], IconName> = {
  pass: 'check-circle',
  warn: 'exclamation-triangle',
  block: 'exclamation-circle',
};

/** What stands in the way comes first; among equals the order is the service's. */
const WEIGHT: Record<Check['status'], number> = { block: 0, warn: 1, pass: 2 };

/** Each with its verdict in words: the icon's colour is not the only sign. */
export function Checks({ checks }: { checks: readonly Check[] }) {
  const styles = useStyles2(getStyles);
  return (
    <ul className={styles.checks} aria-label="Checks">
      {[...checks]
        .sort((a, b) => WEIGHT[a.status] - WEIGHT[b.status])
        .map((check) => (
          <li key={check.id + check.title} className={styles[check.status]}>
            <Icon name={ICONS[check.status]} title={check.status} />
            <span className={styles.detail}>{check.detail}</span>
            <span className={styles.value}>{against(check)}</span>
          </li>
        ))}
    </ul>
  );
}

/** Pure: `4 of 100 commands`, `12 events`; nothing where there is no number, or the sentence has its numbers already. */
export function against({
  measured: value,
  limit,
  unit,
  detail,
}: Pick<Check, 'measured' | 'limit' | 'unit' | 'detail'>): string {
  if (typeof value !== 'number' || /\d/.test(detail)) {
    return '';
  }
  return typeof limit === 'number' ? `${measured(value)} of ${measured(limit, unit)}` : measured(value, unit);
}

const getStyles = (theme: GrafanaTheme2) => ({
  checks: css({
    listStyle: 'none',
    margin: 0,
    '& > li': { display: 'flex', alignItems: 'center', gap: theme.spacing(1) },
  }),
  detail: css({ flex: 1, minWidth: 0, overflowWrap: 'anywhere' }),
  value: css({ color: theme.colors.text.secondary, whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }),
  pass: css({ '& > svg': { color: theme.colors.success.text } }),
  warn: css({ '& > svg': { color: theme.colors.warning.text } }),
  block: css({ '& > svg': { color: theme.colors.error.text } }),
});
