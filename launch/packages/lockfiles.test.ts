import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from '../machine/programs.ts';

interface Locked {
  readonly version?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const roots = ['.', 'plugin', 'workbench/grafana-12', 'workbench/grafana-13'];

/** As Node looks a package up: beside the one that needs it, then in every folder above. */
function found(packages: Record<string, Locked>, from: string, name: string): boolean {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (`${at}${at && '/'}node_modules/${name}` in packages) return true;
    if (at === '' || !at.includes('node_modules/')) return `node_modules/${name}` in packages;
  }
}

// npm ci refuses a lockfile that leaves out what its packages may need on another platform.
it.each(roots)('the lockfile of %s is whole and names no registry', (folder) => {
  const file = join(root, folder, 'package-lock.json');
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Locked> };
  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !found(packages, path, name))
      .map((name) => `${path} → ${name}`),
  );
  expect(missing).toEqual([]);
  const hosts = Object.values(packages).filter(({ resolved, link }) => resolved !== undefined && !link);
  expect(hosts).toEqual([]);
});
