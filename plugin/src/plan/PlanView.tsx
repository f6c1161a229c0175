/** A plan in front of its reader: may it run, who would feel it, what would be done in which order, what would change. */
import React from 'react';
import type { BlastRadius, Change, PlanFigure, Plan, Touched } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, useStyles2 } from '@grafana/ui';
import Skeleton from 'react-loading-skeleton';
import { count, measured, percent } from '../values/figures';
import { Checks } from './Checks';

export function PlanView({ plan }: { plan: Plan }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.plan}>
      {plan.blockers.length > 0 && (
        <Alert severity="error" title={blockedBy(plan)}>
          {plan.blockers.map(({ code, detail }) => (
            <div key={code + detail}>{detail}</div>
          ))}
        </Alert>
      )}
      <Checks checks={plan.checks.filter(({ status }) => status !== 'block')} />
      <dl className={styles.facts}>
        <dt>Blast radius</dt>
        <dd>{blastRadius(plan.blast_radius)}</dd>
        <dt>Steps</dt>
        <dd>
          <ol className={styles.steps}>
            {plan.steps.map(({ name, title }) => (
              <li key={name}>{title}</li>
            ))}
          </ol>
        </dd>
        <dt>Would change</dt>
        <dd>
          <Diff changes={plan.diff} total={plan.diff_total} />
        </dd>
        <dt>Way back</dt>
        <dd>{plan.rollback}</dd>
      </dl>
    </div>
  );
}

/** Pure: `Blocked by 2 checks`. */
export const blockedBy = ({ blockers }: Pick<Plan, 'blockers'>): string =>
  blockers.length === 1 ? 'Blocked' : `Blocked by ${blockers.length} checks`;

/** Pure: `1 tenant · 118 req/s · 4 in flight · 12 events behind · 0.90 % of traffic`; what could not be measured is said. */
export const blastRadius = (of: BlastRadius): string => of.flatMap(toldOf).join(' · ') || 'Nothing';

function toldOf({ kind, count: many, figures }: Touched): string[] {
  const known = figures.filter(({ value }) => value !== null);
  const unknown = figures.filter(({ value }) => value === null).map(({ name }) => name);
  const left = unknown.length > 0 ? [`not measured: ${unknown.join(', ')}`] : [];
  return [`${count(many)} ${many === 1 ? kind : several(kind)}`, ...known.map(said), ...left];
}

/** A unit that begins with `%` is said of a share, in as many digits as make it readable. */
const said = ({ value, unit }: PlanFigure): string =>
  unit.startsWith('%') ? percent(Number(value) / 100) + unit.slice(1) : measured(value, unit);

/** Pure: whatever kinds of things there will be, their plural is the usual one. */
export const several = (kind: string): string =>
  /(s|x|z|ch|sh)$/.test(kind) ? `${kind}es` : /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`;

function Diff({ changes, total }: { changes: readonly Change[]; total: number }) {
  const styles = useStyles2(getStyles);
  if (changes.length === 0) {
    return <>Nothing</>;
  }
  return (
    <ul className={styles.diff}>
      {changes.map(({ path, op, before, after }) => (
        <li key={path}>
          <code>{path}</code>{' '}
          {op === 'add' ? (
            <>+ {show(after)}</>
          ) : op === 'remove' ? (
            <>− {show(before)}</>
          ) : (
            <>
              {show(before)} → {show(after)}
            </>
          )}
        </li>
      ))}
      {total > changes.length && <li>and {count(total - changes.length)} more</li>}
    </ul>
  );
}

const show = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '–'));

export const PlanSkeleton = () => (
  <div role="status" aria-label="Making the plan">
    <Skeleton count={3} height={22} />
    <Skeleton height={120} />
  </div>
);

const getStyles = (theme: GrafanaTheme2) => ({
  plan: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }),
  facts: css({
    display: 'grid',
    gridTemplateColumns: 'max-content 1fr',
    columnGap: theme.spacing(2),
    rowGap: theme.spacing(1),
    margin: 0,
    '& > dt': { color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightRegular },
    '& > dd': { margin: 0, minWidth: 0 },
  }),
  steps: css({ margin: 0, paddingLeft: theme.spacing(2.5) }),
  diff: css({
    listStyle: 'none',
    margin: 0,
    maxHeight: 240,
    overflow: 'auto',
    '& code': { overflowWrap: 'anywhere' },
  }),
});
