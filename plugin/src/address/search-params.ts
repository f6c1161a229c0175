/** The page's state is its address: reading and changing query parameters. */
import { useCallback, useLayoutEffect, useMemo, useRef } from 'react';
import { useLocation, useNavigate } from 'react-router';

/** null takes a parameter away. */
export type SearchChange = Record<string, string | null>;

/** `push` makes a step that "back" undoes; typing and filtering replace. */
export function useSearch(): [URLSearchParams, (change: SearchChange, how?: 'push' | 'replace') => void] {
  const { search, pathname } = useLocation();
  const navigate = useNavigate();
  const params = useMemo(() => new URLSearchParams(search), [search]);
  const latest = useRef({ search, pathname });
  useLayoutEffect(() => {
    latest.current = { search, pathname };
  }, [search, pathname]);
  const change = useCallback(
    (wanted: SearchChange, how: 'push' | 'replace' = 'replace') => {
      const next = new URLSearchParams(latest.current.search);
      for (const [name, value] of Object.entries(wanted)) {
        if (value === null || value === '') {
          next.delete(name);
        } else {
          next.set(name, value);
        }
      }
      const text = next.toString();
      // Two changes in one tick add up; the second would start from the address before the first.
      latest.current = { ...latest.current, search: text === '' ? '' : `?${text}` };
      navigate({ pathname: latest.current.pathname, search: latest.current.search }, { replace: how === 'replace' });
    },
    [navigate]
  );
  return [params, change];
}
