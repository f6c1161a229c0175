// What an administrator, or provisioning, has set for the app. Secrets go in and never come out.
import type { PluginBuild, PluginJson } from './plugin-build.ts';
import { type ProvisionedApp } from './provisioning.ts';

export interface SettingsChange {
  readonly enabled?: boolean;
  readonly pinned?: boolean;
  readonly jsonData?: Record<string, unknown>;
  readonly secureJsonData?: Record<string, string>;
}

export class AppSettings {
  enabled = false;
  pinned = false;
  jsonData: Record<string, unknown> = {};
  secureJsonData: Record<string, string> = {};

  provision(app: ProvisionedApp): void {
    this.change({ enabled: !app.disabled, pinned: true, jsonData: app.jsonData, secureJsonData: app.secureJsonData });
  }

  /** Replaces all but the secrets. Of those only the named ones change: a form cannot send back what it never saw. */
  change(change: SettingsChange): void {
    this.enabled = change.enabled ?? false;
    this.pinned = change.pinned ?? false;
    this.jsonData = change.jsonData ?? {};
    this.secureJsonData = { ...this.secureJsonData, ...change.secureJsonData };
  }

  /** The answer of `GET /api/plugins/<id>/settings`. */
  describe(build: PluginBuild) {
    const plugin = build.json();
    const publicPath = `public/plugins/${plugin.id}`;
    return {
      name: plugin.name,
      type: plugin.type,
      id: plugin.id,
      enabled: this.enabled,
      pinned: this.pinned,
      autoEnabled: false,
      module: `${publicPath}/module.js`,
      baseUrl: publicPath,
      info: { ...plugin.info, logos: logosOf(plugin) },
      includes: plugin.includes ?? [],
      dependencies: plugin.dependencies ?? {},
      extensions: plugin.extensions ?? {},
      jsonData: this.jsonData,
      secureJsonFields: Object.fromEntries(
        Object.entries(this.secureJsonData).flatMap(([name, secret]) => (secret ? [[name, true]] : [])),
      ),
      defaultNavUrl: defaultPage(plugin),
      latestVersion: '',
      hasUpdate: false,
      state: '',
      signature: 'unsigned',
      signatureType: '',
      signatureOrg: '',
      angularDetected: false,
      loadingStrategy: 'script',
    };
  }
}

export const defaultPage = (plugin: PluginJson) =>
  plugin.includes?.find((include) => include.defaultNav && include.path)?.path ?? `/a/${plugin.id}`;

export function logosOf(plugin: PluginJson) {
  const { small, large } = plugin.info.logos;
  return { small: `/public/plugins/${plugin.id}/${small}`, large: `/public/plugins/${plugin.id}/${large}` };
}
