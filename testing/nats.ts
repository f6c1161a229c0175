// A NATS server with JetStream of a test's own.
import { natsCommand, natsReady, natsUrl } from '../launch/servers/servers.ts';
import { freePort, runServer, temporaryFolder, type ServerOptions, type TestProcess } from './processes.ts';

export interface TestNats extends TestProcess {
  readonly url: string;
  readonly port: number;
  readonly storeDir: string;
  /** Monitoring over HTTP (`/healthz`, `/jsz`). */
  readonly monitorUrl: string;
}

export interface NatsOptions extends ServerOptions {
  /** False: no sync for each write. */
  readonly durable?: boolean;
  readonly more?: string;
}

/** Ready in about 50 ms. Start it again with the same port and storeDir to play a crash and a restart. */
export async function startNats(options: NatsOptions = {}): Promise<TestNats> {
  const port = options.port ?? (await freePort());
  const monitor = await freePort();
  const storeDir = options.storeDir ?? temporaryFolder('nats');
  const command = await natsCommand({ port, monitor, storeDir, durable: options.durable, more: options.more });
  const server = await runServer(command, () => natsReady(natsUrl(port)), options.storeDir ? undefined : storeDir);
  return { ...server, url: natsUrl(port), port, storeDir, monitorUrl: `http://127.0.0.1:${monitor}` };
}
