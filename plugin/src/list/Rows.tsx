/** The rows themselves: a real table of which only what is in sight is drawn. */
import React, { memo, useEffect, useLayoutEffect, useRef, useState, type Dispatch, type SetStateAction } from 'react';
import { cx } from '@emotion/css';
import { Checkbox, Icon, useStyles2 } from '@grafana/ui';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { Column } from '../table/columns';
import { Cell } from '../table/Cell';
import { RowMenu } from '../table/RowMenu';
import type { ListSpec } from './list-spec';
import { getTableStyles, leastWidth, ROW_PX } from '../table/table-styles';
import type { ListRead, RowOf } from './use-list';
import { ColumnWidths } from '../table/ColumnWidths';

const OVERSCAN = 5;
/** Rows from the end at which the next page is asked for. */
const AHEAD = 40;
/** What stays free below the table: the page's own padding. */
const BELOW_PX = 32;
const LEAST_PX = 8 * ROW_PX;

interface Selection {
  readonly selected: ReadonlySet<string>;
  readonly onChange: Dispatch<SetStateAction<ReadonlySet<string>>>;
}

interface Props<K extends ListRead> {
  spec: ListSpec<K>;
  rows: ReadonlyArray<RowOf<K>>;
  total: number | null;
  selection?: Selection | undefined;
  sort: string | null;
  onSort: (sort: string) => void;
  onEnd: () => void;
}

