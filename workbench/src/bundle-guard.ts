// Finds what would keep a plugin's bundle from loading in a Grafana, by reading the bundle alone.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SHARED_MODULES } from './shared-modules.ts';

/** What an AMD loader itself answers for. */
const LOADER_MODULES = ['module', 'exports', 'require'];
/** A React of the plugin's own, or a part of one: it dies on load under another major version of React. */
const REACT_INTERNALS = ['ReactCurrentOwner', '__SECRET_INTERNALS', '__CLIENT_INTERNALS'];

/** One sentence per fault; empty for a bundle that loads. Throws when there is no bundle to look at. */
export function bundleFaults(dist: string): string[] {
  const entry = join(dist, 'module.js');
  if (!existsSync(entry)) throw new Error(`${entry} does not exist: build the plugin first.`);
  const scripts = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  return [
    ...requestFaults(readFileSync(entry, 'utf8')),
    ...scripts.sort().flatMap((name) => internalsFaults(name, readFileSync(join(dist, name), 'utf8'))),
  ];
}

function requestFaults(entry: string): string[] {
  const list = /\bdefine\(\s*(?:"[^"]*"\s*,\s*)?(\[[^\]]*\])/.exec(entry)?.[1];
  if (!list) return ['module.js is no AMD bundle: it has no define([…])'];
  const known = new Set<string>([...SHARED_MODULES, ...LOADER_MODULES]);
  const asked = JSON.parse(list) as string[];
  return asked
    .filter((name) => !known.has(name))
    .map((name) => `module.js asks for ${name}, which Grafana does not share: it belongs inside the bundle`);
}

const internalsFaults = (name: string, script: string): string[] =>
  REACT_INTERNALS.filter((word) => script.includes(word)).map(
    (word) => `${name} contains ${word}: React, or its jsx-runtime, is bundled instead of shared`,
  );
