/** The steps of a job in order: state, how long, how often, and why one failed. */
import React from 'react';
import { isFinal, type Job, type JobStep } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Icon, Spinner, useStyles2, type IconName } from '@grafana/ui';
import { duration } from '../values/figures';

type Look = { icon: IconName; tone: 'good' | 'bad' | 'back' | 'quiet'; words: string };

const LOOKS: Record<string, Look> = {
  waiting: { icon: 'clock-nine', tone: 'quiet', words: 'waits' },
  pending: { icon: 'circle', tone: 'quiet', words: 'to do' },
  succeeded: { icon: 'check-circle', tone: 'good', words: 'done' },
  failed: { icon: 'exclamation-circle', tone: 'bad', words: 'failed' },
  compensated: { icon: 'history', tone: 'back', words: 'undone' },
  interrupted: { icon: 'minus-circle', tone: 'back', words: 'interrupted, nothing to undo' },
};
const NOT_RUN: Look = { icon: 'circle', tone: 'quiet', words: 'not run' };
const RUNNING = { running: 'running', compensating: 'undoing' } as Record<string, string>;

export function Timeline({ job }: { job: Job }) {
  const styles = useStyles2(getStyles);
  return (
    <ol className={styles.list} aria-label="Steps">
      {job.steps.map((step) => (
        <li
          key={step.name}
          className={styles.step}
          aria-current={step.state in RUNNING || step.state === 'waiting' ? 'step' : undefined}
        >
          <Mark step={step} over={isFinal(job)} />
          <div className={styles.what}>
            {step.title}
            {step.problem && <div className={styles.problem}>{step.problem.detail}</div>}
          </div>
          <span className={styles.quiet}>{aside(step)}</span>
        </li>
      ))}
    </ol>
  );
}

function Mark({ step, over }: { step: JobStep; over: boolean }) {
  const styles = useStyles2(getStyles);
  const busy = RUNNING[step.state];
  if (busy !== undefined) {
    return (
      <span className={styles.mark} title={busy}>
        <Spinner inline size="sm" />
        <span className="sr-only">{busy}</span>
      </span>
    );
  }
  const look = over && step.state === 'pending' ? NOT_RUN : (LOOKS[step.state] ?? NOT_RUN);
  return (
    <span className={`${styles.mark} ${styles[look.tone]}`} title={look.words}>
      <Icon key={look.icon} name={look.icon} />
      <span className="sr-only">{look.words}</span>
    </span>
  );
}

/** Pure: `1.1 s`, `1.1 s · 3rd try`. */
function aside(step: JobStep): string {
  const tries = step.attempts > 1 ? `${step.attempts} tries` : null;
  return [step.duration_ms === null ? null : duration(step.duration_ms), tries].filter(Boolean).join(' · ');
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0 }),
  step: css({
    display: 'flex',
    alignItems: 'baseline',
    gap: theme.spacing(1),
    minHeight: 32,
    padding: theme.spacing(0.75, 0),
    borderBottom: `1px solid ${theme.colors.border.weak}`,
  }),
  mark: css({
    flex: 'none',
    width: 20,
    display: 'inline-flex',
    alignSelf: 'center',
    color: theme.colors.text.secondary,
  }),
  what: css({ flex: 1, minWidth: 0, overflowWrap: 'anywhere' }),
  problem: css({ color: theme.colors.error.text, fontSize: theme.typography.bodySmall.fontSize }),
  quiet: css({ color: theme.colors.text.secondary, whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }),
  good: css({ color: theme.colors.success.text }),
  bad: css({ color: theme.colors.error.text }),
  back: css({ color: theme.colors.warning.text }),
});
