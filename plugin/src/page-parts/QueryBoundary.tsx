/** One query, one of four states: loading, failed, empty, there. What was read stays in sight when a later look fails. */
import React, { type ReactNode } from 'react';
import type { UseQueryResult } from '@tanstack/react-query';
import Skeleton from 'react-loading-skeleton';
import { FaultView } from './FaultView';

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  /** Shown while nothing was read yet; its height should be that of what comes. */
  loading?: ReactNode;
  isEmpty?: (data: T) => boolean;
  empty?: ReactNode;
}

export function QueryBoundary<T>({ query, children, loading, isEmpty, empty = null }: Props<T>) {
  if (query.data === undefined) {
    return query.isError ? (
      <FaultView error={query.error} onRetry={() => query.refetch()} />
    ) : (
      <div role="status" aria-label="Loading">
        {loading ?? <Skeleton count={6} height={28} />}
      </div>
    );
  }
  return <>{isEmpty?.(query.data) ? empty : children(query.data)}</>;
}
