/** Which addresses the control plane may call (NFR-06): host and port on the list, spelt plainly, and nothing that only looks so. */
import { Problem } from '@cloudlysis/contract';

export type Allowed = (endpoint: string) => URL;

interface Range {
  readonly from: number;
  readonly to: number;
}

const ENTRY = /^(\[[^\]]*\]|[^:[\]/@?#\s]+):(\d{1,5})(?:-(\d{1,5}))?$/;
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?)$/;

/**
 * `list` is comma-separated; an entry is `host:port` or `host:first-last`, with an IPv6 address in brackets. A host by
 * itself is refused: whatever listens on any port of it would be sent the node token. Hosts are compared as the URL
 * parser writes them, so `0x7f.1`, `2130706433` and `127.0.0.1` are one host and `[::ffff:127.0.0.1]` is another.
 * @throws Error that says of each wrong entry what to write; (the returned function) Problem `node.forbidden_host`
 */
export function allowlist(list: string): Allowed {
  const entries = list.split(',').flatMap((entry) => entry.trim() || []);
  const wrong = entries.flatMap((entry) => wrongWith(entry) ?? []);
  if (wrong.length > 0) throw new Error(wrong.join('; '));
  const ports = new Map<string, Range[]>();
  for (const entry of entries) {
    const { host, range } = parsed(entry)!;
    ports.set(host, [...(ports.get(host) ?? []), range]);
  }
  return (endpoint) => {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : refuse(endpoint, 'is not a URL');
    if (url.protocol !== 'http:' && url.protocol !== 'https:') refuse(endpoint, 'is neither http nor https');
    if (url.username !== '' || url.password !== '') refuse(url.host, 'carries user information');
    if (url.search !== '' || url.hash !== '') refuse(url.host, 'carries a query or a fragment');
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const allowed = ports.get(url.hostname)?.some(({ from, to }) => from <= port && port <= to);
    if (!allowed) refuse(`${url.hostname}:${port}`, 'is not on the outbound allowlist (OUTBOUND_ALLOWLIST)');
    return url;
  };
}

function parsed(entry: string): { host: string; range: Range } | null {
  const [, name = '', first, last] = ENTRY.exec(entry) ?? [];
  const host = first !== undefined && URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname : '';
  const [from, to] = [Number(first), Number(last ?? first)];
  const isRange = 1 <= from && from <= to && to <= 65_535;
  return HOST.test(host) && isRange ? { host, range: { from, to } } : null;
}

function wrongWith(entry: string): string | null {
  if (parsed(entry)) return null;
  const isBare = parsed(`${entry}:1`) !== null;
  const isAddress = !isBare && entry.includes(':') && parsed(`[${entry}]:1`) !== null;
  const host = isAddress ? `[${entry}]` : isBare ? entry : 'host';
  const why = isBare || isAddress ? 'names no port' : 'is not host:port';
  return `"${entry.slice(0, 256)}" ${why}: write ${host}:8101 for one port, ${host}:8101-8122 for a range of ports`;
}

function refuse(what: string, why: string): never {
  throw new Problem('node.forbidden_host', `${what.slice(0, 256)} ${why}`);
}
