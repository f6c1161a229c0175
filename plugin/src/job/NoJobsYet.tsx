/** What to do first, where no change was made yet. */
import React from 'react';
import { EmptyState, LinkButton } from '@grafana/ui';
import { paths } from '../address/paths';
import { useCarry } from '../address/carried-params';

export const NoJobsYet = ({ small = false }: { small?: boolean }) => (
  <EmptyState
    hideImage={small}
    variant="call-to-action"
    message="Nothing was changed yet"
    button={<LinkButton href={useCarry()(paths.tenants())}>Open tenants</LinkButton>}
  >
    Every change becomes a job: pick a tenant and migrate it.
  </EmptyState>
);
