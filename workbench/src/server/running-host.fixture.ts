// A host over a plugin.json of the test's own, without a bundle, and a backend to proxy to.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHost } from './host-server.ts';
import type { PluginJson } from './plugin/plugin-build.ts';
import type { ProxyRoute } from './plugin/proxy-route.ts';
import { StaticFiles } from './static-files.ts';
import { createWorld } from './world.ts';

export const ISSUER = 'http://grafana.test/';
export const ID = 'some-app';

const plugin = (routes: readonly ProxyRoute[]): PluginJson => ({
  id: ID,
  name: 'Some app',
  type: 'app',
  info: { version: '1.2.3', logos: { small: 'img/logo.svg', large: 'img/logo.svg' } },
  includes: [
    { type: 'page', name: 'One', path: `/a/${ID}/one`, role: 'Viewer', addToNav: true, defaultNav: true },
    { type: 'page', name: 'Secret', path: `/a/${ID}/secret`, role: 'Admin', addToNav: true },
    { type: 'page', name: 'Hidden', path: `/a/${ID}/hidden` },
  ],
  routes,
});

export interface RunningHost extends AsyncDisposable {
  readonly url: string;
  readonly proxy: string;
  /** Headers that make a request one of this user. */
  as(login: 'admin' | 'editor' | 'viewer'): { authorization: string };
}

export interface HostUnderTest {
  readonly routes?: readonly ProxyRoute[];
  readonly jsonData?: Record<string, unknown>;
  readonly enabled?: boolean;
}

export async function runHost({ routes = [], jsonData = {}, enabled = true }: HostUnderTest): Promise<RunningHost> {
  const dist = mkdtempSync(join(tmpdir(), 'plugin-'));
  writeFileSync(join(dist, 'plugin.json'), JSON.stringify(plugin(routes)));
  writeFileSync(join(dist, 'module.js'), 'define([],()=>({}))');
  const provisioning = mkdtempSync(join(tmpdir(), 'provisioning-'));
  mkdirSync(join(provisioning, 'plugins'));
  const app = { type: ID, disabled: !enabled, jsonData, secureJsonData: { apiToken: '$API_TOKEN' } };
  writeFileSync(join(provisioning, 'plugins', 'app.yaml'), JSON.stringify({ apps: [app] }));
  const world = await createWorld({ issuer: ISSUER, dist, provisioning, environment: { API_TOKEN: 's3cret' } });
  const server = await startHost({ world, version: '12.2.1', bundle: 'b1', files: new StaticFiles(dist) }, 0);
  const url = urlOf(server);
  return {
    url,
    proxy: `${url}/api/plugin-proxy/${ID}`,
    as: (login) => ({ authorization: `Basic ${Buffer.from(`${login}:${login}`).toString('base64')}` }),
    [Symbol.asyncDispose]: () => stop(server),
  };
}

/** A backend on the loopback; give its `url` to the routes. */
export async function runBackend(listener: RequestListener): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: urlOf(server), [Symbol.asyncDispose]: () => stop(server) };
}

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
