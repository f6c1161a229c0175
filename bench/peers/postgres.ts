// A Postgres 15 of the bench's own: a fresh cluster in a temporary folder, on loopback, with durable commits, stopped by pid.
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { freePort, runServer, temporaryFolder } from '../../testing/processes.ts';

export interface Postgres {
  readonly url: string;
  stop(): Promise<void>;
}

const PROGRAMS = '/usr/lib/postgresql/15/bin';
/** Debian's nobody: Postgres refuses to run as root. */
const NOBODY = 65_534;
const asRoot = process.getuid?.() === 0;

// A change of user clears the death signal that was set before, so it is set anew behind it.
const unprivileged = (program: string, args: readonly string[]): [string, string[]] =>
  asRoot
    ? ['setpriv', [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--pdeathsig=KILL', program, ...args]]
    : [program, [...args]];

/** @throws Error that says what is missing. */
export async function startPostgres(): Promise<Postgres> {
  if (!existsSync(join(PROGRAMS, 'postgres')))
    throw new Error('Postgres 15 is not installed (Debian: apt-get install postgresql-15)');
  const folder = temporaryFolder('postgres');
  if (asRoot) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, 'data');
  const [initdb, initArgs] = unprivileged(join(PROGRAMS, 'initdb'), [
    '-D',
    data,
    '-U',
    'bench',
    '-A',
    'trust',
    '-E',
    'UTF8',
  ]);
  execFileSync(initdb, initArgs, { cwd: folder, stdio: 'pipe' });
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1', port, unix_socket_directories: '', fsync: 'on', synchronous_commit: 'on', max_connections: 200,
    shared_buffers: '256MB',
  }; // prettier-ignore
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [program, args] = unprivileged(join(PROGRAMS, 'postgres'), ['-D', data, ...options]);
  const ready = (): Promise<void> => listening(port);
  const server = await runServer({ program, args, chosen: 'Postgres 15' }, ready);
  return {
    url: `postgres://bench@127.0.0.1:${port}/postgres`,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

function listening(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => (socket.destroy(), resolve()));
    socket.once('error', reject);
  });
}
