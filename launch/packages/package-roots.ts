// The folders with an npm lockfile of their own beside the repository's: installed when something needs them, not before.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../machine/lock.mjs';
import { isInstalled, npmCi, npmCommand } from './packages.mjs';
import { localDir, root, say } from '../machine/programs.ts';
import { Refusal } from '../machine/refusal.ts';

// Times of a first install on two cores with an empty npm cache.
const roots = {
  plugin: { what: 'the Grafana app and its build', takes: 'about 2 minutes, 830 MB' },
  'workbench/grafana-12': {
    what: "what a Grafana 12 shares with its plugins, for the workbench's host",
    takes: 'about a minute, 650 MB',
  },
  'workbench/grafana-13': {
    what: "what a Grafana 13 shares with its plugins, for the workbench's host",
    takes: 'about a minute, 650 MB',
  },
} as const;

export type PackageRoot = keyof typeof roots;

/** Installs what is missing or does not match its lockfile, one root after the other; progress on stderr. */
export async function ensureInstalled(names: readonly PackageRoot[], signal?: AbortSignal): Promise<void> {
  for (const name of names) {
    if (isReady(name)) continue;
    await withLock(
      join(localDir, 'npm.lock'),
      (pid) => say(`waiting for process ${pid ?? '?'}, which is installing npm packages`),
      () => (isReady(name) ? undefined : install(name, signal)),
    );
  }
}

// Without a lockfile there is nothing to compare with: such a folder is not a package root (yet).
const isReady = (name: PackageRoot): boolean =>
  existsSync(join(root, name, 'package-lock.json')) && isInstalled(join(root, name));

async function install(name: PackageRoot, signal?: AbortSignal): Promise<void> {
  const folder = join(root, name);
  if (!existsSync(join(folder, 'package-lock.json'))) throw new Refusal(`${name}/package-lock.json does not exist.`);
  const why = existsSync(join(folder, 'node_modules'))
    ? `${name}/node_modules does not match its lockfile`
    : 'first need';
  const { what, takes } = roots[name];
  say(`installing npm packages of ${name}, ${what} (npm ci, ${takes}): ${why}`);
  const done = await run(npmCi(), folder, signal);
  if (!done.ok)
    throw new Refusal(
      `npm ci failed in ${name}. The npm registry must be reachable once; then run this again.\n${done.output}`,
    );
}

/** Runs a script of that root's package.json; npm puts the repository's Node 24 on its PATH. */
export const runScript = (name: PackageRoot, script: string, signal?: AbortSignal): Promise<Done> =>
  run(npmCommand('run', '--silent', script), join(root, name), signal);

interface Done {
  readonly ok: boolean;
  /** What it said, the last part: for when it failed. */
  readonly output: string;
}

function run([program, args]: [string, string[]], cwd: string, signal?: AbortSignal): Promise<Done> {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output = (output + String(chunk)).slice(-4_000)));
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output: output.trim() }));
  });
}
