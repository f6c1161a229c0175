/** Starts the world of the journeys once for all projects, tells the workers where it is, and ends it by its process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

interface Told {
  readonly control: string;
  readonly hosts: Readonly<Record<'12' | '13', string>>;
}

const REPOSITORY = resolve(__dirname, '../../..');
/** The system runs TypeScript as it is, which the repository's own Node does. */
const OWN_NODE = resolve(REPOSITORY, 'node_modules/node/bin/node');
const STOP_MS = 20_000;

export default async function startWorld(): Promise<() => Promise<void>> {
  const script = resolve(REPOSITORY, 'plugin/testing/journeys/start.ts');
  const node = existsSync(OWN_NODE) ? OWN_NODE : process.execPath;
  // It ends by itself when the channel closes, so that a killed run leaves nothing behind.
  const child = spawn(node, [script], { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const { control, hosts } = await told(child);
  Object.assign(process.env, {
    JOURNEY_CONTROL_URL: control,
    JOURNEY_GRAFANA_12: hosts['12'],
    JOURNEY_GRAFANA_13: hosts['13'],
  });
  return () => stopped(child);
}

function told(child: ChildProcess): Promise<Told> {
  return new Promise((found, failed) => {
    child.once('message', (message) => found(message as Told));
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`the world of the journeys ended with ${code} while starting`)));
  });
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(force);
}
