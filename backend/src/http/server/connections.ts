/**
 * Connections that have not sent a request yet. A half-sent one costs its sender nothing and us a socket: each has its
 * time, and of many that dawdle the oldest goes, so that whoever comes is served.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Ambient } from '../../kernel/ambient.ts';

/** In all; above it a new one is dropped. */
export const MAX_CONNECTIONS = 4_000;
/** Without a request yet; an honest client sends within milliseconds of connecting. */
const MAX_DAWDLING = 256;
const DAWDLES_MS = 1_000;

export function boundConnections(server: Server, ambient: Pick<Ambient, 'monotonic'>, registry: Registry): void {
  const silent = new Map<Socket, number>();
  const cut = new Counter({
    name: 'cp_http_connections_cut_total',
    help: 'Connections that were ended for want of a request, or dropped because there are too many',
    labelNames: ['cause'],
    registers: [registry],
  });
  let open = 0;
  new Gauge({ name: 'cp_http_connections', help: 'Open connections', registers: [registry], collect() { this.set(open); } }); // prettier-ignore
  server.maxConnections = MAX_CONNECTIONS;
  server.on('drop', () => cut.inc({ cause: 'too_many' }));
  server.on('connection', (socket: Socket) => {
    open++;
    silent.set(socket, ambient.monotonic());
    socket.once('close', () => {
      open--;
      silent.delete(socket);
    });
    if (silent.size <= MAX_DAWDLING) return;
    const [oldest, since] = silent.entries().next().value!;
    if (ambient.monotonic() - since < DAWDLES_MS) return;
    cut.inc({ cause: 'dawdling' });
    oldest.destroy();
  });
  server.on('request', ({ socket }) => void silent.delete(socket));
}
