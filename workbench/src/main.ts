// Starts one or more hosts in one process: `main.ts --serve 12:3000 --serve 13:3001 --provisioning … --dist …`.
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildHost, type HostMajor, packageRoot } from './build.ts';
import { startHost } from './server/host-server.ts';
import { StaticFiles } from './server/static-files.ts';
import { createWorld } from './server/world.ts';

const { env } = process;
const repository = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    serve: { type: 'string', multiple: true },
    host: { type: 'string', default: env.WORKBENCH_HOST ?? '12' },
    port: { type: 'string', default: env.WORKBENCH_PORT ?? '3000' },
    issuer: { type: 'string' },
    provisioning: { type: 'string', default: env.WORKBENCH_PROVISIONING ?? join(repository, 'provisioning') },
    dist: { type: 'string', default: env.WORKBENCH_DIST ?? join(repository, 'plugin/dist') },
    state: { type: 'string' },
  },
});

const hosts = (values.serve ?? [`${values.host}:${values.port}`]).map((pair) => {
  const [major, port] = pair.split(':');
  if ((major !== '12' && major !== '13') || !Number(port)) throw new Error(`Not a host: ${pair} (like 12:3000)`);
  return { major: major as HostMajor, port: Number(port) };
});

const world = await createWorld({
  issuer: values.issuer ?? env.WORKBENCH_ISSUER ?? `http://127.0.0.1:${hosts[0]?.port}`,
  dist: values.dist,
  provisioning: values.provisioning,
  state: values.state ?? env.WORKBENCH_STATE,
});

const versionOf = (root: string) =>
  JSON.parse(readFileSync(join(root, 'node_modules/@grafana/runtime/package.json'), 'utf8')).version as string;

const servers: Server[] = [];
for (const { major, port } of hosts) {
  const root = packageRoot(major);
  const bundle = await buildHost(major);
  const version = versionOf(root);
  servers.push(await startHost({ world, version, bundle, files: new StaticFiles(root) }, port));
  console.log(`workbench ready: Grafana ${version} packages on http://127.0.0.1:${port}`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });
}
