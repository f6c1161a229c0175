// Which calls a process dies after, where a test goes through all of them: every third in `npm test`, all in `npm run crash`.
import { randomInt } from 'node:crypto';

export interface CallSample {
  readonly first: number;
  readonly step: number;
}

/** By `CRASH_SEED`, which `npm test` draws and prints; `CRASH_POINTS=all` takes every call. */
export function callSample(env: NodeJS.ProcessEnv = process.env): CallSample {
  if (env['CRASH_POINTS'] === 'all') return { first: 0, step: 1 };
  const seed = Number(env['CRASH_SEED'] ?? randomInt(3));
  if (env['CRASH_SEED'] === undefined) process.stderr.write(`calls of CRASH_SEED=${seed}; all with CRASH_POINTS=all\n`);
  return { first: seed % 3, step: 3 };
}
