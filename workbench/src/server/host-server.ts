// One listening host: signs in, serves the pages and files, answers the API, and proxies to the plugin's backend.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Account, SESSION_COOKIE, type Theme } from './accounts/accounts.ts';
import { callApi, readJson } from './api.ts';
import { bootData } from './pages/boot-data.ts';
import { navTree } from './pages/nav-tree.ts';
import { appPage, loginPage } from './pages/documents.ts';
import { forward } from './plugin/plugin-proxy.ts';
import { notFound, Refusal } from './accounts/refusal.ts';
import type { StaticFiles } from './static-files.ts';
import type { World } from './world.ts';

export interface Host {
  readonly world: World;
  /** The Grafana version this host's packages come from. */
  readonly version: string;
  readonly files: StaticFiles;
  /** Distinguishes one bundle from the next in the URLs of its entry files. */
  readonly bundle: string;
}

interface Visit {
  readonly host: Host;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly account: Account | undefined;
}

/** Resolves once the server listens on the loopback. */
export function startHost(host: Host, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    answer(host, request, response).catch((error: unknown) => refuse(response, error));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

async function answer(host: Host, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const visit: Visit = { host, request, response, url, account: host.world.accounts.caller(request.headers) };
  const { pathname } = url;
  if (pathname === '/login') return signIn(visit);
  if (pathname === '/logout') return signOut(visit);
  if (pathname.startsWith('/public/')) {
    const plugin = { id: host.world.build.json().id, folder: host.world.build.folder };
    return host.files.serve(request, response, decodeURIComponent(pathname.slice(8)), plugin);
  }
  if (pathname.startsWith('/api/')) return answerApi(visit);
  if (request.method !== 'GET' || pathname.startsWith('/apis/')) throw notFound();
  servePage(visit);
}

async function answerApi(visit: Visit): Promise<void> {
  const { host, request, response, url, account } = visit;
  const { world, version } = host;
  const method = request.method ?? 'GET';
  const path = url.pathname.slice(5);
  if (path === 'health') return sendJson(response, 200, { database: 'ok', version, commit: 'workbench' });
  if (path === 'signing-keys/keys') {
    response.setHeader('cache-control', 'public, max-age=3600');
    return sendJson(response, 200, world.keys.keySet());
  }
  if (!account) throw new Refusal(401, 'Unauthorized');
  const proxied = /^plugin-proxy\/([\w-]+)\/?(.*)$/.exec(path);
  if (!proxied) {
    const call = { world, version, account, query: url.searchParams, body: await readJson(request) };
    return sendJson(response, 200, callApi(method, path, call));
  }
  const plugin = world.build.json();
  // A disabled app has no routes at all.
  if (proxied[1] !== plugin.id || !world.settings.enabled) throw new Refusal(404, 'plugin route match not found');
  const { settings, keys } = world;
  const { search } = url;
  await forward({ request, response, account, plugin, settings, keys, path: proxied[2] ?? '', search });
}

function servePage({ host, response, url, account }: Visit): void {
  const target = url.pathname + url.search;
  if (!account) {
    return redirect(response, target === '/' ? '/login' : `/login?${new URLSearchParams({ redirectTo: target })}`);
  }
  const { world, version, bundle } = host;
  const theme = themeOf(url, account);
  const plugin = world.build.json();
  const nav = navTree(plugin, world.settings, account);
  const boot = bootData({ account, version, appUrl: world.issuer, theme, nav, plugin });
  const [script, style] = ['js', 'css'].map((kind) => `/public/build/main.${kind}?v=${bundle}`) as [string, string];
  sendHtml(response, 200, appPage(theme, boot, script, style, url.pathname === '/'));
}

/** `?theme=` counts for this page load only, as in Grafana; the user's preference is what stays. */
function themeOf(url: URL, account: Account): Theme {
  const asked = url.searchParams.get('theme');
  return asked === 'light' || asked === 'dark' ? asked : account.theme;
}

async function signIn(visit: Visit): Promise<void> {
  const { host, request, response, url } = visit;
  const { accounts } = host.world;
  const redirectTo = localPath(url.searchParams.get('redirectTo'));
  const direct = url.searchParams.get('user') ?? '';
  if (request.method !== 'POST') {
    // The links below the form: whose password is their login, as the three demo users' are, needs no typing.
    const demo = accounts.byPassword(direct, direct);
    if (!demo) return sendHtml(response, 200, loginPage(redirectTo, direct !== ''));
    openSession(visit, demo);
    return redirect(response, redirectTo);
  }
  const form = /urlencoded/.test(request.headers['content-type'] ?? '');
  const given = form ? await readForm(request) : await readJson(request);
  const account = accounts.byPassword(String(given.user ?? ''), String(given.password ?? ''));
  if (!account && form) return sendHtml(response, 401, loginPage(redirectTo, true));
  if (!account) throw new Refusal(401, 'Invalid username or password');
  openSession(visit, account);
  if (form) return redirect(response, redirectTo);
  sendJson(response, 200, { message: 'Logged in', redirectUrl: redirectTo });
}

function openSession({ host, response }: Visit, account: Account): void {
  const token = host.world.accounts.openSession(account);
  response.setHeader('set-cookie', `${SESSION_COOKIE}=${token}; Path=/; HttpOnly; SameSite=Lax`);
}

function signOut({ host, request, response }: Visit): void {
  host.world.accounts.endSession(request.headers.cookie);
  response.setHeader('set-cookie', `${SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax`);
  redirect(response, '/login');
}

async function readForm(request: IncomingMessage): Promise<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(Buffer.concat(await request.toArray()).toString()));
}

/** Anything but a path of this server becomes its home. */
const localPath = (path: string | null) => (path && /^\/(?![/\\])/.test(path) ? path : '/');

const redirect = (response: ServerResponse, location: string) => void response.writeHead(302, { location }).end();

const sendHtml = (response: ServerResponse, status: number, html: string) =>
  void response
    .writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    .end(html);

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (!response.hasHeader('cache-control')) response.setHeader('cache-control', 'no-store');
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  if (error instanceof Refusal) return sendJson(response, error.status, { message: error.message });
  console.error(error);
  sendJson(response, 500, { message: 'Internal server error' });
}
