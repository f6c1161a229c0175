/** Which addresses the control plane may call (NFR-06): hosts on the list, spelt plainly, and nothing that only looks so. */
import { Problem } from '@cloudlysis/contract';

export type Allowed = (endpoint: string) => URL;

/**
 * `list` is comma-separated; an entry is a host, or `host:port` to allow that port alone. Hosts are compared as the URL
 * parser writes them, so `0x7f.1`, `2130706433` and `127.0.0.1` are one host and `[::ffff:127.0.0.1]` is another.
 * @throws (the returned function) Problem `node.forbidden_host`
 */
export function allowlist(list: string): Allowed {
  const hosts = new Set(
    list
      .split(',')
      .map((entry) => entry.trim().toLowerCase())
      .filter((entry) => entry !== ''),
  );
  return (endpoint) => {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : refuse(endpoint, 'is not a URL');
    if (url.protocol !== 'http:' && url.protocol !== 'https:') refuse(endpoint, 'is neither http nor https');
    if (url.username !== '' || url.password !== '') refuse(url.host, 'carries user information');
    if (url.search !== '' || url.hash !== '') refuse(url.host, 'carries a query or a fragment');
    const host = url.hostname.toLowerCase();
    if (!hosts.has(host) && !hosts.has(`${host}:${portOf(url)}`)) refuse(url.host, 'is not on the outbound allowlist');
    return url;
  };
}

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80');

function refuse(what: string, why: string): never {
  throw new Problem('node.forbidden_host', `${what.slice(0, 256)} ${why}`);
}
