/** A share of a capacity as a bar with its number; past the capacity the bar is full and red. */
import React from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { percent } from './figures';

const WARN_AT = 0.8;

/** `load`: 0 to 1 and more. */
export function LoadBar({ load, label }: { load: number; label: string }) {
  const styles = useStyles2(getStyles);
  const tone = load > 1 ? styles.over : load > WARN_AT ? styles.high : styles.calm;
  return (
    <span className={styles.row}>
      <span
        className={styles.track}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(Math.min(load, 1) * 100)}
        aria-valuetext={percent(load)}
      >
        <span className={tone} style={{ width: `${Math.min(load, 1) * 100}%` }} />
      </span>
      <span className={styles.number}>{percent(load)}</span>
    </span>
  );
}

const getStyles = (theme: GrafanaTheme2) => {
  const bar = { display: 'block', height: '100%', borderRadius: theme.shape.radius.default };
  return {
    row: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1), width: '100%' }),
    track: css({
      flex: 1,
      height: 8,
      borderRadius: theme.shape.radius.default,
      background: theme.colors.background.secondary,
      border: `1px solid ${theme.colors.border.weak}`,
      overflow: 'hidden',
    }),
    number: css({ width: 52, textAlign: 'right', fontVariantNumeric: 'tabular-nums' }),
    calm: css({ ...bar, background: theme.colors.success.main }),
    high: css({ ...bar, background: theme.colors.warning.main }),
    over: css({ ...bar, background: theme.colors.error.main }),
  };
};
