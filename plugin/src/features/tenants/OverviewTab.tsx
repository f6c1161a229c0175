/** A tenant at a glance: traffic now, where it lives, what it may use, who to call. */
import React from 'react';
import { Stack } from '@grafana/ui';
import { AppLink } from '../../address/AppLink';
import { paths } from '../../address/paths';
import { TenantNote } from './TenantNote';
import { Facts } from '../../page-parts/Facts';
import { count, percent, rate } from '../../values/figures';
import { Time } from '../../values/Time';
import type { RowOf } from '../../list/use-list';

export function OverviewTab({ tenant }: { tenant: RowOf<'tenants.list'> }) {
  const { metadata, traffic } = tenant;
  const quotas = Object.entries(metadata.quotas);
  const flags = Object.entries(metadata.feature_flags);
  return (
    <Stack direction="column" gap={2}>
      <TenantNote tenantId={tenant.tenant_id} />
      <Facts
        groups={[
          {
            title: 'Now',
            facts: [
              ['Status', `${tenant.status.state}: ${tenant.status.reason}`],
              ['Since', <Time key="s" at={tenant.status.since} />],
              [
                'Requests',
                traffic.requests_per_second === null ? 'not measured' : `${rate(traffic.requests_per_second)} req/s`,
              ],
              ['Failed (5xx)', traffic.error_ratio === null ? 'not measured' : percent(traffic.error_ratio)],
              [
                'Consumer lag',
                traffic.consumer_lag === null ? 'not measured' : `${count(traffic.consumer_lag)} events`,
              ],
              ['Measured', <Time key="m" at={traffic.sampled_at} />],
            ],
          },
          {
            title: 'Assignments',
            facts: tenant.placements.map(({ kind, shard_id }) => [
              kind,
              <AppLink key={kind} to={paths.placement('tenants', { shard_id })}>
                {shard_id}
              </AppLink>,
            ]),
          },
          {
            title: 'Agreement',
            facts: [
              ['Name', metadata.name],
              ['Plan', metadata.plan],
              ['Environments', metadata.environments.join(', ')],
              ['Contact', metadata.contact.email ?? metadata.contact.phone ?? 'none'],
              [
                'Quotas',
                quotas.length === 0
                  ? 'none'
                  : quotas.map(([name, limit]) => `${name} ${count(Number(limit))}`).join(' · '),
              ],
              [
                'Feature flags',
                flags.length === 0 ? 'none' : flags.map(([name, on]) => `${name} ${on ? 'on' : 'off'}`).join(' · '),
              ],
            ],
          },
          {
            title: 'Record',
            facts: [
              ['Created', <Time key="c" at={tenant.created_at} />],
              ['Updated', <Time key="u" at={tenant.updated_at} />],
              ['Version', count(tenant.version)],
              ...(tenant.purge_after === null
                ? []
                : ([['Kept until', <Time key="p" at={tenant.purge_after} />]] as Array<[string, React.ReactNode]>)),
            ],
          },
        ]}
      />
    </Stack>
  );
}
