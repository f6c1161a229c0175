// Clears the local data; what is installed or built (.local/venv, .local/builds) and compose's secrets stay unless --all is given. Refuses while it runs.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { localDir, say } from './machine/programs.ts';
import { Refusal, runMain } from './machine/refusal.ts';
import { RunFile } from './platform/run-file.ts';

const installed = new Set(['venv', 'builds', 'mongo-binaries', 'compose-secrets']);

export function reset(folder: string, all: boolean): string[] {
  const pid = new RunFile(join(folder, 'run.json')).running();
  if (pid !== undefined) throw new Refusal(`it is running as pid ${pid}: stop it first (Ctrl-C, or kill ${pid})`);
  const entries = existsSync(folder) ? readdirSync(folder) : [];
  const gone = entries.filter((entry) => !entry.endsWith('.lock') && (all || !installed.has(entry)));
  for (const entry of gone) rmSync(join(folder, entry), { recursive: true, force: true });
  return gone;
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.some((arg) => arg !== '--all')) throw new Refusal('npm run reset [-- --all]');
  const gone = reset(localDir, args.includes('--all'));
  say(gone.length === 0 ? 'nothing to clear' : `cleared from .local: ${gone.join(', ')}`);
}

if (import.meta.main) await runMain(main);
