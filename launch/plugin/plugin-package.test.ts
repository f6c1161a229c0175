import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, it } from '@jest/globals';
import { strFromU8, unzipSync } from 'fflate';
import { packagePlugin } from '../../plugin/scripts/package.ts';
import { temporaryFolder } from '../../testing/processes.ts';
import { ensurePluginBuilt, pluginDist, pluginId } from './plugin-build.ts';
import { root } from '../machine/programs.ts';

const metadata = (version: string): string => JSON.stringify({ id: pluginId, info: { version } });

function distOf(files: Record<string, string>): string {
  const dist = temporaryFolder('dist');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    writeFileSync(join(dist, path), text);
  }
  return dist;
}

const unzipped = (file: string): Record<string, string> =>
  Object.fromEntries(Object.entries(unzipSync(readFileSync(file))).map(([name, bytes]) => [name, strFromU8(bytes)]));

it('the zip holds dist under one folder named by the id, with checksums that sha1sum -c can read', () => {
  const dist = distOf({ 'plugin.json': metadata('1.2.3'), 'module.js': 'define()', 'img/logo.svg': '<svg/>' });
  const folder = join(temporaryFolder('artifacts'), 'artifacts');
  const file = packagePlugin(dist, folder);
  expect(basename(file)).toBe(`${pluginId}-1.2.3.zip`);
  const names = ['img/logo.svg', 'module.js', 'plugin.json'].map((name) => `${pluginId}/${name}`);
  expect(Object.keys(unzipped(file))).toEqual(names);
  expect(readdirSync(folder)).toEqual([basename(file), `${basename(file)}.sha1`, `${basename(file)}.sha256`]);
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  expect(readFileSync(`${file}.sha256`, 'utf8')).toBe(`${digest}  ${basename(file)}\n`);
});

it('the same files give the same zip, whenever they were written; an older zip does not stay beside it', () => {
  const files = { 'plugin.json': metadata('1.2.3'), 'b.js': 'b', 'a.js': 'a' };
  const dist = distOf(files);
  const folder = temporaryFolder('artifacts');
  const first = readFileSync(packagePlugin(distOf({ ...files, 'plugin.json': metadata('1.2.2') }), folder));
  const second = readFileSync(packagePlugin(dist, folder));
  for (const name of readdirSync(dist)) utimesSync(join(dist, name), new Date(2020, 1), new Date(2020, 1));
  expect(readFileSync(packagePlugin(dist, folder)).equals(second)).toBe(true);
  expect(second.equals(first)).toBe(false);
  expect(readdirSync(folder)).toHaveLength(3);
});

it('a plugin.json whose placeholders were not replaced is refused', () => {
  expect(() => packagePlugin(distOf({ 'plugin.json': metadata('%VERSION%') }), temporaryFolder('no'))).toThrow(
    'placeholders',
  );
});

it('the built plugin, packaged, is whole and holds no source', async () => {
  await ensurePluginBuilt();
  const files = unzipped(packagePlugin(pluginDist, temporaryFolder('artifacts')));
  const names = Object.keys(files);
  const at = (name: string): string => files[`${pluginId}/${name}`] ?? '';
  expect(names.filter((name) => !name.startsWith(`${pluginId}/`))).toEqual([]);
  for (const name of ['LICENSE', 'README.md', 'CHANGELOG.md', 'module.js', 'module.js.map'])
    expect(at(name)).not.toBe('');
  const scripts = names.filter((name) => name.endsWith('.js'));
  expect(scripts.filter((name) => !names.includes(`${name}.map`))).toEqual([]);
  const known = /\/(LICENSE|README\.md|CHANGELOG\.md|[\w.-]+\.(js|js\.map|json|svg|png|LICENSE\.txt))$/;
  expect(names.filter((name) => !known.test(name))).toEqual([]);
  const version = (JSON.parse(readFileSync(join(root, 'plugin', 'package.json'), 'utf8')) as { version: string })
    .version;
  const plugin = JSON.parse(at('plugin.json')) as { id: string; info: { version: string; updated: string } };
  expect(plugin).toMatchObject({ id: pluginId, info: { version } });
  expect(plugin.info.updated).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  expect(`${at('plugin.json')}${at('README.md')}`).not.toMatch(/%(VERSION|TODAY|PLUGIN_ID)%/);
}, 600_000);
