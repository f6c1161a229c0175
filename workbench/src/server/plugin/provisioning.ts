// Reads what `provisioning/plugins/*.yaml` says about an app, with the environment filled in as Grafana fills it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export interface ProvisionedApp {
  readonly type: string;
  readonly disabled: boolean;
  readonly jsonData: Record<string, unknown>;
  readonly secureJsonData: Record<string, string>;
}

type Environment = Record<string, string | undefined>;

/** The apps of every YAML file below `<folder>/plugins`, in file order; organizations other than 1 are not ours. */
export function readProvisionedApps(folder: string, environment: Environment): ProvisionedApp[] {
  const plugins = join(folder, 'plugins');
  if (!existsSync(plugins)) return [];
  const files = readdirSync(plugins).filter((name) => /\.ya?ml$/.test(name));
  return files.sort().flatMap((name) => {
    const { apps = [] } = parse(readFileSync(join(plugins, name), 'utf8')) ?? {};
    return (apps as Record<string, unknown>[])
      .map((app) => expand(app, environment) as Record<string, unknown>)
      .filter((app) => Number(app.org_id ?? 1) === 1)
      .map((app) => ({
        type: String(app.type),
        disabled: String(app.disabled ?? false) === 'true',
        jsonData: (app.jsonData ?? {}) as Record<string, unknown>,
        secureJsonData: (app.secureJsonData ?? {}) as Record<string, string>,
      }));
  });
}

/** Expands `$NAME`, `${NAME}`, `$__env{NAME}` and `$__file{path}` in every text; `$$` is a dollar, unset is empty. */
export function expand(value: unknown, environment: Environment): unknown {
  if (typeof value === 'string') return expandText(value, environment);
  if (Array.isArray(value)) return value.map((item) => expand(item, environment));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item, environment)]));
}

const REFERENCE = /\$\$|\$__(env|file)\{([^}]*)\}|\$\{(\w+)\}|\$(\w+)/g;

function expandText(text: string, environment: Environment): string {
  return text.replace(REFERENCE, (whole, provider?: string, named?: string, braced?: string, bare?: string) => {
    if (whole === '$$') return '$';
    if (provider === 'file') return readFileSync(named ?? '', 'utf8').trim();
    return environment[named ?? braced ?? bare ?? ''] ?? '';
  });
}
