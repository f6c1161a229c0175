/** The widths of a table's columns, said once for head and rows: nothing moves when the rows come. */
import React from 'react';
import type { Column } from './columns';
import { MENU_PX, SELECT_PX } from './table-styles';

export function ColumnWidths({
  columns,
  selectable,
  actions,
}: {
  columns: ReadonlyArray<Pick<Column<never>, 'id' | 'width'>>;
  selectable: boolean;
  actions: boolean;
}) {
  return (
    <colgroup>
      {selectable && <col style={{ width: SELECT_PX }} />}
      {columns.map(({ id, width }) => (
        <col key={id} style={width === undefined ? undefined : { width }} />
      ))}
      {actions && <col style={{ width: MENU_PX }} />}
    </colgroup>
  );
}
