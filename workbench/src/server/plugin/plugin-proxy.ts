// `/api/plugin-proxy/<id>/…`: forwards to the backend with the caller's signed identity, and streams both ways.
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { type Account, emailOf } from '../accounts/accounts.ts';
import type { AppSettings } from './app-settings.ts';
import type { PluginJson } from './plugin-build.ts';
import { chooseRoute, routeHeaders, targetOf } from './proxy-route.ts';
import type { SigningKeys } from '../accounts/signing-keys.ts';

const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) };

export interface ProxyCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly account: Account;
  readonly plugin: PluginJson;
  readonly settings: AppSettings;
  readonly keys: SigningKeys;
  /** Below `/api/plugin-proxy/<id>/`, as the client escaped it. */
  readonly path: string;
  readonly search: string;
}

/** Throws a Refusal before anything is sent; afterwards the upstream's answer is the answer. */
export async function forward(call: ProxyCall): Promise<void> {
  const { request, response, account, settings } = call;
  const method = request.method ?? 'GET';
  const match = chooseRoute(call.plugin.routes ?? [], account, method, call.path);
  const target = targetOf(match, call.search, settings);
  const headers = {
    ...withoutCaller(request.headers),
    'x-forwarded-for': request.socket.remoteAddress ?? '',
    ...(request.headers.referer && { 'x-grafana-referer': request.headers.referer }),
    'x-grafana-context': JSON.stringify(contextOf(account)),
    'x-grafana-id': await call.keys.identityToken(account),
    ...lowerCased(routeHeaders(match.route, settings)),
  };
  send(target, method, headers, request, response);
}

function send(target: URL, method: string, headers: object, request: IncomingMessage, response: ServerResponse): void {
  const secure = target.protocol === 'https:';
  const upstream = (secure ? https : http).request(target, {
    method,
    headers: { ...headers },
    agent: agents[secure ? 'https:' : 'http:'],
  });
  upstream.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, withoutUpstreamCookies(answer.headers));
    // An event stream may be silent at first; without this the browser would not see it open.
    response.flushHeaders();
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  });
  upstream.on('error', () => {
    if (response.headersSent) return response.destroy();
    const repeatable = upstream.reusedSocket && /^(GET|HEAD)$/.test(method) && !response.destroyed;
    // The upstream closed an idle connection while we took it. Grafana's transport repeats reads, and only reads.
    if (repeatable) return send(target, method, headers, request, response);
    response.writeHead(502, { 'content-length': 0 }).end();
  });
  response.on('close', () => upstream.destroy());
  if (request.readableEnded) upstream.end();
  else request.pipe(upstream);
}

const HOP_BY_HOP = /^(host|connection|keep-alive|te|trailer|upgrade|transfer-encoding|expect|proxy-.*)$/;
const CALLERS_OWN = /^(cookie|authorization|origin|referer|x-forwarded-.*|x-grafana-.*)$/;

/** Without what the client must not decide: its credentials, where it comes from, who it claims to be. */
export function withoutCaller(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.test(name) && !CALLERS_OWN.test(name));
  return Object.fromEntries(kept);
}

function withoutUpstreamCookies(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { 'set-cookie': _cookies, connection: _connection, 'keep-alive': _idle, ...rest } = headers;
  return { ...rest, 'content-security-policy': 'sandbox' };
}

function contextOf(account: Account) {
  return {
    UserID: account.id,
    UserUID: `u${String(account.id).padStart(9, '0')}`,
    OrgID: 1,
    OrgName: 'Main Org.',
    OrgRole: account.role,
    Login: account.login,
    Name: account.name,
    Email: emailOf(account),
    AuthenticatedBy: 'password',
    IsGrafanaAdmin: account.role === 'Admin',
    IsAnonymous: false,
    Teams: [],
  };
}

const lowerCased = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
