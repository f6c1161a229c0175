// Ties a child's life to its parent's, so that not even a kill -9 of the parent leaves servers behind.
import { spawnSync } from 'node:child_process';

let works: boolean | undefined;

/** The command line under which the kernel sends `signal` when the parent dies; unchanged where setpriv is missing. */
export function endingWithParent(
  program: string,
  args: readonly string[],
  signal: 'TERM' | 'KILL',
): [string, string[]] {
  works ??= spawnSync('setpriv', ['--pdeathsig', signal, 'true']).status === 0;
  return works ? ['setpriv', ['--pdeathsig', signal, program, ...args]] : [program, [...args]];
}
