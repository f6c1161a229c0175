// One supervised process: started until ready, its lines prefixed, restarted when it crashes, stopped with a deadline.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { endingWithParent } from '../machine/parent-death.ts';
import { Refusal } from '../machine/refusal.ts';

export interface Spec {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Throws while it is not ready. */
  readonly ready: () => Promise<void>;
  /** Milliseconds. */
  readonly readyWithin: number;
  readonly stopWithin: number;
}

/** Milliseconds: doubled from `first` to `cap` with each crash, back to `first` after `stable` without one. */
export interface Backoff {
  readonly first: number;
  readonly cap: number;
  readonly stable: number;
}

export interface Witness {
  line(name: string, text: string): void;
  started(name: string, pid: number): void;
}

type Phase = 'starting' | 'running' | 'stopping';

export class Supervised {
  readonly spec: Spec;
  readonly #witness: Witness;
  readonly #backoff: Backoff;
  readonly #last: string[] = [];
  #phase: Phase = 'starting';
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #crashes = 0;

  constructor(spec: Spec, witness: Witness, backoff: Backoff = { first: 250, cap: 10_000, stable: 30_000 }) {
    this.spec = spec;
    this.#witness = witness;
    this.#backoff = backoff;
  }

  /** Refuses, with the last lines, when it exits before it is ready or is not ready in time. */
  async start(): Promise<void> {
    const child = this.#spawn();
    const { ready, readyWithin } = this.spec;
    let why: unknown;
    for (const end = performance.now() + readyWithin; performance.now() < end; await sleep(25)) {
      if (this.#phase === 'stopping') return;
      if (hasEnded(child)) throw this.#refusal(`exited (${exitOf(child)}) before it was ready`);
      try {
        await ready();
        if (hasEnded(child)) continue;
        this.#phase = 'running';
        return;
      } catch (error) {
        why = error;
      }
    }
    throw this.#refusal(`was not ready within ${readyWithin / 1000} s (${(why as Error).message})`);
  }

  async stop(): Promise<void> {
    this.#phase = 'stopping';
    clearTimeout(this.#restart);
    const child = this.#child;
    if (!child || hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const force = setTimeout(() => {
      this.#witness.line(this.spec.name, `did not stop within ${this.spec.stopWithin / 1000} s: killed`);
      child.kill('SIGKILL');
    }, this.spec.stopWithin);
    await ended;
    clearTimeout(force);
  }

  kill(): void {
    this.#phase = 'stopping';
    this.#child?.kill('SIGKILL');
  }

  #spawn(): ChildProcess {
    const { name, env } = this.spec;
    const [program, args] = endingWithParent(this.spec.program, this.spec.args, 'TERM');
    // Its own process group: a Ctrl-C at the terminal reaches the supervisor alone, which stops all in order.
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const born = performance.now();
    this.#child = child;
    if (child.pid !== undefined) this.#witness.started(name, child.pid);
    for (const stream of [child.stdout, child.stderr]) this.#read(stream);
    child.once('error', (error) => this.#line(error.message));
    child.once('exit', () => this.#exited(child, performance.now() - born));
    return child;
  }

  #exited(child: ChildProcess, lived: number): void {
    if (this.#phase !== 'running') return;
    const { first, cap, stable } = this.#backoff;
    if (lived >= stable) this.#crashes = 0;
    const wait = Math.min(cap, first * 2 ** this.#crashes++);
    this.#witness.line(this.spec.name, `exited (${exitOf(child)}): restarting in ${wait} ms`);
    this.#restart = setTimeout(() => this.#spawn(), wait);
  }

  #read(stream: Readable): void {
    createInterface({ input: stream }).on('line', (text) => this.#line(text));
  }

  #line(text: string): void {
    this.#last.push(text);
    if (this.#last.length > 20) this.#last.shift();
    this.#witness.line(this.spec.name, text);
  }

  #refusal(what: string): Refusal {
    const lines = this.#last.map((line) => `    ${line}`);
    return new Refusal(
      [`${this.spec.name} ${what}. Its last lines:`, ...(lines.length ? lines : ['    (none)'])].join('\n'),
    );
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null || child.pid === undefined;

const exitOf = (child: ChildProcess): string => child.signalCode ?? `code ${child.exitCode}`;
