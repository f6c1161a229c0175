// Makes the app ready in the chosen Grafana, and says where it is, or how it is put into a Grafana that runs elsewhere.
import { join } from 'node:path';
import type { GrafanaChoice } from './grafana-choice.ts';
import { binarySpec, copyPlugin, workbenchSpec, type AppSettings } from './grafana-specs.ts';
import { ensureInstalled } from '../packages/package-roots.ts';
import { ensurePluginBuilt, pluginId } from '../plugin/plugin-build.ts';
import { stateDir } from '../machine/programs.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

export const appPath = `/a/${pluginId}`;

/** Installs and builds what is missing, then starts the Grafana; nothing to start when it runs elsewhere. */
export async function openApp(
  choice: GrafanaChoice,
  settings: AppSettings,
  supervisor: Supervisor,
  signal: AbortSignal,
): Promise<void> {
  if (choice.kind === 'given') return;
  await ensurePluginBuilt(signal);
  if (choice.kind === 'workbench')
    await ensureInstalled(
      choice.hosts.map(({ version }) => `workbench/grafana-${version}` as const),
      signal,
    );
  const folder = join(stateDir, choice.kind === 'binary' ? 'grafana' : 'workbench');
  if (choice.kind === 'binary') copyPlugin(folder);
  await supervisor.start([
    choice.kind === 'binary' ? binarySpec(choice, settings, folder) : workbenchSpec(choice, settings, folder),
  ]);
}

/** Rows of the closing table: where the app is and who may sign in. */
export function appRows(choice: GrafanaChoice): string[][] {
  if (choice.kind === 'given')
    return [['app', `${choice.url}${appPath}`, 'GRAFANA_URL, once installed there: see below']];
  if (choice.kind === 'binary') return [['app', `${choice.url}${appPath}`, 'grafana on PATH, sign in as admin/admin']];
  return choice.hosts.map(({ version, url }) => [
    'app',
    `${url}${appPath}`,
    `workbench in place of Grafana ${version}: admin/admin, editor/editor, viewer/viewer`,
  ]);
}

/** What to do with a Grafana that is not ours to start; empty for the others. */
export function installText(choice: GrafanaChoice, { CONTROL_API_URL }: AppSettings): string {
  if (choice.kind !== 'given') return '';
  return `
To open the app in ${choice.url}, once (that Grafana must be ≥ 12.2.5 and reach ${CONTROL_API_URL}):
  1. npm run package, and unzip plugin/artifacts/${pluginId}-*.zip in its plugins folder ([paths] plugins)
  2. in grafana.ini: [plugins] allow_loading_unsigned_plugins = ${pluginId}
  3. copy provisioning/plugins/cloudlysis-control.yaml to its provisioning/plugins/, and set in its environment
       CONTROL_API_URL=${CONTROL_API_URL}
       PLUGIN_BEARER="$(node -p 'JSON.parse(fs.readFileSync("${join(stateDir, 'keys', 'secrets.json')}")).plugin_bearer')"
  4. restart it
The backend trusts ID tokens issued by ${choice.issuer} with the keys at ${choice.url}/api/signing-keys/keys;
set GRAFANA_ISSUER if that Grafana's root_url is another.
`;
}
