// Runs a real server as a child process for a test: its own port and folder, and gone when the test is.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endingWithParent } from '../launch/machine/parent-death.ts';
import type { Command } from '../launch/servers/servers.ts';

export interface TestProcess {
  readonly pid: number;
  /** Stops it and waits: by SIGTERM where its folder stays, else by SIGKILL (SecantusDB takes 2 s to close) and removes it. */
  stop(): Promise<void>;
  /** SIGKILL, at once, leaving the folder: what a crash leaves behind. */
  kill(): void;
}

export interface ServerOptions {
  readonly port?: number;
  /** Kept when given; a temporary folder otherwise. */
  readonly storeDir?: string;
}

/**
 * Ports below those that the system takes for outgoing connections (32 768 and up): one of those could be gone before
 * its server listens, or between two lives of a server that a test kills. Each worker of jest has a range of its own.
 */
const RANGE = 5_000;
const LOWEST = 12_000 + RANGE * (Number(process.env['JEST_WORKER_ID'] ?? 0) % 4);
let next = randomInt(RANGE);

export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + (next++ % RANGE);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** SIGSTOP, and until it stands: a thread that waits for the disk runs on for a while, and answers. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return sleep(50);
  // The state is what follows the command's name, which is in brackets and may hold anything.
  const stands = (task: string): boolean => {
    try {
      return /\) [Tt] /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8'));
    } catch {
      // A thread that has just ended.
      return true;
    }
  };
  for (const end = performance.now() + 5_000; !readdirSync(tasks).every(stands); await sleep(5)) {
    if (performance.now() > end) throw new Error(`process ${pid} goes on after SIGSTOP`);
  }
}

export const temporaryFolder = (name: string): string => mkdtempSync(join(tmpdir(), `cloudlysis-${name}-`));

/** Starts the command and waits until `ready` no longer throws; `remove` is the folder to delete at stop. */
export async function runServer(command: Command, ready: () => Promise<void>, remove?: string): Promise<TestProcess> {
  // A test worker that is killed runs no clean-up of its own.
  const [program, args] = endingWithParent(command.program, command.args, 'KILL');
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + String(chunk)).slice(-4_000)));
    (stream as Socket).unref();
  }
  // A failed test that did not stop its server must not keep jest from ending.
  child.unref();
  child.on('error', (error) => (output += error.message));
  try {
    await untilReady(child, ready);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${command.chosen} did not start: ${String(error)}\n${output}`, { cause: error });
  }
  return {
    pid: child.pid as number,
    kill: () => void child.kill('SIGKILL'),
    stop: async () => {
      await stopped(child, remove ? 'SIGKILL' : 'SIGTERM');
      if (remove) rmSync(remove, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

async function untilReady(child: ChildProcess, ready: () => Promise<void>): Promise<void> {
  for (const end = performance.now() + 20_000; ; await sleep(10)) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`it exited with ${child.exitCode}`);
    try {
      return await ready();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const gone = once(child, 'exit');
  child.kill(signal);
  const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(force);
}
