// Builds plugin/dist when what it is made of has changed since the last build, and does nothing otherwise.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { withLock } from '../machine/lock.mjs';
import { ensureInstalled, runScript } from '../packages/package-roots.ts';
import { localDir, root, say } from '../machine/programs.ts';
import { Refusal } from '../machine/refusal.ts';

export const pluginId = 'cloudlysis-control-app';
export const pluginFolder = join(root, 'plugin');
export const pluginDist = join(pluginFolder, 'dist');
const stamp = join(localDir, 'builds', 'plugin');
const cache = join(pluginFolder, 'node_modules', '.cache', 'webpack');

// What changes nothing in the bundle: tests, and what only the checks and the journeys read.
const notBuilt = /\.(test|spec|fixture)\.tsx?$|(^|\/)(\.eslintcache|\.nvmrc|\.npmrc|(jest|eslint|playwright)[^/]*)$/;

/** Installs the plugin's packages and builds it where needed. Refuses, with the remedy, when it cannot be built. */
export async function ensurePluginBuilt(signal?: AbortSignal): Promise<void> {
  await ensureInstalled(['plugin'], signal);
  if (!isBuilt()) await locked(() => (isBuilt() ? undefined : build(whyBuild(), signal)));
}

/** The same, also when nothing has changed, and from nothing: what is handed out owes nothing to a cache. */
export async function buildPlugin(): Promise<void> {
  await ensureInstalled(['plugin']);
  await locked(() => {
    rmSync(cache, { recursive: true, force: true });
    return build('asked for');
  });
}

const whyBuild = (): string => (existsSync(stamp) ? 'its sources changed' : 'first need');

const locked = (work: () => void | Promise<void>): Promise<void> =>
  withLock(
    join(localDir, 'plugin-build.lock'),
    (pid) => say(`waiting for process ${pid ?? '?'}, which is building the plugin`),
    work,
  );

async function build(why: string, signal?: AbortSignal): Promise<void> {
  say(`building plugin/dist (webpack, seconds to a minute): ${why}`);
  // Its cache knows files by where they lay: moved or copied with node_modules, it answers for the old place.
  if (stamped()[2] !== root) rmSync(cache, { recursive: true, force: true });
  // Taken before: an edit while webpack runs makes the next start build again.
  const made = sourceHash();
  const done = await runScript('plugin', 'build', signal);
  if (!done.ok) throw new Refusal(`plugin/dist could not be built:\n${done.output}`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, [made, outputHash(), root].join('\n'));
}

// The output counts too: a development build made by hand in between is not what this one left.
function isBuilt(): boolean {
  if (!existsSync(join(pluginDist, 'module.js'))) return false;
  const [made, output] = stamped();
  return made === sourceHash() && output === outputHash();
}

/** Hash of the sources, hash of the output, where: as the last build left them. */
const stamped = (): string[] => (existsSync(stamp) ? readFileSync(stamp, 'utf8').split('\n') : []);

const outputHash = (): string => hashOf([join(pluginDist, 'module.js'), join(pluginDist, 'plugin.json')], pluginDist);

const sourceHash = (): string => hashOf(sources(pluginFolder, join(root, 'contract')), root);

/** Every file the bundle is made of: the plugin's own and create-plugin's, its configuration, and the contract. */
export function sources(plugin: string, contract: string): string[] {
  const top = readdirSync(plugin, { withFileTypes: true }).filter((entry) => entry.isFile());
  const files = [...top.map(({ name }) => join(plugin, name)), join(contract, 'package.json')];
  const folders = [join(plugin, 'src'), join(plugin, '.config'), join(contract, 'src')];
  return [...files, ...folders.filter((folder) => existsSync(folder)).flatMap(filesIn)]
    .filter((file) => !notBuilt.test(relative(plugin, file)))
    .toSorted();
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

/** One hash over names and content; the names relative to `base`, so that a moved checkout stays built. */
export function hashOf(files: readonly string[], base: string): string {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${relative(base, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}
