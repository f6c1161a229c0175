// Where jobs are to stand still, told to a running backend by its HOLD_FILE, and which of them have come there.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CrashPoint } from '../../backend/src/jobs/index.ts';
import { eventually } from '../../backend/testing/eventually.ts';
import { temporaryFolder } from '../../testing/processes.ts';
import type { JobKind } from './cases.ts';

export type Point = CrashPoint & { readonly kind: JobKind };
export const nameOf = ({ kind, step, direction, at }: Point): string => `${kind}/${step}/${direction}/${at}`;

export class HeldPoints {
  readonly file = join(temporaryFolder('crash'), 'points');

  constructor() {
    this.set([]);
  }

  /** From here on a job that comes to one of them stands still there; those that stand still go on standing. */
  set(points: readonly Point[]): void {
    writeFileSync(`${this.file}.reached`, '');
    writeFileSync(this.file, points.map(nameOf).join('\n'));
  }

  /** @throws Error that names those to which no job came, with `log` */
  async untilReached(points: readonly Point[], log: () => string): Promise<void> {
    const missing = (): string[] => {
      const reached = readFileSync(`${this.file}.reached`, 'utf8').split('\n');
      return points.map(nameOf).filter((name) => !reached.includes(name));
    };
    const all = async (): Promise<boolean> => missing().length === 0;
    await eventually('the jobs are where they are to die', all, 60_000).catch(() => {
      throw new Error(`never reached: ${missing().join(', ')}\n${log()}`);
    });
  }
}
