import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from '@jest/globals';
import { freePort } from '../../testing/processes.ts';
import { portConflicts, portHolder, portsFrom } from './ports.ts';

it('a busy port is named: which, for what, who holds it and what moves it', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { PORT_A1 } = portsFrom({ PORT_A1: String(port) });
  const [line, ...others] = await portConflicts([PORT_A1, { ...PORT_A1, port: await freePort() }]);
  server.close();
  expect(others).toEqual([]);
  expect(line).toContain(`port ${port}, for aggregate a1, is taken`);
  expect(line).toContain('set PORT_A1 to another port');
  // Elsewhere than on Linux the holder is not told.
  if (process.platform === 'linux') expect(line).toContain(`by pid ${process.pid}`);
});

it('a port asked for twice is told once, with both variables', async () => {
  const port = await freePort();
  const { PORT_A1, PORT_GATEWAY } = portsFrom({ PORT_A1: String(port), PORT_GATEWAY: String(port) });
  expect(await portConflicts([PORT_GATEWAY, PORT_A1])).toEqual([
    `port ${port} is asked for more than once: by PORT_GATEWAY and PORT_A1`,
  ]);
});

it('a free port has no holder, and a port that is no number is refused', async () => {
  expect(portHolder(await freePort())).toBeUndefined();
  expect(() => portsFrom({ PORT_NATS: 'many' })).toThrow('PORT_NATS is not a port number');
});
