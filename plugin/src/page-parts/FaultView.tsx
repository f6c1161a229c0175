/** An error as the pages show it: title, what happened, what to do, code and request id, and a way on. */
import React from 'react';
import { Alert, Button, LinkButton, Stack, Text, useStyles2 } from '@grafana/ui';
import { config } from '@grafana/runtime';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { faultOf, type Fault } from '../api/fault';
import { paths } from '../address/paths';

interface Props {
  error: unknown;
  onRetry?: () => void;
}

export function FaultView({ error, onRetry }: Props) {
  const fault = faultOf(error);
  const styles = useStyles2(getStyles);
  return (
    <Alert severity={fault.passing || fault.kind === 'forbidden' ? 'warning' : 'error'} title={fault.title}>
      <Stack direction="column" gap={1} alignItems="flex-start">
        <Text>{fault.detail}</Text>
        {fault.remedy && <Text>{fault.remedy}</Text>}
        {(fault.code ?? fault.requestId) && (
          <span className={styles.codes}>{[fault.code, fault.requestId].filter(Boolean).join(' · ')}</span>
        )}
        <WayOn fault={fault} onRetry={onRetry} />
      </Stack>
    </Alert>
  );
}

function WayOn({ fault, onRetry }: { fault: Fault; onRetry?: () => void }) {
  if (fault.kind === 'signed-out') {
    return <LinkButton href={`${config.appSubUrl}/login`}>Sign in</LinkButton>;
  }
  if (fault.kind === 'not-configured' || fault.kind === 'token-refused') {
    return (
      <LinkButton variant="secondary" href={paths.configuration()}>
        Configuration
      </LinkButton>
    );
  }
  return onRetry && fault.kind !== 'forbidden' && fault.kind !== 'role-refused' ? (
    <Button variant="secondary" icon="sync" onClick={onRetry}>
      Try again
    </Button>
  ) : null;
}

const getStyles = (theme: GrafanaTheme2) => ({
  codes: css({
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.secondary,
  }),
});
