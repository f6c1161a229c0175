// Finds the Chromium that browser journeys drive; as root on Debian it installs one, elsewhere it says what to do.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { onPath, say } from '../machine/programs.ts';
import { Refusal } from '../machine/refusal.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'] as const;

export interface Machine {
  readonly env: NodeJS.ProcessEnv;
  readonly find: (name: string) => string | undefined;
  readonly exists: (file: string) => boolean;
  readonly isRoot: boolean;
}

const thisMachine = (): Machine => ({
  env: process.env,
  find: onPath,
  exists: existsSync,
  isRoot: process.getuid?.() === 0,
});

/** Its full path; installed first where that is possible without asking (about 300 MB). */
export async function chromium(): Promise<string> {
  const machine = thisMachine();
  const found = findChromium(machine);
  if (found !== 'install') return found;
  say('installing chromium with apt-get, about 300 MB: browser journeys need it, and none was found');
  const install = 'apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium';
  if (!(await run('sh', ['-c', install]))) throw new Refusal(`apt-get could not install chromium. ${remedy}`);
  return names.map(machine.find).find((path) => path !== undefined) ?? refuse();
}

/** The path, or 'install' where apt-get may bring it. */
export function findChromium({ env, find, exists, isRoot }: Machine): string {
  const given = env['CHROMIUM_PATH'];
  if (given && !exists(given)) throw new Refusal(`CHROMIUM_PATH=${given} does not exist.`);
  const found = given || names.map(find).find((path) => path !== undefined);
  if (found) return found;
  return isRoot && exists('/etc/debian_version') && find('apt-get') ? 'install' : refuse();
}

const remedy = `Install Chromium or Chrome (Debian: apt-get install chromium), or set CHROMIUM_PATH to one.`;

function refuse(): never {
  throw new Refusal(`Browser journeys need one of ${names.join(', ')} on PATH. ${remedy}`);
}

function run(program: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const child = spawn(program, args, { stdio: ['ignore', 2, 2], env });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
