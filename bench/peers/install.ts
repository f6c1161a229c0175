// Installs the peers on first use, from their own lockfile, into this folder: they are no dependencies of the product.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { say } from '../../launch/machine/programs.ts';

const folder = import.meta.dirname;
const lockOf = (file: string): Record<string, { version?: string }> =>
  (JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, { version?: string }> }).packages;

function installed(): boolean {
  const present = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(present)) return false;
  const [wanted, found] = [lockOf(join(folder, 'package-lock.json')), lockOf(present)];
  return Object.keys(found).every((name) => found[name]?.version === wanted[name]?.version);
}

/** @throws Error that says why they cannot be had. */
export function installPeers(): void {
  if (installed()) return;
  say('installing the peers that are measured beside (npm ci in bench/peers)');
  const flags = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env['npm_execpath'];
  const [program, args] = npm ? [process.execPath, [npm, ...flags]] : ['npm', flags];
  const { status, error } = spawnSync(program, args, { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`npm ci in bench/peers failed (${error?.message ?? `exit ${status}`})`);
}

/** A peer's module; typed by the few calls that are made of it, because it need not be there when types are checked. */
export async function peer<T>(name: string): Promise<T> {
  installPeers();
  const file = createRequire(join(folder, 'package.json')).resolve(name);
  return (await import(pathToFileURL(file).href)) as T;
}
