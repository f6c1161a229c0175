// Who is sent the node token: real sockets that record every byte, whatever they are and however their address is spelt.
import { once } from 'node:events';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import type { ServiceKind } from '@cloudlysis/contract';
import { freePort } from '../../../../testing/processes.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { readConfig } from '../../service-config.ts';
import { allowlist } from './allowlist.ts';
import { createNodes, type NodeClient } from './index.ts';

const TOKEN = 'the-node-token';
const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) {
    server.close();
    if ('closeAllConnections' in server) (server as { closeAllConnections(): void }).closeAllConnections();
  }
});

interface Listener {
  readonly port: number;
  /** All that was ever sent to it. */
  heard(): string;
}

async function listening(server: Server, host = '127.0.0.1', port = 0): Promise<Listener> {
  let heard = '';
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
    socket.on('error', () => undefined);
  });
  const close = server.close.bind(server);
  server.close = (done) => {
    for (const socket of sockets) socket.destroy();
    return close(done);
  };
  open.push(server.listen(port, host));
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, heard: () => heard };
}

const http = (listener: RequestListener, port = 0): Promise<Listener> =>
  listening(createHttp(listener), '127.0.0.1', port);
const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const STATE = { version: '1', git_sha: 'x', placement_revision: 1, config_revision: 1, draining: false, tenants: [] };
const node = (service: string, shard_id: string): RequestListener => json(200, { ...STATE, service, shard_id });

const nodes = createNodes({ ambient: systemAmbient(), allowlist: '127.0.0.1:1-65535,[::1]:1-65535', token: TOKEN });
const at = (endpoint: string, kind: ServiceKind = 'aggregate', shard_id = 'a1') =>
  nodes.at({ endpoint, kind, shard_id });
const everyCall = async (client: NodeClient): Promise<unknown[]> => {
  const calls = [
    () => client.state(), () => client.drainState(), () => client.drain('acme'), () => client.drain(null), () => client.resume('acme'),
    () => client.reload(), () => client.ready(), () => client.samples(['x']),
  ]; // prettier-ignore
  return (await Promise.allSettled(calls.map((call) => call()))).map((one) => one.status === 'rejected' && one.reason);
};

const banner = (text: string): Server => createServer((socket) => void socket.write(text));
const elsewhere = (port: number): RequestListener =>
  json(302, {}, { location: `http://127.0.0.1:${port}/health/live` });

test('NFR-06 the token reaches nobody who did not say before that it is this node', async () => {
  const own = await http(node('aggregate', 'a1'));
  const strangers: [string, () => Promise<Listener>, string, RegExp][] = [
    ['another server', () => http(json(404, {})), 'node.stranger', /is no node of this platform: GET \/health\/live answered 404/],
    ['one that says yes to all', () => http(json(200, {})), 'node.stranger', /does not say which node it is/],
    ['a node of an earlier version', () => http(json(200, { live: true })), 'node.stranger', /must carry service and shard_id/],
    ['a page', () => http((_, response) => void response.end('<html>')), 'node.stranger', /does not say which node it is/],
    ['one that asks for a password', () => http(json(401, {}, { 'www-authenticate': 'Basic' })), 'node.stranger', /answered 401/],
    ['one that redirects to the node', () => http(elsewhere(own.port)), 'node.stranger', /redirects are not followed/],
    ['another shard', () => http(node('aggregate', 'a2')), 'node.stranger', /says it is aggregate\/a2, not aggregate\/a1/],
    ['another kind', () => http(node('runner', 'a1')), 'node.stranger', /says it is runner\/a1, not aggregate\/a1/],
    ['no kind of ours', () => http(node('nginx', 'a1')), 'node.stranger', /does not say which node it is/],
    ['SSH', () => listening(banner('SSH-2.0-OpenSSH_9.6\r\n')), 'node.stranger', /does not speak HTTP, so it is no node/],
    ['SMTP', () => listening(banner('220 mail.test ESMTP\r\n')), 'node.stranger', /does not speak HTTP, so it is no node/],
    ['NATS', () => listening(banner('INFO {"server_id":"x"}\r\n')), 'node.stranger', /does not speak HTTP, so it is no node/],
    ['TLS', () => listening(createTls({})), 'node.unreachable', /hung up without an answer; it may speak TLS, or no HTTP at all/],
    ['one that hangs up', () => listening(createServer((socket) => void socket.destroy())), 'node.unreachable', /hung up without an answer/],
    ['a silent one', () => listening(createServer(() => undefined)), 'node.timeout', /\/health\/live did not answer in 2000 ms|did not answer in 2000 ms/],
    ['one that trickles', () => http((_, response) => void response.writeHead(200).write('{')), 'node.timeout', /did not answer in 2000 ms/],
  ]; // prettier-ignore
  await Promise.all(
    strangers.map(async ([name, start, code, says]) => {
      const stranger = await start();
      const [state, ...rest] = await everyCall(at(`http://127.0.0.1:${stranger.port}`));
      expect([name, state]).toEqual([name, expect.objectContaining({ code, message: expect.stringMatching(says) })]);
      expect([name, rest.slice(0, 5).every((one) => (one as { code?: string }).code === code)]).toEqual([name, true]);
      expect([name, stranger.heard().includes(TOKEN)]).toEqual([name, false]);
    }),
  );
  const port = await freePort();
  const closed = at(`http://127.0.0.1:${port}`).state();
  await expect(closed).rejects.toThrow(
    `http://127.0.0.1:${port}/admin/state cannot be reached: nothing listens there (ECONNREFUSED)`,
  );
  const plain = at(`https://127.0.0.1:${own.port}`).state();
  await expect(plain).rejects.toThrow(/what listens there does not speak TLS/);
  await expect(at('http://127.0.0.1:22').state()).rejects.toThrow(/its port is one of another protocol/);
  expect(own.heard()).not.toContain(TOKEN);
  await at(`http://127.0.0.1:${own.port}`).state();
  expect(own.heard()).toContain(`Bearer ${TOKEN}`);
});

