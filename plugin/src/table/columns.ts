/** What a list page says about its list; everything else is the table's. */
import type { MutationId } from '@cloudlysis/contract';
import type { IconName } from '@grafana/data';
import type { ReactNode } from 'react';
import type { ChangeInput } from '../change/change-input';
import type { Option } from '../values/options';

export interface Column<T> {
  readonly id: string;
  readonly header: string;
  readonly cell: (row: T) => ReactNode;
  /** CSS width, such as `120px`; what is left is shared by columns without one. */
  readonly width?: string;
  readonly align?: 'right';
  /** Name the server sorts by; its descending order is the same name behind a minus. */
  readonly sort?: string;
}

export interface Filter {
  /** Query parameter, the same in the page's address and in the request. */
  readonly name: string;
  readonly label: string;
  /** Set by links alone: it has a chip, and no field in the bar. */
  readonly linked?: true;
  /** What there is to choose; free text where absent. */
  readonly options?: readonly Option[] | (() => Promise<Option[]>);
}

/** What can be done with one row, or with several at once. */
export interface RowAction<T> {
  readonly label: string;
  readonly icon?: IconName;
  readonly change?: MutationId;
  readonly input?: (row: T) => ChangeInput;
  readonly href?: (row: T) => string;
  /** Absent where the row's state makes it pointless. */
  readonly shown?: (row: T) => boolean;
}

export interface BulkAction<T> {
  readonly label: string;
  readonly change: MutationId;
  readonly input: (rows: readonly T[]) => ChangeInput;
}
