/** Stands where the rows will be. */
import React from 'react';
import { useStyles2 } from '@grafana/ui';
import Skeleton from 'react-loading-skeleton';
import type { Column } from '../table/columns';
import { getTableStyles, leastWidth } from '../table/table-styles';
import { ColumnWidths } from '../table/ColumnWidths';

/** As high as a first page, so that nothing jumps when it comes. */
export function RowsSkeleton({ columns }: { columns: ReadonlyArray<Pick<Column<never>, 'id' | 'header' | 'width'>> }) {
  const styles = useStyles2(getTableStyles);
  return (
    <div className={styles.scroller} role="status" aria-label="Loading">
      <table className={styles.table} style={{ minWidth: leastWidth(columns) }}>
        <ColumnWidths columns={columns} selectable={false} actions={false} />
        <thead>
          <tr>
            {columns.map(({ id, header }) => (
              <th key={id} className={styles.head}>
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: 8 }, (_, row) => (
            <tr key={row}>
              {columns.map(({ id }) => (
                <td key={id} className={styles.cell}>
                  <Skeleton />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
