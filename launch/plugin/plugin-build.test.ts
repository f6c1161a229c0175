import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from '@jest/globals';
import { temporaryFolder } from '../../testing/processes.ts';
import { isInstalled } from '../packages/packages.mjs';
import { hashOf, sources } from './plugin-build.ts';

function write(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function checkout(): { hash: () => string; files: () => string[]; folder: string } {
  const folder = temporaryFolder('plugin');
  write(folder, {
    'plugin/package.json': '{}',
    'plugin/webpack.config.ts': '',
    'plugin/.eslintcache': '',
    'plugin/playwright.config.ts': '',
    'plugin/src/module.tsx': 'a',
    'plugin/src/table/table.test.tsx': '',
    'plugin/.config/webpack/webpack.config.ts': '',
    'plugin/node_modules/react/index.js': '',
    'plugin/dist/module.js': '',
    'contract/package.json': '{}',
    'contract/src/index.ts': 'b',
    'contract/src/index.test.ts': '',
  });
  const files = (): string[] => sources(join(folder, 'plugin'), join(folder, 'contract'));
  return { files, hash: () => hashOf(files(), folder), folder };
}

it('the plugin is made of its sources, its configuration and the contract, and of nothing else', () => {
  const { files, folder } = checkout();
  expect(files().map((file) => relative(folder, file))).toEqual([
    'contract/package.json',
    'contract/src/index.ts',
    'plugin/.config/webpack/webpack.config.ts',
    'plugin/package.json',
    'plugin/src/module.tsx',
    'plugin/webpack.config.ts',
  ]);
});

it('a changed, added or renamed source is built again; a test is not', () => {
  const { hash, folder } = checkout();
  const before = hash();
  write(folder, { 'plugin/src/table/table.test.tsx': 'changed' });
  expect(hash()).toBe(before);
  write(folder, { 'contract/src/index.ts': 'changed' });
  const changed = hash();
  write(folder, { 'plugin/src/more.ts': '' });
  expect(new Set([before, changed, hash()]).size).toBe(3);
  // Where the checkout lies does not count.
  expect(checkout().hash()).toBe(before);
});

it('packages are installed when every one of the lockfile is there in its version; optional ones may be missing', () => {
  const folder = temporaryFolder('root');
  const lock = {
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '1.0.0', optional: true },
  };
  const lockAt = (file: string, packages: object): void => write(folder, { [file]: JSON.stringify({ packages }) });
  lockAt('package-lock.json', lock);
  expect(isInstalled(folder)).toBe(false);
  lockAt('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.0' } });
  expect(isInstalled(folder)).toBe(true);
  lockAt('node_modules/.package-lock.json', { 'node_modules/a': { version: '0.9.0' } });
  expect(isInstalled(folder)).toBe(false);
});
