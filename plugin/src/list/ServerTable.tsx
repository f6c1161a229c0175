/** The table of every list page: search, filters, sort and pages on the server; selection, row actions and states here. */
import React, { useState, type ReactNode } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, EmptyState, LoadingBar, useStyles2 } from '@grafana/ui';
import { FaultView } from '../page-parts/FaultView';
import { useSearch } from '../address/search-params';
import { BulkBar } from './BulkBar';
import type { ListSpec } from './list-spec';
import { Rows } from './Rows';
import { RowsSkeleton } from './RowsSkeleton';
import { Toolbar } from './Toolbar';
import { UnreadableRows } from '../table/UnreadableRows';
import { useList, useListQuery, type ListQuery, type ListRead } from './use-list';

interface Props<K extends ListRead> {
  list: ListSpec<K>;
  /** Says what to do first. */
  empty: ReactNode;
  /** Beside the filters. */
  toolbar?: ReactNode;
  /** Parameters that are no matter of the user's, such as the tenant on a tenant's page. */
  fixed?: ListQuery;
}

export function ServerTable<K extends ListRead>({ list: spec, empty, toolbar, fixed }: Props<K>) {
  const filters = (spec.filters ?? []).filter(({ name }) => fixed?.[name] === undefined);
  const names = ['sort', ...(spec.search ? [spec.search] : []), ...filters.map(({ name }) => name)];
  const query = useListQuery(names, fixed);
  const { list, rows, total, unreadable } = useList(spec.read, query);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [, setSearch] = useSearch();
  const styles = useStyles2(getStyles);
  const narrowed = Object.keys(query).some((name) => name !== 'sort' && fixed?.[name] === undefined);
  const chosen = (rows ?? []).filter((row) => selected.has(spec.rowId(row)));

  return (
    <div className={styles.table}>
      <Toolbar spec={spec} filters={filters} shown={rows?.length ?? null} total={total} more={list.hasNextPage}>
        {toolbar}
      </Toolbar>
      <div className={styles.busy}>{list.isFetching && list.isPlaceholderData && <LoadingBar width={200} />}</div>
      <UnreadableRows rows={unreadable} />
      {list.isError && <FaultView error={list.error} onRetry={() => list.refetch()} />}
      {rows === undefined ? (
        !list.isError && <RowsSkeleton columns={spec.columns} />
      ) : rows.length > 0 ? (
        <Rows
          spec={spec}
          rows={rows}
          total={total}
          selection={spec.bulkActions ? { selected, onChange: setSelected } : undefined}
          sort={query['sort'] ?? null}
          onSort={(sort) => setSearch({ sort })}
          onEnd={() => list.hasNextPage && !list.isFetchingNextPage && list.fetchNextPage()}
        />
      ) : narrowed ? (
        <Nothing noun={spec.noun} onClear={() => setSearch(Object.fromEntries(names.map((name) => [name, null])))} />
      ) : (
        empty
      )}
      {spec.bulkActions && chosen.length > 0 && (
        <BulkBar rows={chosen} noun={spec.noun} actions={spec.bulkActions} onClear={() => setSelected(new Set())} />
      )}
    </div>
  );
}

function Nothing({ noun, onClear }: { noun: string; onClear: () => void }) {
  return (
    <EmptyState
      variant="not-found"
      message={`No ${noun} match`}
      button={
        <Button variant="secondary" onClick={onClear}>
          Clear filters
        </Button>
      }
    />
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  table: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(1), minWidth: 0 }),
  busy: css({ height: 1, overflow: 'hidden', marginTop: -1 }),
});
