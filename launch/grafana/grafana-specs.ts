// How the chosen Grafana is run: a real one with our provisioning and the built plugin, or the workbench in its place.
import { cpSync, existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { GrafanaChoice } from './grafana-choice.ts';
import { pluginDist, pluginId } from '../plugin/plugin-build.ts';
import { root } from '../machine/programs.ts';
import type { Spec } from '../supervisor/supervised.ts';

/** What the provisioned app is set up with; the names are those of provisioning/plugins/cloudlysis-control.yaml. */
export interface AppSettings {
  readonly CONTROL_API_URL: string;
  readonly PLUGIN_BEARER: string;
}

type Binary = Extract<GrafanaChoice, { kind: 'binary' }>;
type Workbench = Extract<GrafanaChoice, { kind: 'workbench' }>;

const provisioning = join(root, 'provisioning');
// A real Grafana makes its database at the first start; the workbench bundles its hosts (5 s each, more when busy).
const readyWithin = 120_000;

/** Its own data, plugins and settings in `folder`: nothing of a Grafana that is installed on the machine is touched. */
export function binarySpec(choice: Binary, settings: AppSettings, folder: string): Spec {
  const { program, port, url, issuer } = choice;
  const config = join(folder, 'grafana.ini');
  const home = grafanaHome(program);
  const args = [`--config=${config}`, ...(home ? [`--homepath=${home}`] : [])];
  mkdirSync(folder, { recursive: true });
  writeFileSync(config, '# Read in place of /etc/grafana/grafana.ini; the settings are in the environment.\n');
  return {
    name: 'grafana',
    program,
    args: basename(program) === 'grafana-server' ? args : ['server', ...args],
    env: { ...settings, ...grafanaEnv({ port, root_url: issuer, folder }) },
    ready: () => keysAt(url),
    readyWithin,
    stopWithin: 10_000,
  };
}

function grafanaEnv({ port, root_url, folder }: { port: number; root_url: string; folder: string }) {
  return {
    GF_SERVER_HTTP_ADDR: '127.0.0.1',
    GF_SERVER_HTTP_PORT: String(port),
    GF_SERVER_ROOT_URL: root_url,
    GF_SECURITY_ADMIN_USER: 'admin',
    GF_SECURITY_ADMIN_PASSWORD: 'admin',
    GF_PATHS_DATA: join(folder, 'data'),
    GF_PATHS_LOGS: join(folder, 'logs'),
    GF_PATHS_PLUGINS: join(folder, 'plugins'),
    GF_PATHS_PROVISIONING: provisioning,
    GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS: pluginId,
    // It would fetch plugins and news from grafana.com, and report to it.
    GF_PLUGINS_PREINSTALL_DISABLED: 'true',
    GF_ANALYTICS_REPORTING_ENABLED: 'false',
    GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
    GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
    GF_NEWS_NEWS_FEED_ENABLED: 'false',
    GF_LOG_MODE: 'console',
    GF_LOG_LEVEL: 'warn',
  };
}

/** Where the binary's conf/ and public/ are: in its archive, a package or Homebrew. A wrapper script knows for itself. */
export function grafanaHome(program: string): string | undefined {
  const prefix = join(dirname(realpathSync(program)), '..');
  const places = [prefix, join(prefix, 'share', 'grafana'), '/usr/share/grafana'];
  return places.find((place) => existsSync(join(place, 'conf', 'defaults.ini')));
}

/** A copy, for Grafana refuses files that a link leads to outside of its plugins folder. */
export function copyPlugin(folder: string, dist = pluginDist): void {
  const place = join(folder, 'plugins', pluginId);
  rmSync(place, { recursive: true, force: true });
  cpSync(dist, place, { recursive: true });
}

/** Its signing key stays in `folder`, so that a restarted one signs with what the backend already trusts. */
export function workbenchSpec({ hosts, issuer }: Workbench, settings: AppSettings, folder: string): Spec {
  const serve = hosts.flatMap(({ version, port }) => ['--serve', `${version}:${port}`]);
  const where = ['--issuer', issuer, '--provisioning', provisioning, '--dist', pluginDist, '--state', folder];
  return {
    name: 'workbench',
    program: process.execPath,
    args: [join(root, 'workbench', 'src', 'main.ts'), ...serve, ...where],
    env: { ...settings },
    ready: async () => void (await Promise.all(hosts.map(({ url }) => keysAt(url)))),
    readyWithin,
    stopWithin: 5_000,
  };
}

// Asked for its keys, not for its health: they are what the backend needs of it, and it answers without a sign-in.
async function keysAt(url: string): Promise<void> {
  const answer = await fetch(`${url}/api/signing-keys/keys`, { signal: AbortSignal.timeout(2_000) });
  if (!answer.ok) throw new Error(`${url}/api/signing-keys/keys answers ${answer.status}`);
  await answer.body?.cancel();
}
