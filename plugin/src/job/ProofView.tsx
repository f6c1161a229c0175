/** What was measured when the job had ended: that the change holds. */
import React from 'react';
import type { Proof } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { Checks } from '../plan/Checks';
import { Section } from '../page-parts/Section';
import { measured } from '../values/figures';

export function ProofView({ proof }: { proof: Proof }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.proof}>
      <Section title="Proof">
        <dl className={styles.facts}>
          {spokenFacts(proof.facts).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <Checks checks={proof.checks} />
      </Section>
    </div>
  );
}

/** Pure. Facts are named by the service, with their unit as the last word; the checks below name the events that were counted. */
export function spokenFacts(facts: Proof['facts']): Array<[name: string, value: string]> {
  const { from, to, revision, events_from: _first, events_to: _last, ...rest } = facts;
  const moved: Array<[string, string]> =
    typeof from === 'string' && typeof to === 'string'
      ? [['moved', `${from} → ${to}, revision ${measured(revision)}`]]
      : [];
  return [
    ...moved,
    ...Object.entries(rest).map(([name, value]): [string, string] => [
      name.replace(/_(ms|s)$/, '').replaceAll('_', ' '),
      measured(value, name.endsWith('_ms') ? 'ms' : name.endsWith('_s') ? 's' : null),
    ]),
  ];
}

const getStyles = (theme: GrafanaTheme2) => ({
  proof: css({
    width: '100%',
    padding: theme.spacing(2),
    border: `1px solid ${theme.colors.success.border}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.success.transparent,
  }),
  facts: css({
    display: 'flex',
    flexWrap: 'wrap',
    columnGap: theme.spacing(2.5),
    rowGap: theme.spacing(1),
    margin: theme.spacing(1, 0),
    '& dt': {
      color: theme.colors.text.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
      fontWeight: theme.typography.fontWeightRegular,
    },
    '& dd': { margin: 0, fontVariantNumeric: 'tabular-nums' },
  }),
});
