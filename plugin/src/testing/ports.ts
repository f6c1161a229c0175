/** Ports of this machine: one where nobody listens, and a way through it to the real service. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { service } from './service';

/** Below the ports that the system takes for outgoing connections, so that it stays free until it is listened on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_100 + Math.floor(Math.random() * 1_900);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false
    );
    server.close();
    if (isFree) {
      return port;
    }
  }
}

/** Opens the way to the service at a port; the answer closes it, with all that is under way. */
export async function wayThrough(port: number): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(new URL(service().url).port), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => [near, far].forEach((one) => one.destroy()));
    }
    near.pipe(far).pipe(near);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return async () => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
    await once(server, 'close');
  };
}
