// The world of the browser journeys in one process: the whole system, both hosts before it, and what journeys may do to it.
import { randomBytes } from 'node:crypto';
import { startStack } from '../../../backend/testing/stack.ts';
import { serveControl } from './control-server.ts';
import { freeHostUrls, Hosts } from './hosts.ts';
import { World } from './world.ts';

const TENANTS = 12;

const urls = await freeHostUrls();
const PLUGIN_BEARER = randomBytes(24).toString('base64url');
const stack = await startStack({
  tenants: TENANTS,
  ownMongo: true,
  env: {
    GRAFANA_URL: urls['12'],
    GRAFANA_ISSUER: urls['12'],
    GRAFANA_ROLE_MAP: 'Admin=owner,Editor=operator,Viewer=read-only',
    PLUGIN_BEARER,
  },
});
const hosts = new Hosts(urls, { CONTROL_API_URL: stack.url(), PLUGIN_BEARER });
const world = new World(stack, PLUGIN_BEARER);
const { url: control, server } = await serveControl(world);

let stopping: Promise<void> | undefined;
async function stop(): Promise<void> {
  server.close();
  server.closeAllConnections();
  await world.stopLoad().catch(() => undefined);
  await hosts.stop();
  await stack.stop();
  process.exit();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (stopping ??= stop()));
// The one who started it is gone, however it went.
process.on('disconnect', () => (stopping ??= stop()));

try {
  await hosts.untilReady();
  const told = { control, hosts: urls };
  process.send?.(told);
  process.stdout.write(`${JSON.stringify(told)}\n`);
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
  await (stopping ??= stop());
}
