// Remembers in .local/run.json what is running, so that a second start, a reset, and the start after a crash know.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alive, withLock } from '../machine/lock.mjs';
import { say } from '../machine/programs.ts';
import { Refusal } from '../machine/refusal.ts';

interface Marked {
  readonly name: string;
  readonly pid: number;
  /** When the kernel started it: a pid is used again, a pid with its start is not. */
  readonly born: string | undefined;
}

interface Run {
  readonly supervisor: Marked;
  readonly children: readonly Marked[];
}

export class RunFile {
  readonly #file: string;
  readonly #children = new Map<string, Marked>();

  constructor(file: string) {
    this.#file = file;
  }

  /** The running supervisor's pid, if one runs. */
  running(): number | undefined {
    const supervisor = this.#read()?.supervisor;
    return supervisor && isSame(supervisor) ? supervisor.pid : undefined;
  }

  /** Takes the place of the supervisor; ends what a killed one left behind. Refuses while another one runs. */
  claim(): Promise<void> {
    return withLock(
      `${this.#file}.lock`,
      () => undefined,
      async () => {
        const pid = this.running();
        if (pid !== undefined) throw new Refusal(`already running as pid ${pid}: stop it with Ctrl-C or kill ${pid}`);
        await endOrphans(this.#read()?.children ?? []);
        this.#write();
      },
    );
  }

  started(name: string, pid: number): void {
    this.#children.set(name, mark(name, pid));
    this.#write();
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }

  #read(): Run | undefined {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Run;
    } catch {
      return undefined;
    }
  }

  #write(): void {
    const run: Run = { supervisor: mark('supervisor', process.pid), children: [...this.#children.values()] };
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, JSON.stringify(run, null, 2));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

async function endOrphans(children: readonly Marked[]): Promise<void> {
  const orphans = children.filter((child) => child.born !== undefined && isSame(child));
  if (orphans.length === 0) return;
  say(`ending what a killed start left running: ${orphans.map(({ name, pid }) => `${name} (${pid})`).join(', ')}`);
  signalAll(orphans, 'SIGTERM');
  for (let waited = 0; waited < 5_000 && orphans.some(isSame); waited += 100) await sleep(100);
  signalAll(orphans, 'SIGKILL');
}

function signalAll(marked: readonly Marked[], signal: NodeJS.Signals): void {
  for (const { pid } of marked.filter(isSame)) process.kill(pid, signal);
}

const mark = (name: string, pid: number): Marked => ({ name, pid, born: bornAt(pid) });

function isSame({ pid, born }: Marked): boolean {
  return alive(pid) && bornAt(pid) === born;
}

// Field 22 of /proc/PID/stat; the name before it may hold spaces, so count from its closing bracket. A zombie is gone.
function bornAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'zombie' : fields[19];
  } catch {
    return undefined;
  }
}
