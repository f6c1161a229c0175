/** A short table that is there as a whole: the same look as a list page's, without its paging. */
import React from 'react';
import { cx } from '@emotion/css';
import { useStyles2 } from '@grafana/ui';
import type { Column } from './columns';
import { Cell } from './Cell';
import { getTableStyles, leastWidth } from './table-styles';

interface Props<T> {
  /** What the rows are, for those who do not see the heading. */
  label: string;
  columns: ReadonlyArray<Column<T>>;
  rows: readonly T[];
  rowId: (row: T) => string;
}

export function PlainTable<T>({ label, columns, rows, rowId }: Props<T>) {
  const styles = useStyles2(getTableStyles);
  return (
    <div className={styles.scroller} tabIndex={0} role="region" aria-label={label}>
      <table className={styles.table} style={{ minWidth: leastWidth(columns) }}>
        <colgroup>
          {columns.map(({ id, width }) => (
            <col key={id} style={width === undefined ? undefined : { width }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {columns.map(({ id, header, align }) => (
              <th key={id} className={cx(styles.head, align === 'right' && styles.right)}>
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowId(row)} className={styles.row}>
              {columns.map((column) => (
                <Cell key={column.id} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
