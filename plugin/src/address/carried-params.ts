/** What every link takes along from the page it is on. */
import { useLocation } from 'react-router';

/** The tenant and the time range travel through every link, between pages and dashboards alike (MIS-07). */
const CARRIED = ['var-tenant_id', 'from', 'to'] as const;

/** Pure; what the link itself says wins. */
export function carry(href: string, from: URLSearchParams): string {
  const [path = '', query] = href.split('?');
  const search = new URLSearchParams(query);
  for (const name of CARRIED) {
    const value = from.get(name);
    if (value !== null && !search.has(name)) {
      search.set(name, value);
    }
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Completes a link with what travels along. */
export function useCarry(): (href: string) => string {
  const { search } = useLocation();
  return (href) => carry(href, new URLSearchParams(search));
}
