// npm run package: builds the plugin and puts it into one zip that a Grafana's plugins folder takes, with its checksums.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { zipSync, type Zippable } from 'fflate';
import { buildPlugin, pluginDist, pluginFolder } from '../../launch/plugin/plugin-build.ts';
import { Refusal, runMain } from '../../launch/machine/refusal.ts';

interface Metadata {
  readonly id: string;
  readonly info: { readonly version: string };
}

/** Writes `<id>-<version>.zip`, .sha1 and .sha256 to `folder`, which holds nothing else then; answers the zip's path. */
export function packagePlugin(dist: string, folder: string): string {
  const { id, info } = JSON.parse(readFileSync(join(dist, 'plugin.json'), 'utf8')) as Metadata;
  if (/%[A-Z_]+%/.test(`${id} ${info.version}`)) throw new Refusal(`${dist}/plugin.json still has its placeholders.`);
  const zip = zipSync(entries(dist, id), { level: 9 });
  const file = join(folder, `${id}-${info.version}.zip`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, zip);
  for (const name of ['sha1', 'sha256']) {
    // As sha1sum and sha256sum write it, so that they can check it with -c.
    writeFileSync(`${file}.${name}`, `${createHash(name).update(zip).digest('hex')}  ${basename(file)}\n`);
  }
  return file;
}

// The same files give the same bytes: sorted, one time for all. In local time, for a zip's times have no zone.
function entries(dist: string, id: string): Zippable {
  const mtime = new Date(1980, 0, 1);
  const options = { mtime, os: 3, attrs: 0o100644 << 16 };
  const files = readdirSync(dist, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const named = files.map((file) => [`${id}/${relative(dist, file).split(sep).join('/')}`, file] as const);
  return Object.fromEntries(
    named.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, file]) => [name, [readFileSync(file), options]])
  );
}

async function main(): Promise<void> {
  // Anew, also when nothing changed: the build writes its date into plugin.json.
  await buildPlugin();
  const file = packagePlugin(pluginDist, join(pluginFolder, 'artifacts'));
  const kilobytes = Math.round(readFileSync(file).length / 1000);
  process.stdout.write(`${relative(process.cwd(), file)} (${kilobytes} kB), with .sha1 and .sha256\n`);
}

if (import.meta.main) await runMain(main);
