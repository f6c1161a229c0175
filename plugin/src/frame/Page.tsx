/** The frame of every page: Grafana's own header, the strip, and who may see it. */
import React, { type ReactNode } from 'react';
import { PluginPage } from '@grafana/runtime';
import type { NavModelItem } from '@grafana/data';
import { Alert } from '@grafana/ui';
import { useMe } from '../api/abilities';
import { FaultView } from '../page-parts/FaultView';
import { NoticeStrip } from './NoticeStrip';

interface Props {
  /** Operation that reads what the page shows: who may not, is told so instead of shown an empty page. */
  reads: string;
  /** For pages below one that is in the navigation. */
  nav?: NavModelItem;
  title?: ReactNode;
  subTitle?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ reads, nav, title, subTitle, actions, children }: Props) {
  return (
    <PluginPage
      pageNav={nav}
      subTitle={subTitle}
      actions={actions}
      renderTitle={title === undefined ? undefined : () => title}
    >
      <NoticeStrip />
      <Gate reads={reads}>{children}</Gate>
    </PluginPage>
  );
}

/** Lets the page draw (and ask) while abilities are on their way: only a known "no" closes it. */
function Gate({ reads, children }: Pick<Props, 'reads' | 'children'>) {
  const { data, error } = useMe();
  const ability = data?.abilities[reads];
  if (data === undefined && error) {
    return <FaultView error={error} />;
  }
  if (ability && !ability.allowed) {
    return (
      <Alert severity="info" title="You may not see this page">
        {ability.reason}
      </Alert>
    );
  }
  return <>{children}</>;
}
