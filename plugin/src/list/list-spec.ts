/** What a list page is: its read, its columns, what it is found by, and what can be done with its rows. */
import type { BulkAction, Column, Filter, RowAction } from '../table/columns';
import type { ListRead, RowOf } from './use-list';

export interface ListSpec<K extends ListRead> {
  /** Read that answers a page of it. */
  readonly read: K;
  /** What its rows are called, for people: `tenants`. */
  readonly noun: string;
  readonly rowId: (row: RowOf<K>) => string;
  readonly columns: ReadonlyArray<Column<RowOf<K>>>;
  /** Query parameter of free-text search; no search field where absent. */
  readonly search?: string;
  readonly searchHint?: string;
  readonly filters?: readonly Filter[];
  readonly rowActions?: ReadonlyArray<RowAction<RowOf<K>>>;
  readonly bulkActions?: ReadonlyArray<BulkAction<RowOf<K>>>;
  /** Tenant whose abilities count for a row's actions. */
  readonly tenantOf?: (row: RowOf<K>) => string | undefined;
}
