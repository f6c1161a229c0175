/** A list of the service behind one page of the plugin: filters from the address, pages as they are scrolled to. */
import type { ReadAnswer } from '@cloudlysis/contract';
import { keepPreviousData, useInfiniteQuery, type InfiniteData } from '@tanstack/react-query';
import { useMemo } from 'react';
import { control } from '../api/control';
import { lookingAgain, type PlainRead } from '../api/queries';
import { useSearch } from '../address/search-params';

/** Reads that answer one page of items. */
export type ListRead = {
  [K in PlainRead]: ReadAnswer<K> extends { items: unknown[]; next_cursor: string | null } ? K : never;
}[PlainRead];
export type RowOf<K extends ListRead> = ReadAnswer<K>['items'][number];

export type ListQuery = Record<string, string>;

const PAGE = 100;
const EVERY_MS = 5_000;
/** A list that was scrolled far is not asked for again as a whole every few seconds. */
const FRESH_PAGES = 2;

/** The query parameters of a page that are the list's: the named ones that are set. */
export function useListQuery(names: readonly string[], fixed: ListQuery = {}): ListQuery {
  const [params] = useSearch();
  const key = JSON.stringify([names.map((name) => [name, params.get(name)]), fixed]);
  return useMemo(() => {
    const [entries, always] = JSON.parse(key) as [Array<[string, string | null]>, ListQuery];
    return { ...Object.fromEntries(entries.filter((entry): entry is [string, string] => !!entry[1])), ...always };
  }, [key]);
}

export function useList<K extends ListRead>(id: K, query: ListQuery) {
  type Page = ReadAnswer<K>;
  const list = useInfiniteQuery({
    queryKey: [id, 'pages', query],
    queryFn: ({ pageParam, signal }): Promise<Page> => {
      const input = { query: { ...query, limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) }, signal };
      return (control.read as (id: K, input: unknown) => Promise<Page>)(id, input);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page) => last.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: (asked) => {
      const pages = (asked.state.data as InfiniteData<Page> | undefined)?.pages.length ?? 0;
      return lookingAgain(pages <= FRESH_PAGES ? EVERY_MS : false)(asked);
    },
  });
  const pages = list.data?.pages;
  const rows = useMemo(() => pages?.flatMap((page) => page.items as Array<RowOf<K>>), [pages]);
  // Each page may name all that a list left out.
  const unreadable = useMemo(() => {
    const named = pages?.flatMap((page) => page.unreadable ?? []) ?? [];
    return [...new Map(named.map((one) => [one.id, one])).values()];
  }, [pages]);
  return { list, rows, total: totalOf(pages?.[0]), unreadable };
}

const totalOf = (page: object | undefined): number | null =>
  page !== undefined && 'total' in page && typeof page.total === 'number' ? page.total : null;