test('NFR-06 what needs no token is asked without it, also of the node itself', async () => {
  const own = await http(node('aggregate', 'a1'));
  const client = at(`http://127.0.0.1:${own.port}`);
  await client.ready().catch(() => undefined);
  await client.samples(['x']);
  expect(own.heard()).toMatch(/GET \/health\/ready[^]*GET \/metrics/);
  expect(own.heard()).not.toContain(TOKEN);
});

test('NFR-06 who comes to the address of a node that went away is asked anew', async () => {
  const first = createHttp(node('aggregate', 'a1'));
  const own = await listening(first);
  const client = at(`http://127.0.0.1:${own.port}`);
  await client.state();
  await client.state();
  expect(own.heard().match(/GET \/health\/live/g)).toHaveLength(1);
  first.close();
  first.closeAllConnections();
  await once(first, 'close');
  await expect(client.state()).rejects.toMatchObject({ code: 'node.unreachable' });
  const stranger = await http(json(200, {}), own.port);
  for (const problem of (await everyCall(client)).slice(0, 6)) expect(problem).toMatchObject({ code: 'node.stranger' });
  expect(stranger.heard()).not.toContain(TOKEN);
});

test('NFR-06 an answer outside the contract is a doubt: the next call asks who it is', async () => {
  let broken = false;
  const own = await http((request, response) =>
    broken && request.url === '/admin/state' ? void response.end('<html>') : node('aggregate', 'a1')(request, response),
  );
  const client = at(`http://127.0.0.1:${own.port}`);
  await client.state();
  broken = true;
  await expect(client.state()).rejects.toMatchObject({ code: 'node.invalid_answer' });
  await expect(client.state()).rejects.toMatchObject({ code: 'node.invalid_answer' });
  expect(own.heard().match(/GET \/health\/live/g)).toHaveLength(2);
});

