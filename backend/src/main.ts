/** The process: reads the configuration, starts the control plane, stops it on SIGTERM or SIGINT. */
import { appendFileSync, readFileSync } from 'node:fs';
import { systemAmbient } from './kernel/ambient.ts';
import { readConfig, type Config } from './service-config.ts';
import { createLogger } from './http/index.ts';
import type { CrashPoint } from './jobs/index.ts';
import { startControlPlane, type ControlPlane } from './service.ts';

/** Stopping may take 10 s in all; after that the process goes without asking. */
const STOP_MS = 10_000;

/**
 * `CRASH_AT=<kind>/<step>/<forward|backward>/<before|after>` kills the process at that point, the way a power cut would;
 * `HOLD_FILE` names a file with such points, one a line, read at each point: a job that comes to one of them goes no
 * further, and `<file>.reached` says so, until whoever started the process ends it. Both are for tests only.
 */
function crashPointOf(config: Config): ((point: CrashPoint) => void | Promise<void>) | undefined {
  const { CRASH_AT, HOLD_FILE } = process.env;
  if (!CRASH_AT && !HOLD_FILE) return undefined;
  if (config.MODE === 'production') throw new Error('CRASH_AT and HOLD_FILE are refused in production');
  return ({ kind, step, direction, at }) => {
    const here = `${kind}/${step}/${direction}/${at}`;
    if (here === CRASH_AT) process.kill(process.pid, 'SIGKILL');
    if (!HOLD_FILE || !readFileSync(HOLD_FILE, 'utf8').split('\n').includes(here)) return;
    appendFileSync(`${HOLD_FILE}.reached`, `${here}\n`);
    return new Promise(() => undefined);
  };
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL);
  const machine = systemAmbient();
  const running: ControlPlane = await startControlPlane(config, machine, logger, crashPointOf(config));
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    machine.after(STOP_MS, () => process.exit(1));
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
