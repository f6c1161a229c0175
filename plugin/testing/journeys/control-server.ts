// The journeys' way to the world: one POST per verb, loopback only, the answer as JSON.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { World } from './world.ts';

type Verb = (world: World, body: any) => unknown;

const VERBS: Readonly<Record<string, Verb>> = {
  'load/start': (world, body) => world.startLoad(body),
  'load/stop': (world) => world.stopLoad(),
  backend: (world, { action }) => world.backend(action),
  fault: (world, { shard, faults }) => world.fault(shard, faults),
  state: (world, { shard, tenant_id }) => world.stateOn(shard, tenant_id),
  many: (world, { count }) => world.many(count),
  bearer: (world) => world.bearer,
  calm: (world) => world.calm(),
};

export async function serveControl(world: World): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    answer(world, request).then(
      (value) => response.end(JSON.stringify(value ?? null)),
      (error: unknown) => response.writeHead(500).end(String((error as Error)?.stack ?? error))
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function answer(world: World, request: IncomingMessage): Promise<unknown> {
  const verb = VERBS[(request.url ?? '').slice(1)];
  if (!verb || request.method !== 'POST') throw new Error(`${request.method} ${request.url} is no verb`);
  const text = Buffer.concat(await request.toArray()).toString();
  return verb(world, text ? JSON.parse(text) : {});
}
