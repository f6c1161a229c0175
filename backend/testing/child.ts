// One real process of a test's stack: started, watched, killed or frozen by its pid, its log a file that is read only on failure.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { endingWithParent } from '../../launch/machine/parent-death.ts';
import { freeze } from '../../testing/processes.ts';

export interface ChildSpec {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Throws until the process is ready. */
  readonly ready: () => Promise<void>;
  /** Milliseconds it may take to become ready. */
  readonly readyMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const READY_MS = 30_000;
const POLL_MS = 15;

export class Child {
  readonly spec: ChildSpec;
  #child: ChildProcess | undefined;
  #exit: Promise<Exit> | undefined;

  constructor(spec: ChildSpec) {
    this.spec = spec;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.spec.name} was never started`);
    return pid;
  }

  /** Starts it without waiting; `env` is on top of its own. */
  spawn(env: NodeJS.ProcessEnv = {}): void {
    if (this.running) throw new Error(`${this.spec.name} runs already`);
    const { name, args, logFile } = this.spec;
    appendFileSync(logFile, `--- ${name} starts ${JSON.stringify(env)}\n`);
    const log = openSync(logFile, 'a');
    // A test worker that is killed runs no clean-up of its own.
    const [program, all] = endingWithParent(process.execPath, args, 'KILL');
    const child = spawn(program, all, { env: { ...this.spec.env, ...env }, stdio: ['ignore', log, log] });
    closeSync(log);
    child.unref();
    this.#child = child;
    this.#exit = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Exit);
    this.#exit.catch(() => undefined);
  }

  async start(env: NodeJS.ProcessEnv = {}): Promise<this> {
    this.spawn(env);
    await this.untilReady();
    return this;
  }

  async untilReady(): Promise<void> {
    for (const end = performance.now() + (this.spec.readyMs ?? READY_MS); ; await sleep(POLL_MS)) {
      if (!this.running) throw new Error(`${this.spec.name} ended while starting\n${this.log()}`);
      try {
        return await this.spec.ready();
      } catch (error) {
        if (performance.now() > end)
          throw new Error(`${this.spec.name}: ${String(error)}\n${this.log()}`, { cause: error });
      }
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) process.kill(this.pid, signal);
  }

  /** Waits for its end, by whatever cause. */
  async exited(ms: number): Promise<Exit> {
    const timer = new AbortController();
    const late = sleep(ms, null, { signal: timer.signal, ref: true }).catch(() => null);
    const exit = await Promise.race([this.#exit!, late]);
    timer.abort();
    if (exit === null) throw new Error(`${this.spec.name} still runs after ${ms} ms\n${this.log()}`);
    return exit;
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    this.signal('SIGKILL');
    await this.exited(5_000);
  }

  /** SIGTERM, and how long it took to go. */
  async stop(ms = 12_000): Promise<Exit & { readonly ms: number }> {
    const began = performance.now();
    this.signal('SIGTERM');
    return { ...(await this.exited(ms)), ms: performance.now() - began };
  }

  /** SIGSTOP: the process is there and answers nothing. */
  pause(): Promise<void> {
    return freeze(this.pid);
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** The end of what it wrote. */
  log(lines = 40): string {
    try {
      return readFileSync(this.spec.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch {
      return '(no log)';
    }
  }
}
