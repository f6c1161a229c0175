/** The process: reads the configuration, starts the control plane, stops it on SIGTERM or SIGINT. */
import { systemAmbient } from './kernel/ambient.ts';
import { readConfig, type Config } from './service-config.ts';
import { createLogger } from './http/index.ts';
import type { CrashPoint } from './jobs/index.ts';
import { startControlPlane, type ControlPlane } from './service.ts';

/** Stopping may take 10 s in all; after that the process goes without asking. */
const STOP_MS = 10_000;

/**
 * `CRASH_AT=<kind>/<step>/<forward|backward>/<before|after>` kills the process at that point, the way a power cut would,
 * so that resuming can be shown on a real process. Development only.
 */
function crashPointOf(config: Config): ((point: CrashPoint) => void) | undefined {
  const wanted = process.env['CRASH_AT'];
  if (!wanted) return undefined;
  if (config.MODE === 'production') throw new Error('CRASH_AT is refused in production');
  return ({ kind, step, direction, at }) => {
    if (`${kind}/${step}/${direction}/${at}` === wanted) process.kill(process.pid, 'SIGKILL');
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
