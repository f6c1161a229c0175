/** A state with the sentence why: colour never speaks alone. */
import React from 'react';
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { Hint } from './Hint';
import { useTone } from './status-tones';

interface Props {
  state: string;
  /** What to write in place of the state's own name. */
  label?: string;
  /** The sentence why. */
  reason?: string | null | undefined;
  /** Write the sentence beside the state as far as there is room. */
  spelledOut?: boolean;
}

export function StatePill({ state, label = state, reason, spelledOut = false }: Props) {
  const styles = useStyles2(getStyles);
  const tone = useTone(state);
  const pill = (
    <span className={styles.pill}>
      <span className={cx(styles.dot, styles[tone])} aria-hidden />
      <span className={styles.text}>
        {label}
        {spelledOut && reason ? <span className={styles.reason}> · {withoutState(reason, label)}</span> : null}
      </span>
    </span>
  );
  return reason ? <Hint content={reason}>{pill}</Hint> : pill;
}

/** Pure: a sentence that begins with the state is not read twice: `ready, 3 dependencies reached`. */
const withoutState = (reason: string, state: string): string =>
  reason.startsWith(`${state}, `) || reason.startsWith(`${state}: `) ? reason.slice(state.length + 2) : reason;

const getStyles = (theme: GrafanaTheme2) => ({
  pill: css({ display: 'inline-flex', alignItems: 'center', gap: theme.spacing(0.75), maxWidth: '100%', minWidth: 0 }),
  dot: css({ width: 8, height: 8, flex: 'none', borderRadius: theme.shape.radius.circle }),
  text: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
  reason: css({ color: theme.colors.text.secondary }),
  good: css({ background: theme.colors.success.main }),
  busy: css({ background: theme.colors.info.main }),
  warning: css({ background: theme.colors.warning.main }),
  bad: css({ background: theme.colors.error.main }),
  quiet: css({ background: theme.colors.text.disabled }),
});
