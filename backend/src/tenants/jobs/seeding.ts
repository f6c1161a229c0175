/** The tenants of the configuration, provisioned while the service runs. */
import type { Logger } from 'pino';
import type { Feature } from '../../feature/feature.ts';
import type { Ambient } from '../../kernel/ambient.ts';

const RETRY_MS = 2_000;

/** The configured tenants come to life beside the service, which answers also while NATS is away. */
export function seeding(seed: () => Promise<number>, ambient: Ambient, logger: Logger): Feature {
  const stopping = new AbortController();
  let done = Promise.resolve();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const tenants = await seed();
        if (tenants > 0) logger.info({ tenants }, 'configured tenants provisioned');
        return;
      } catch (error) {
        logger.warn({ err: error }, 'configured tenants are not provisioned yet');
        await ambient.sleep(RETRY_MS, stopping.signal).catch(() => undefined);
      }
    }
  };
  return {
    name: 'seed',
    start: () => void (done = run()),
    async stop() {
      stopping.abort();
      await done;
    },
  };
}
