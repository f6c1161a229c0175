/** What needs a person, most severe first, each with the way to it and, where one would help, the change. */
import React from 'react';
import type { MutationId, Overview } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { EmptyState, LinkButton, Text, useStyles2 } from '@grafana/ui';
import { useCarry } from '../../address/carried-params';
import { AbleButton } from '../../change/AbleButton';
import { usePlaces } from '../../address/places';
import { useKnownChanges } from '../../change/known-changes';
import { Section } from '../../page-parts/Section';
import { StatePill } from '../../values/StatePill';
import { Time } from '../../values/Time';

type Attention = Overview['attention'][number];

export function NeedsYou({ attention }: { attention: readonly Attention[] }) {
  const styles = useStyles2(getStyles);
  return (
    <Section title={`Needs you (${attention.length})`}>
      {attention.length === 0 ? (
        <EmptyState variant="completed" message="Nothing needs you" hideImage />
      ) : (
        <ul className={styles.list}>
          {attention.map((item) => (
            <li key={item.id}>
              <StatePill state={item.severity} />
              <div className={styles.what}>
                {item.title}{' '}
                {item.since && (
                  <Text color="secondary">
                    <Time at={item.since} />
                  </Text>
                )}
                <div className={styles.detail}>{item.detail}</div>
              </div>
              <Act item={item} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Act({ item: { action, resource, input } }: { item: Attention }) {
  const carried = useCarry();
  const place = usePlaces()(resource);
  const { verbOf } = useKnownChanges();
  const given = { ...place?.input, ...input };
  const verb = action === null ? undefined : verbOf(action, given);
  if (verb !== undefined) {
    return (
      <AbleButton
        size="sm"
        change={action as MutationId}
        input={given}
        {...(place?.tenantId && { tenantId: place.tenantId })}
      >
        {verb}
      </AbleButton>
    );
  }
  return (
    place && (
      <LinkButton size="sm" variant="secondary" href={carried(place.href)}>
        Look
      </LinkButton>
    )
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({
    listStyle: 'none',
    margin: 0,
    '& > li': {
      display: 'flex',
      alignItems: 'center',
      gap: theme.spacing(1.5),
      padding: theme.spacing(1, 0),
      borderBottom: `1px solid ${theme.colors.border.weak}`,
    },
  }),
  what: css({ flex: 1, minWidth: 0 }),
  detail: css({
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    overflowWrap: 'anywhere',
  }),
});