export function Rows<K extends ListRead>({ spec, rows, total, selection, sort, onSort, onEnd }: Props<K>) {
  const scroller = useRef<HTMLDivElement>(null);
  const styles = useStyles2(getTableStyles);
  const maxHeight = useRoomBelow(scroller);
  // eslint-disable-next-line react-hooks/incompatible-library -- the only virtualizer there is; nothing that it answers is kept beyond this draw
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    initialRect: { width: 0, height: LEAST_PX },
  });
  const drawn = virtual.getVirtualItems();
  const last = drawn.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - AHEAD) {
      onEnd();
    }
  }, [last, rows.length, onEnd]);
  const above = drawn[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (drawn.at(-1)?.end ?? 0);
  const span = spec.columns.length + (selection ? 1 : 0) + (spec.rowActions ? 1 : 0);

  return (
    <div
      ref={scroller}
      className={styles.scroller}
      style={{ maxHeight }}
      tabIndex={0}
      role="region"
      aria-label={spec.noun}
    >
      <table
        className={styles.table}
        style={{ minWidth: leastWidth(spec.columns, selection !== undefined, spec.rowActions !== undefined) }}
        aria-rowcount={(total ?? rows.length) + 1}
      >
        <ColumnWidths
          columns={spec.columns}
          selectable={selection !== undefined}
          actions={spec.rowActions !== undefined}
        />
        <thead>
          <tr aria-rowindex={1}>
            {selection && (
              <th className={styles.head}>
                <SelectAll rows={rows} rowId={spec.rowId} noun={spec.noun} {...selection} />
              </th>
            )}
            {spec.columns.map((column) => (
              <HeadCell key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
            {spec.rowActions && (
              <th className={styles.head}>
                <span className="sr-only">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Gap height={above} span={span} />}
          {drawn.map(({ index }) => {
            const row = rows[index] as RowOf<K>;
            const id = spec.rowId(row);
            return (
              <Row
                key={id}
                id={id}
                index={index}
                row={row}
                spec={spec}
                selected={selection ? selection.selected.has(id) : null}
                onSelect={selection && ((on) => selection.onChange((now) => withId(now, id, on)))}
              />
            );
          })}
          {below > 0 && <Gap height={below} span={span} />}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps<K extends ListRead> {
  id: string;
  index: number;
  row: RowOf<K>;
  spec: ListSpec<K>;
  selected: boolean | null;
  onSelect?: ((on: boolean) => void) | undefined;
}

const Row = memo(
  function Row<K extends ListRead>({ id, index, row, spec, selected, onSelect }: RowProps<K>) {
    const styles = useStyles2(getTableStyles);
    return (
      <tr aria-rowindex={index + 2} aria-selected={selected ?? undefined} className={styles.row}>
        {onSelect && (
          <td className={styles.cell}>
            <Checkbox
              aria-label={`Select ${id}`}
              value={selected === true}
              onChange={(event) => onSelect(event.currentTarget.checked)}
            />
          </td>
        )}
        {spec.columns.map((column) => (
          <Cell key={column.id} column={column} row={row} />
        ))}
        {spec.rowActions && (
          <td className={styles.cell}>
            <RowMenu row={row} name={id} actions={spec.rowActions} tenantId={spec.tenantOf?.(row)} />
          </td>
        )}
      </tr>
    );
  },
  // The handler is made anew at every draw and means the same.
  (before, after) =>
    before.row === after.row &&
    before.selected === after.selected &&
    before.index === after.index &&
    before.spec === after.spec
) as <K extends ListRead>(props: RowProps<K>) => React.JSX.Element;

interface HeadProps {
  column: Column<never>;
  sort: string | null;
  onSort: (sort: string) => void;
}

function HeadCell({
  column,
  sort,
  onSort,
}: { column: Pick<Column<never>, 'header' | 'align' | 'sort'> } & Omit<HeadProps, 'column'>) {
  const styles = useStyles2(getTableStyles);
  const key = column.sort;
  const down = sort === `-${key}`;
  const up = sort === key;
  return (
    <th
      className={cx(styles.head, column.align === 'right' && styles.right)}
      aria-sort={key === undefined ? undefined : up ? 'ascending' : down ? 'descending' : 'none'}
    >
      {key === undefined ? (
        column.header
      ) : (
        <button className={styles.sort} onClick={() => onSort(up ? `-${key}` : key)}>
          {column.header}
          <Icon name={up ? 'arrow-up' : 'arrow-down'} size="sm" className={up || down ? undefined : styles.unsorted} />
        </button>
      )}
    </th>
  );
}

interface SelectAllProps<K extends ListRead> extends Selection, Pick<ListSpec<K>, 'rowId' | 'noun'> {
  rows: ReadonlyArray<RowOf<K>>;
}

function SelectAll<K extends ListRead>({ rows, rowId, noun, selected, onChange }: SelectAllProps<K>) {
  // Drawn with every step of the scroll: thousands of ids are looked at only when as many are selected.
  const all = rows.length > 0 && selected.size >= rows.length && rows.every((row) => selected.has(rowId(row)));
  return (
    <Checkbox
      aria-label={`Select all ${noun} that are loaded`}
      value={all}
      indeterminate={!all && selected.size > 0}
      onChange={() => onChange(new Set(all ? [] : rows.map(rowId)))}
    />
  );
}

function withId(selected: ReadonlySet<string>, id: string, on: boolean): ReadonlySet<string> {
  const next = new Set(selected);
  if (on) {
    next.add(id);
  } else {
    next.delete(id);
  }
  return next;
}

const Gap = ({ height, span }: { height: number; span: number }) => (
  <tr aria-hidden style={{ height }}>
    <td colSpan={span} style={{ padding: 0 }} />
  </tr>
);

/** The table ends where the window does, so that its head and its foot stay in sight. */
function useRoomBelow(element: React.RefObject<HTMLElement | null>): number {
  const [room, setRoom] = useState(LEAST_PX * 2);
  useLayoutEffect(() => {
    const measure = () => {
      const top = element.current?.getBoundingClientRect().top ?? 0;
      setRoom(Math.max(LEAST_PX, window.innerHeight - top - BELOW_PX));
    };
    measure();
    window.addEventListener('resize', measure);
    const observer = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(measure);
    observer?.observe(document.body);
    return () => {
      window.removeEventListener('resize', measure);
      observer?.disconnect();
    };
  }, [element]);
  return room;
}
