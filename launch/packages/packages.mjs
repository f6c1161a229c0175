// Whether a folder's npm packages are as its lockfile says, and the command that makes them so; JavaScript, for the
// bootstrap runs it on Nodes that cannot strip types.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** npm writes node_modules/.package-lock.json last, so a cut-short install, too, shows as not installed. */
export function isInstalled(folder) {
  const wanted = packagesOf(join(folder, 'package-lock.json'));
  const present = packagesOf(join(folder, 'node_modules', '.package-lock.json'));
  return Object.entries(wanted).every(([path, entry]) => isPresent(path, entry, present));
}

function isPresent(path, { version, optional }, present) {
  return optional || !path.includes('node_modules/') || (path in present && present[path].version === version);
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return {};
  }
}

/** Program and arguments that run npm: the one that started us, by the Node that runs us, else the one on PATH. */
export function npmCommand(...args) {
  const npm = process.env.npm_execpath;
  return npm ? [process.execPath, [npm, ...args]] : ['npm', args];
}

export const npmCi = () => npmCommand('ci', '--no-audit', '--no-fund', '--loglevel=error');
