// The built plugin on disk. Read at every use, so that a rebuild is served without a restart.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProxyRoute } from './proxy-route.ts';

export interface Include {
  readonly type: string;
  readonly name: string;
  readonly path?: string;
  readonly role?: string;
  readonly icon?: string;
  readonly addToNav?: boolean;
  readonly defaultNav?: boolean;
}

export interface PluginJson {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly info: { readonly version: string; readonly logos: { readonly small: string; readonly large: string } };
  readonly includes?: readonly Include[];
  readonly routes?: readonly ProxyRoute[];
  readonly dependencies?: object;
  readonly extensions?: object;
}

export class PluginBuild {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    if (!existsSync(join(folder, 'plugin.json')))
      throw new Error(`No built plugin in ${folder}: build the plugin first.`);
  }

  json(): PluginJson {
    return JSON.parse(readFileSync(join(this.folder, 'plugin.json'), 'utf8')) as PluginJson;
  }

  text(name: string): string | undefined {
    const file = join(this.folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }
}
