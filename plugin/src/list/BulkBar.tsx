/** What can be done with the rows that are selected: each choice is one change over all of them. */
import React from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Stack, Text, useStyles2 } from '@grafana/ui';
import { AbleButton } from '../change/AbleButton';
import type { BulkAction } from '../table/columns';
import { count } from '../values/figures';

interface Props<T> {
  rows: readonly T[];
  noun: string;
  actions: ReadonlyArray<BulkAction<T>>;
  onClear: () => void;
}

export function BulkBar<T>({ rows, noun, actions, onClear }: Props<T>) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles} role="toolbar" aria-label={`Actions for selected ${noun}`}>
      <Text>{`${count(rows.length)} selected`}</Text>
      <Stack gap={1}>
        {actions.map((action) => (
          <AbleButton key={action.label} size="sm" change={action.change} input={action.input(rows)}>
            {action.label}
          </AbleButton>
        ))}
        <Button size="sm" variant="secondary" fill="text" onClick={onClear}>
          Clear selection
        </Button>
      </Stack>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({
    position: 'sticky',
    bottom: 0,
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(2),
    padding: theme.spacing(1, 2),
    background: theme.colors.background.elevated ?? theme.colors.background.secondary,
    border: `1px solid ${theme.colors.border.medium}`,
    borderRadius: theme.shape.radius.default,
    boxShadow: theme.shadows.z2,
  });
