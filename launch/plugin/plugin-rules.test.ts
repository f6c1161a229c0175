// The rules of Grafana's plugin validator that can be told from the sources; the packaged zip is checked in plugin-package.test.ts.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from '@jest/globals';
import { pluginFolder } from './plugin-build.ts';
import { findings, sourceRules } from './source-rules.ts';

interface PluginJson {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly info: {
    readonly version: string;
    readonly updated: string;
    readonly description: string;
    readonly keywords: readonly string[];
    readonly author: { readonly name: string; readonly url?: string };
    readonly logos: { readonly small: string; readonly large: string };
    readonly screenshots: readonly { readonly name: string; readonly path: string }[];
    readonly links: readonly { readonly name: string; readonly url: string }[];
  };
  readonly includes: readonly { readonly type: string; readonly path?: string; readonly name: string }[];
  readonly routes: readonly { readonly path: string; readonly reqRole?: string; readonly url: string }[];
  readonly dependencies: { readonly grafanaDependency: string };
}

const text = (...path: string[]): string => readFileSync(join(pluginFolder, ...path), 'utf8');
const plugin = JSON.parse(text('src', 'plugin.json')) as PluginJson;
const { info } = plugin;

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

const sources = filesIn(join(pluginFolder, 'src')).filter(
  (file) => /\.(ts|tsx|js|jsx)$/.test(file) && !/\.(test|spec|fixture)\.tsx?$|\/(testing|__mocks__)\//.test(file),
);

it.each(sourceRules)(
  'the rule against $what finds what it is against, and that alone',
  ({ finds, passes, ...rule }) => {
    expect(findings('x', finds, [{ finds, passes, ...rule }])).toHaveLength(1);
    expect(findings('x', passes, [{ finds, passes, ...rule }])).toEqual([]);
  },
);

it('no source of the plugin does what the validator refuses or warns of', () => {
  expect(sources.length).toBeGreaterThan(10);
  expect(sources.flatMap((file) => findings(relative(pluginFolder, file), readFileSync(file, 'utf8')))).toEqual([]);
});

it('MIS-01 the id is well-formed, ends with the type, and is the one everything else names', () => {
  expect(plugin.id).toMatch(/^[0-9a-z]+-([0-9a-z]+-)?app$/);
  expect(plugin.type).toBe('app');
  expect(plugin.name).not.toBe(plugin.id);
  expect((JSON.parse(text('package.json')) as { name: string }).name).toBe(plugin.id);
});

it('MIS-02 each part stands on the packages that were asked for, and none on two of a kind', () => {
  const of = (...folder: string[]): readonly string[] => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(pluginFolder, ...folder, 'package.json'), 'utf8')) as Record<string, object>;
    return Object.keys({ ...dependencies, ...devDependencies });
  };
  expect(of()).toEqual(expect.arrayContaining(['@grafana/data', '@grafana/runtime', '@grafana/ui', '@grafana/plugin-e2e', 'react', 'zod', 'jest']));
  expect(Object.keys(JSON.parse(text('.config', '.cprc.json')) as object)).toContain('version');
  const backend = of('..', 'backend');
  expect(backend).toEqual(expect.arrayContaining(['koa', '@koa/router', 'zod', 'mongodb', 'jose', 'prom-client', '@nats-io/transport-node', '@nats-io/jetstream', '@nats-io/kv']));
  for (const other of ['nats', 'express', 'fastify', 'mongoose', 'jsonwebtoken', 'joi']) expect(backend).not.toContain(other);
}); // prettier-ignore

it('the catalogue has something to show: description, keywords, author, links; version and date are filled in by the build', () => {
  expect(info.description.length).toBeGreaterThan(20);
  expect(info.keywords.length).toBeGreaterThan(0);
  expect(info.author.name).not.toBe('');
  expect(info.links.length).toBeGreaterThan(0);
  for (const { url } of info.links) expect(url).toMatch(/^https:\/\//);
  expect([info.version, info.updated]).toEqual(['%VERSION%', '%TODAY%']);
});

it('logos are SVG without anything that runs or loads', () => {
  for (const path of [info.logos.small, info.logos.large]) {
    const svg = text('src', path);
    expect(path).toMatch(/\.svg$/);
    expect(svg).toMatch(/^(<\?xml[^>]*>\s*)?<svg\b/);
    expect(svg).not.toMatch(
      /<(script|foreignObject|iframe|image|use|style|animate|set)\b|\bon\w+\s*=|(xlink:)?href|javascript:/i,
    );
  }
});

it('every screenshot is there, is named and is a picture', () => {
  for (const { name, path } of info.screenshots) {
    expect(name).not.toBe('');
    expect(path).toMatch(/\.(png|jpe?g|gif|webp|svg)$/);
    expect(existsSync(join(pluginFolder, 'src', path))).toBe(true);
  }
});

it('pages are entered under the plugin and every proxied route asks for a role and takes its address from the settings', () => {
  for (const { path } of plugin.includes) expect(path).toMatch(/^\/(a|plugins)\/%PLUGIN_ID%(\/|$)/);
  expect(plugin.routes.length).toBeGreaterThan(0);
  for (const { reqRole, url } of plugin.routes) {
    expect(reqRole).toMatch(/^(Viewer|Editor|Admin)$/);
    expect(url).toMatch(/^\{\{ \.JsonData\.apiUrl \}\}/);
  }
});

it('the version is one: package, lockfile, repository and change log', () => {
  const version = (of: string): string => (JSON.parse(of) as { version: string }).version;
  const expected = version(text('package.json'));
  expect(version(text('package-lock.json'))).toBe(expected);
  expect(version(readFileSync(join(pluginFolder, '..', 'package.json'), 'utf8'))).toBe(expected);
  expect(text('CHANGELOG.md')).toContain(`## ${expected}`);
});

it('readme and licence are there and are our own', () => {
  const readme = text('src', 'README.md');
  expect(readme.length).toBeGreaterThan(200);
  expect(readme).not.toMatch(/ATTENTION|TODO|lorem ipsum|This is a starter|create-plugin/i);
  expect(text('LICENSE')).toContain('Apache License');
});

it('.config is as create-plugin generated it, file for file', () => {
  const file = join(import.meta.dirname, 'create-plugin-config.json');
  const { version, files } = JSON.parse(readFileSync(file, 'utf8')) as {
    version: string;
    files: Record<string, string>;
  };
  const folder = join(pluginFolder, '.config');
  const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
  const present = filesIn(folder).map((path) => [relative(folder, path), digest(path)] as const);
  expect(Object.fromEntries(present)).toEqual(files);
  expect(JSON.parse(text('.config', '.cprc.json'))).toMatchObject({ version });
  // The validator's own question: is it built as create-plugin builds?
  expect(text('.config', 'webpack', 'webpack.config.ts')).toContain('@grafana/create-plugin');
  expect(text('webpack.config.mjs')).toContain('./.config/webpack/webpack.config.ts');
});
