/** What needs a person, most severe first, each with the way to it and, where one would help, the change. */
import React from 'react';
import { mutations, type MutationId, type Overview } from '@cloudlysis/contract';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { EmptyState, LinkButton, Text, useStyles2 } from '@grafana/ui';
import { paths } from '../../address/paths';
import { useCarry } from '../../address/carry';
import { AbleButton } from '../../change/AbleButton';
import { changeSpec } from '../../change/registry';
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
  const [sort = '', id = ''] = resource.split(/:(.*)/);
  if (action !== null && Object.hasOwn(mutations, action)) {
    const inputs: Record<string, Record<string, string>> = {
      tenant: { tenant_id: id },
      shard: { shard_id: id },
      job: { job_id: id },
    };
    return (
      <AbleButton
        size="sm"
        change={action as MutationId}
        input={{ ...inputs[sort], ...input }}
        {...(sort === 'tenant' ? { tenantId: id } : {})}
      >
        {input.action === 'resume' ? 'Resume' : (changeSpec(action)?.verb ?? 'Act')}
      </AbleButton>
    );
  }
  return (
    <LinkButton size="sm" variant="secondary" href={carried(placeOf(sort, id))}>
      Look
    </LinkButton>
  );
}

/** Pure. */
function placeOf(sort: string, id: string): string {
  switch (sort) {
    case 'tenant':
      return paths.tenant(id);
    case 'job':
      return paths.job(id);
    case 'shard':
      return paths.placement('tenants', { shard_id: id });
    case 'drift':
      return paths.placement('drift');
    case 'audit':
      return paths.audit();
    default:
      return paths.settings();
  }
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
