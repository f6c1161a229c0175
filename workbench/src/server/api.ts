// The part of Grafana's HTTP API that an app plugin, this host and @grafana/plugin-e2e call.
import type { IncomingMessage } from 'node:http';
import { type Account, emailOf, isRole, type Theme } from './accounts/accounts.ts';
import { accessDenied, notFound, Refusal } from './accounts/refusal.ts';
import type { World } from './world.ts';

export interface ApiCall {
  readonly world: World;
  readonly version: string;
  readonly account: Account;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  readonly params: readonly string[];
}

type Handler = (call: ApiCall) => unknown;
interface Endpoint {
  readonly method: string;
  readonly path: RegExp;
  /** Grafana's name of the permission that only administrators hold here. */
  readonly adminOnly?: string;
  readonly handler: Handler;
}

const ENDPOINTS: readonly Endpoint[] = [
  { method: 'GET', path: /^login\/ping$/, handler: () => ({ message: 'Logged in' }) },
  { method: 'GET', path: /^user$/, handler: ({ account }) => describeUser(account) },
  { method: 'GET', path: /^user\/preferences$/, handler: ({ account }) => ({ theme: account.theme }) },
  { method: 'PUT', path: /^user\/preferences$/, handler: savePreferences },
  { method: 'PATCH', path: /^user\/preferences$/, handler: savePreferences },
  { method: 'GET', path: /^plugins\/([\w-]+)\/settings$/, handler: readSettings },
  { method: 'POST', path: /^plugins\/([\w-]+)\/settings$/, adminOnly: 'plugins:write', handler: writeSettings },
  { method: 'POST', path: /^admin\/users$/, adminOnly: 'users:create', handler: createUser },
  { method: 'GET', path: /^users\/lookup$/, adminOnly: 'users:read', handler: lookUpUser },
  { method: 'PATCH', path: /^org\/users\/(\d+)$/, adminOnly: 'org.users:write', handler: changeRole },
];

/** `path` is what follows `/api/`. Throws a Refusal: 404 unknown, 403 not an administrator. */
export function callApi(method: string, path: string, call: Omit<ApiCall, 'params'>): unknown {
  for (const endpoint of ENDPOINTS) {
    const found = endpoint.method === method && endpoint.path.exec(path);
    if (!found) continue;
    if (endpoint.adminOnly && call.account.role !== 'Admin') throw accessDenied(endpoint.adminOnly);
    return endpoint.handler({ ...call, params: found.slice(1) });
  }
  throw notFound();
}

/** An empty body is an empty object; throws 400 for anything but a JSON object. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = Buffer.concat(await request.toArray()).toString();
  if (!text) return {};
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new Refusal(400, 'bad request data');
  }
}

const describeUser = (account: Account) => ({
  id: account.id,
  login: account.login,
  name: account.name,
  email: emailOf(account),
  theme: account.theme,
  orgId: 1,
  isGrafanaAdmin: account.role === 'Admin',
  authLabels: [],
});

function savePreferences({ account, body }: ApiCall) {
  if (body.theme) account.theme = (body.theme === 'light' ? 'light' : 'dark') satisfies Theme;
  return { message: 'Preferences updated' };
}

function readSettings({ world, params }: ApiCall) {
  if (params[0] !== world.build.json().id) throw unknownPlugin();
  return world.settings.describe(world.build);
}

function writeSettings({ world, params, body }: ApiCall) {
  if (params[0] !== world.build.json().id) throw unknownPlugin();
  world.settings.change(body);
  return { message: 'Plugin settings updated' };
}

function createUser({ world, body }: ApiCall) {
  const login = String(body.login ?? body.email ?? '');
  const account = world.accounts.create(login, String(body.password ?? ''), 'Viewer', String(body.name || login));
  return { id: account.id, uid: `u${String(account.id).padStart(9, '0')}`, message: 'User created' };
}

function lookUpUser({ world, query }: ApiCall) {
  const account = world.accounts.byLogin(query.get('loginOrEmail') ?? '');
  if (!account) throw new Refusal(404, 'user not found');
  return describeUser(account);
}

function changeRole({ world, params, body }: ApiCall) {
  const account = world.accounts.byId(Number(params[0]));
  if (!account) throw new Refusal(404, 'user not found');
  if (!isRole(body.role)) throw new Refusal(400, 'Invalid role specified');
  account.role = body.role;
  return { message: 'Organization user updated' };
}

const unknownPlugin = () => new Refusal(404, 'Plugin not found, no installed plugin with that id');