test('NFR-06 however an address is spelt, nothing reaches a port that is not on the list', async () => {
  const [listed, other, six] = await Promise.all([
    http(node('aggregate', 'a1')),
    http(node('aggregate', 'a1')),
    listening(createHttp(node('aggregate', 'a1')), '::1').catch(() => null),
  ]);
  const [p, q] = [listed.port, other.port];
  const strict = createNodes({ ambient: systemAmbient(), allowlist: `127.0.0.1:${p},node.test:80`, token: TOKEN });
  const call = (endpoint: string): Promise<unknown> =>
    strict.at({ endpoint, kind: 'aggregate', shard_id: 'a1' }).state().catch((error: unknown) => error); // prettier-ignore
  const refused = [
    `http://127.0.0.1:${q}`, `http://127.0.0.1`, `https://127.0.0.1`, `http://127.0.0.1:0`, `http://127.0.0.1:65536`, `http://127.0.0.1:99999`,
    `http://127.0.0.1:-1`, `http://127.0.0.1:${p}@127.0.0.1:${q}`, `http://127.0.0.1:${p}@evil.test`, `http://user:pw@127.0.0.1:${p}`, `http://@127.0.0.1:${q}`,
    `http://127.0.0.1:${q}#127.0.0.1:${p}`, `http://127.0.0.1:${q}?127.0.0.1:${p}`, `http://127.0.0.1:${p}?x=1`, `http://127.0.0.1:${p}#x`,
    `http://127.0.0.1:${q}/127.0.0.1:${p}`, `http://127.0.0.1:${q}\\@127.0.0.1:${p}`, `http:\\\\127.0.0.1:${q}`, `http://localhost:${p}`, `http://LOCALHOST:${p}`,
    `http://localhost.:${p}`, `http://127.0.0.1.:${q}`, `http://127.0.0.1.nip.test:${p}`, `http://2130706433:${q}`, `http://0x7f.1:${q}`, `http://0177.0.0.1:${q}`,
    `http://127.1:${q}`, `http://127.0.0.2:${p}`, `http://0.0.0.0:${p}`, `http://[::1]:${six?.port ?? p}`, `http://[::ffff:127.0.0.1]:${p}`, `http://[::ffff:7f00:1]:${p}`,
    `http://[::]:${p}`, `http://node.test:8101`, `http://node.test.:80`, `http://node.test.evil.test`, `http://evil.test/node.test:80`, `http://xn--node-.test`,
    `http://１２７.0.0.1:${q}`, `http://①27.0.0.1:${q}`, `http://127。0。0。1:${q}`, `ftp://127.0.0.1:${p}`, `file:///etc/passwd`, `ws://127.0.0.1:${p}`,
    `//127.0.0.1:${p}`, `127.0.0.1:${p}`, `http://`, `http://:${p}`, '', ' ', 'nonsense', `http://127.0.0.1:${q}\n`, `http://127.0.0.1\t:${q}`,
  ]; // prettier-ignore
  for (const endpoint of refused)
    expect([endpoint, await call(endpoint)]).toEqual([
      endpoint,
      expect.objectContaining({ code: 'node.forbidden_host' }),
    ]);
  expect([other.heard(), six?.heard() ?? '', listed.heard()]).toEqual(['', '', '']);

  // Another spelling of the same address is the same node; a path is a path, and never another host.
  const same = [
    `http://127.0.0.1:${p}`, `HTTP://127.0.0.1:${p}/`, `http://2130706433:${p}`, `http://0x7f.1:${p}`, `http://127.0.0.1.:${p}`, `http://127.0.0.1:${p}/deep/`,
    `http://127.0.0.1:${p}//127.0.0.1:${q}`, `http://127.0.0.1:${p}/\\127.0.0.1:${q}`, `http://127.0.0.1:${p}/%2f%2f127.0.0.1:${q}/..`,
  ]; // prettier-ignore
  for (const endpoint of same)
    expect([endpoint, await call(endpoint)]).toEqual([endpoint, expect.objectContaining({ shard_id: 'a1' })]);
  expect(other.heard()).toBe('');
});

test('NFR-06 a list that names no port, or anything else that is not host:port, is refused with what to write', () => {
  const said = (list: string): string => {
    try {
      allowlist(list);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  for (const fine of [
    '',
    ' , ',
    'g1:8080',
    'a.b-c.test:1-65535, [::1]:8101',
    'LOCALHOST:80',
    '[0:0:0:0:0:0:0:1]:1',
    'my_node:80',
  ])
    expect([fine, said(fine)]).toEqual([fine, '']);
  expect(said('127.0.0.1')).toBe(
    '"127.0.0.1" names no port: write 127.0.0.1:8101 for one port, 127.0.0.1:8101-8122 for a range of ports',
  );
  expect(said('g1:8080,localhost,::1')).toBe(
    '"localhost" names no port: write localhost:8101 for one port, localhost:8101-8122 for a range of ports; ' +
      '"::1" names no port: write [::1]:8101 for one port, [::1]:8101-8122 for a range of ports',
  );
  const wrong = [
    '*', '*:80', '*.test:80', 'a:0', 'a:65536', 'a:80-79', 'a:1-70000', 'a:', ':80', 'a:b', 'a:80:90', 'http://a:80', 'u@a:80', 'a:80/x', '[::1]', '[::1', 'a b:80',
    '127.0.0.0/8:80', '300.1.1.1:80', 'a:80-', 'a:-80', 'a:1e3',
  ]; // prettier-ignore
  const env = { MONGODB_URI: 'mongodb://m', NATS_URL: 'nats://n', OUTBOUND_ALLOWLIST: 'g1:8080,g2' };
  expect(() => readConfig(env)).toThrow(/"g2" names no port: write g2:8101 for one port/);
  for (const entry of wrong) expect([entry, said(entry)]).toEqual([entry, expect.stringContaining(': write ')]);
});
