// Decides which route of plugin.json a proxied request takes and where it leads. Pure; measured against Grafana 12.2.
import { type Account, hasRole } from '../accounts/accounts.ts';
import { Refusal } from '../accounts/refusal.ts';

export interface ProxyRoute {
  readonly path: string;
  readonly method?: string;
  readonly reqRole?: string;
  readonly url: string;
  readonly headers?: readonly { readonly name: string; readonly content: string }[];
}

export interface TemplateData {
  readonly jsonData: Record<string, unknown>;
  readonly secureJsonData: Record<string, string>;
}

export interface RouteMatch {
  readonly route: ProxyRoute;
  /** What the wildcard stands for; empty for a route that matches only itself. */
  readonly rest: string;
}

/** The first route whose method and path fit wins, even when a later one would let the caller through. */
export function matchRoute(routes: readonly ProxyRoute[], method: string, path: string): RouteMatch | undefined {
  for (const route of routes) {
    if (route.method && route.method !== '*' && route.method !== method) continue;
    const rest = restOf(trimSlashes(route.path), trimSlashes(path));
    if (rest !== undefined) return { route, rest };
  }
  return undefined;
}

function restOf(pattern: string, path: string): string | undefined {
  if (pattern === '*') return path;
  if (!pattern.endsWith('/*')) return pattern === path ? '' : undefined;
  const stem = pattern.slice(0, -1);
  return path.startsWith(stem) ? path.slice(stem.length) : undefined;
}

/** Throws what Grafana answers: 404 when no route fits, 403 when the caller's role does not reach. */
export function chooseRoute(routes: readonly ProxyRoute[], account: Account, method: string, path: string): RouteMatch {
  const match = matchRoute(routes, method, path);
  if (!match) throw new Refusal(404, 'plugin route match not found');
  if (!hasRole(account, match.route.reqRole)) throw new Refusal(403, 'plugin proxy route access denied');
  return match;
}

/** Where the request goes; throws 500 when the settings do not yield an http(s) URL. */
export function targetOf({ route, rest }: RouteMatch, search: string, data: TemplateData): URL {
  const base = fillTemplate(route.url, data);
  const target = URL.parse(rest ? `${base.replace(/\/+$/, '')}/${rest}` : base);
  if (!target || !/^https?:$/.test(target.protocol))
    throw new Refusal(500, `Failed to interpolate plugin route url: ${base}`);
  // A route's own parameters stay; the caller's follow.
  if (search) target.search = target.search ? `${target.search}&${search.slice(1)}` : search;
  return target;
}

export function routeHeaders(route: ProxyRoute, data: TemplateData): Record<string, string> {
  return Object.fromEntries((route.headers ?? []).map(({ name, content }) => [name, fillTemplate(content, data)]));
}

export function fillTemplate(template: string, data: TemplateData): string {
  return template.replace(/\{\{\s*\.(JsonData|SecureJsonData)\.(\w+)\s*\}\}/g, (_, source: string, name: string) =>
    String((source === 'JsonData' ? data.jsonData : data.secureJsonData)[name] ?? '<no value>'),
  );
}

const trimSlashes = (path: string) => path.replace(/^\/+|\/+$/g, '');
