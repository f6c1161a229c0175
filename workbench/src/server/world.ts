// What all hosts of one process share, so that the same backend trusts each of them and a user is one user everywhere.
import { Accounts } from './accounts/accounts.ts';
import { AppSettings } from './plugin/app-settings.ts';
import { PluginBuild } from './plugin/plugin-build.ts';
import { readProvisionedApps } from './plugin/provisioning.ts';
import { SigningKeys } from './accounts/signing-keys.ts';

export interface World {
  readonly issuer: string;
  readonly build: PluginBuild;
  readonly keys: SigningKeys;
  readonly accounts: Accounts;
  readonly settings: AppSettings;
}

export interface WorldOptions {
  /** What identity tokens carry as `iss`: Grafana's root_url. */
  readonly issuer: string;
  /** The plugin's build, with its plugin.json. */
  readonly dist: string;
  readonly provisioning?: string | undefined;
  /** Where the signing key survives a restart; without it the key is new each time. */
  readonly state?: string | undefined;
  readonly environment?: Record<string, string | undefined>;
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const build = new PluginBuild(options.dist);
  const settings = new AppSettings();
  const { id } = build.json();
  const apps = options.provisioning
    ? readProvisionedApps(options.provisioning, options.environment ?? process.env)
    : [];
  for (const app of apps) if (app.type === id) settings.provision(app);
  const keys = await SigningKeys.open(options.issuer, options.state);
  return { issuer: options.issuer, build, keys, accounts: new Accounts(), settings };
}
