/** A state with the sentence why: colour never speaks alone. */
import React from 'react';
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { Hint } from './Hint';

type Tone = 'good' | 'busy' | 'warning' | 'bad' | 'quiet';

/** Every state the control plane speaks of: tenants, jobs, steps, nodes, services, checks, audit outcomes. */
const TONES: Record<string, Tone> = {
  active: 'good', succeeded: 'good', ready: 'good', ok: 'good', pass: 'good', serving: 'good',
  provisioning: 'busy', migrating: 'busy', draining: 'busy', running: 'busy', queued: 'busy', cancelling: 'busy',
  compensating: 'busy', requested: 'busy', waiting: 'busy',
  degraded: 'warning', warn: 'warning', compensated: 'warning', 'not-ready': 'warning', drained: 'warning', paused: 'warning',
  warning: 'warning', interrupted: 'warning',
  failed: 'bad', unreachable: 'bad', down: 'bad', block: 'bad', refused: 'bad', critical: 'bad',
}; // prettier-ignore

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
  const pill = (
    <span className={styles.pill}>
      <span className={cx(styles.dot, styles[TONES[state] ?? 'quiet'])} aria-hidden />
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
