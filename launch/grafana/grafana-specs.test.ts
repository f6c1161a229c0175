import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { freePort, temporaryFolder } from '../../testing/processes.ts';
import { chooseGrafana } from './grafana-choice.ts';
import { binarySpec, copyPlugin, grafanaHome, workbenchSpec } from './grafana-specs.ts';
import { portsFrom } from '../machine/ports.ts';
import { root } from '../machine/programs.ts';
import { Supervisor } from '../supervisor/supervisor.ts';

const settings = { CONTROL_API_URL: 'http://127.0.0.1:4000', PLUGIN_BEARER: 'of-the-test' };

// Listens as Grafana would, where its environment says, and tells how it was called.
const fake = `#!${process.execPath}
console.log(JSON.stringify({ args: process.argv.slice(2), env: process.env }));
require('node:http')
  .createServer((request, response) => response.writeHead(request.url === '/api/signing-keys/keys' ? 200 : 404).end('{}'))
  .listen(process.env.GF_SERVER_HTTP_PORT, process.env.GF_SERVER_HTTP_ADDR);
`;

function grafanaIn(folder: string, name = 'grafana'): string {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'conf'), { recursive: true });
  writeFileSync(join(folder, 'conf', 'defaults.ini'), '');
  const program = join(folder, 'bin', name);
  writeFileSync(program, fake);
  chmodSync(program, 0o755);
  return program;
}

function binary(program: string, port: number) {
  const choice = chooseGrafana({}, portsFrom({ PORT_GRAFANA: String(port) }), () => program);
  if (choice.kind !== 'binary') throw new Error(choice.kind);
  return choice;
}

it('a grafana on PATH is started on loopback, with its own data, our provisioning and the unsigned plugin', async () => {
  const folder = temporaryFolder('grafana');
  const program = grafanaIn(folder);
  const port = await freePort();
  const lines: string[] = [];
  const supervisor = new Supervisor({ line: (_, text) => void lines.push(text), started: () => undefined });
  await supervisor.start([binarySpec(binary(program, port), settings, join(folder, 'state'))]);
  await supervisor.stop();
  const { args, env } = JSON.parse(lines[0] ?? '') as { args: string[]; env: Record<string, string> };
  expect(args).toEqual(['server', `--config=${folder}/state/grafana.ini`, `--homepath=${folder}`]);
  expect(env).toMatchObject({
    ...settings,
    GF_SERVER_HTTP_ADDR: '127.0.0.1',
    GF_SERVER_ROOT_URL: `http://127.0.0.1:${port}/`,
    GF_PATHS_DATA: join(folder, 'state', 'data'),
    GF_PATHS_PLUGINS: join(folder, 'state', 'plugins'),
    GF_PATHS_PROVISIONING: join(root, 'provisioning'),
    GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS: 'cloudlysis-control-app',
  });
});

it('the old grafana-server takes no subcommand; a program without conf/ beside it gets no home', () => {
  const folder = temporaryFolder('grafana');
  const spec = binarySpec(binary(grafanaIn(folder, 'grafana-server'), 3000), settings, folder);
  expect(spec.args[0]).toBe(`--config=${folder}/grafana.ini`);
  const link = join(folder, 'on-path');
  symlinkSync(join(folder, 'bin', 'grafana-server'), link);
  expect(grafanaHome(link)).toBe(folder);
});

it('the plugin is copied anew to where Grafana looks for it', () => {
  const folder = temporaryFolder('plugins');
  const dist = join(folder, 'dist');
  mkdirSync(join(dist, 'img'), { recursive: true });
  for (const content of ['1', '2']) {
    writeFileSync(join(dist, 'module.js'), content);
    copyPlugin(folder, dist);
  }
  expect(readFileSync(join(folder, 'plugins', 'cloudlysis-control-app', 'module.js'), 'utf8')).toBe('2');
});

it('both hosts of the workbench are one process with one issuer', () => {
  const choice = chooseGrafana({ WORKBENCH: '12,13' }, portsFrom({}), () => undefined);
  if (choice.kind !== 'workbench') throw new Error(choice.kind);
  const { args, env } = workbenchSpec(choice, settings, '/state');
  expect(args.slice(1, 7)).toEqual(['--serve', '12:3000', '--serve', '13:3001', '--issuer', 'http://127.0.0.1:3000/']);
  expect(args.slice(7)).toEqual([
    '--provisioning',
    join(root, 'provisioning'),
    '--dist',
    join(root, 'plugin', 'dist'),
    '--state',
    '/state',
  ]);
  expect(env).toEqual(settings);
});

it('the provisioning names the plugin, and the variables that whoever starts a Grafana sets', () => {
  const file = readFileSync(join(root, 'provisioning', 'plugins', 'cloudlysis-control.yaml'), 'utf8');
  const plugin = JSON.parse(readFileSync(join(root, 'plugin', 'src', 'plugin.json'), 'utf8')) as { id: string };
  const { apps } = parse(file) as { apps: Record<string, unknown>[] };
  expect(apps).toMatchObject([{ type: plugin.id, org_id: 1, disabled: false }]);
  const named = Object.keys(settings).map((name) => `$${name}`);
  expect(file.match(/\$\w+/g)?.toSorted()).toEqual(named.toSorted());
});
