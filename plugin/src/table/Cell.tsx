/** One cell of a table. */
import React from 'react';
import { cx } from '@emotion/css';
import { useStyles2 } from '@grafana/ui';
import type { Column } from './columns';
import { getTableStyles } from './table-styles';

/** What is cut off for want of room can be read in full on hover. */
export function Cell<T>({ column, row }: { column: Pick<Column<T>, 'cell' | 'align'>; row: T }) {
  const styles = useStyles2(getTableStyles);
  const content = column.cell(row);
  return (
    <td
      className={cx(styles.cell, column.align === 'right' && styles.right)}
      title={typeof content === 'string' ? content : undefined}
    >
      {content}
    </td>
  );
}
