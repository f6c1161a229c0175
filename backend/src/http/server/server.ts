/** The listening side: connection time-outs that suit Grafana's proxy, and a stop that finishes what is in flight. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Ambient } from '../../kernel/ambient.ts';
import type { HttpApp } from './app.ts';
import { boundConnections } from './connections.ts';

/**
 * Grafana's plugin proxy keeps idle connections for 90 s and cannot send a POST again when we close one under it
 * ("server closed idle connection"), so ours outlive its.
 */
export const TIMEOUTS = {
  keepAliveTimeout: 120_000,
  /** From the first byte of a request, or from the connection where none comes, to the end of its headers. */
  headersTimeout: 15_000,
  /** To the end of its body. */
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
} as const;
/** Without a byte in either direction: longer than the longest wait of a submit, and than a kept connection. */
const IDLE_MS = 130_000;
const CUT_MS = 5_000;
const STOP_MS = 9_000;

export interface HttpServer {
  readonly server: Server;
  /** Starts listening and returns its URL; port 0 takes a free one. @throws Error naming the port when it is busy */
  listen(port: number, host: string): Promise<string>;
  /** Accepts nothing new, finishes what is in flight and closes. What waits is told to give up after 5 s, and connections are cut after 9 s. */
  stop(): Promise<void>;
}

/** `timeouts` shortens them, for tests. */
export function createHttpServer(
  app: HttpApp,
  ambient: Ambient,
  timeouts: Partial<typeof TIMEOUTS> | object = {},
): HttpServer {
  const server = createServer({ ...TIMEOUTS, ...timeouts, maxHeaderSize: 32 * 1024 }, app.koa.callback());
  server.timeout = IDLE_MS;
  boundConnections(server, ambient, app.metrics);
  return {
    server,
    listen: async (port, host) => {
      server.listen(port, host);
      await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') throw new Error(`Port ${port} on ${host} is in use by another process`);
        throw error;
      });
      const bound = (server.address() as AddressInfo).port;
      return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
    },
    stop: () => stop(server, app, ambient),
  };
}

async function stop(server: Server, app: HttpApp, ambient: Ambient): Promise<void> {
  const closed = server.listening ? new Promise<void>((resolve) => server.close(() => resolve())) : Promise.resolve();
  const done = new AbortController();
  const sweep = async () => {
    // A connection whose answer has just left becomes idle only now.
    for (let waited = 0; waited < STOP_MS && !done.signal.aborted; waited += 50) {
      server.closeIdleConnections();
      if (waited === CUT_MS) app.cut();
      await ambient.sleep(50, done.signal).catch(() => undefined);
    }
    if (!done.signal.aborted) server.closeAllConnections();
  };
  const sweeping = sweep();
  await app.stop();
  await closed;
  done.abort();
  await sweeping;
}
