/** One kind of service: its state with the sentence why, and what was measured. */
import React from 'react';
import type { Overview } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { paths } from '../../address/paths';
import { useCarry } from '../../address/carried-params';
import { figure } from '../../values/figures';
import { StatePill } from '../../values/StatePill';

type Service = Overview['services'][number];

const TITLES: Record<Service['kind'], string> = {
  gateway: 'Gateway', aggregate: 'Aggregate', projection: 'Projection', runner: 'Runner', jetstream: 'JetStream',
  mongodb: 'MongoDB', 'control-plane': 'Control plane',
}; // prettier-ignore

/** Where to look closer. */
const HREFS: Record<Service['kind'], () => string> = {
  gateway: paths.placement, aggregate: paths.placement, projection: paths.placement, runner: paths.placement,
  jetstream: paths.settings, mongodb: paths.settings, 'control-plane': paths.settings,
}; // prettier-ignore

export function ServiceTile({ service }: { service: Service }) {
  const styles = useStyles2(getStyles);
  const carried = useCarry();
  return (
    <a className={styles.tile} href={carried(HREFS[service.kind]())}>
      <span className={styles.title}>
        {TITLES[service.kind]}
        <StatePill state={service.state} />
      </span>
      <span className={styles.figures}>
        {telling(service.figures).map(({ name, label, value, unit }) => (
          <span key={name}>
            {label} <strong>{figure(value, unit)}</strong>
          </span>
        ))}
      </span>
      <span className={styles.reason}>{service.reason}</span>
    </a>
  );
}

/** Pure: what was measured, without what the sentence below says already. */
const telling = (figures: Service['figures']): Service['figures'] =>
  figures.filter(({ name, value }) => value !== null && !['nodes', 'nodes_ready'].includes(name)).slice(0, 3);

const getStyles = (theme: GrafanaTheme2) => ({
  tile: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(0.5),
    minHeight: 96,
    padding: theme.spacing(1.5),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
    '&:hover': { background: theme.colors.action.hover },
  }),
  title: css({ display: 'flex', justifyContent: 'space-between', fontWeight: theme.typography.fontWeightMedium }),
  figures: css({
    display: 'flex',
    flexWrap: 'wrap',
    columnGap: theme.spacing(1.5),
    color: theme.colors.text.secondary,
    fontVariantNumeric: 'tabular-nums',
    '& strong': { color: theme.colors.text.primary, fontWeight: theme.typography.fontWeightMedium },
  }),
  reason: css({
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    display: '-webkit-box',
    WebkitLineClamp: 2,
    WebkitBoxOrient: 'vertical',
    overflow: 'hidden',
  }),
});
