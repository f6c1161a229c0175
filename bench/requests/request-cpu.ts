// CPU of an authorised request above what Koa and Node take for the same answer, in one process, with the client in another.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { devNull } from 'node:os';
import { join } from 'node:path';
import Koa from 'koa';
import { destination } from 'pino';
import { Registry } from 'prom-client';
import { createBadRecords } from '../../backend/src/kernel/bad-records.ts';
import { systemAmbient } from '../../backend/src/kernel/ambient.ts';
import type { AuditLog } from '../../backend/src/audit/index.ts';
import { constantMutations, constantReads, TENANT } from '../../backend/src/http/answers.fixture.ts';
import { createHttpApp, createHttpServer, createLogger, type HttpServer } from '../../backend/src/http/index.ts';
import { createAuthenticator, PermissionTable } from '../../backend/src/identity/index.ts';
import { startIssuer, type TestIssuer } from '../../backend/src/identity/tokens/issuer.fixture.ts';
import type { Section } from '../figure.ts';
import { cpuOf, digits, inPairs, told, type Pairs } from '../spread.ts';
import type { Order } from './request-client.ts';

const GOAL_US = 15;
const BLOCK = 3_000;
const PAIRS = 24;
const WARM_UP = 20_000;
const PATH = '/admin/v1/tenants/acme';
const EMAIL = 'op@example.test';

export async function measure(): Promise<Section> {
  const issuer = await startIssuer();
  const token = await issuer.token({ email: EMAIL });
  const [bare, logging, silent] = [await bareKoa(), await service(issuer, 'info'), await service(issuer, 'silent')];
  const client = fork(join(import.meta.dirname, 'request-client.ts'));
  const cpu = (url: string) => async (): Promise<number> =>
    (await cpuOf(() => ask(client, { urls: [url], token, count: BLOCK }))) / BLOCK;
  try {
    for (const { url } of [bare, logging, silent]) await ask(client, { urls: [url], token, count: WARM_UP });
    const whole = await inPairs(PAIRS, cpu(logging.url), cpu(bare.url));
    const unlogged = await inPairs(PAIRS, cpu(silent.url), cpu(bare.url));
    return sectionOf(whole, unlogged);
  } finally {
    client.disconnect();
    bare.server.close();
    bare.server.closeAllConnections();
    await logging.server.stop();
    await silent.server.stop();
    await issuer[Symbol.asyncDispose]();
  }
}

async function ask(client: ChildProcess, order: Order): Promise<void> {
  client.send(order);
  const [answer] = (await once(client, 'message')) as [string];
  if (answer !== 'done') throw new Error(answer);
}

/** The least a Koa service does: set a type, write the JSON. */
async function bareKoa(): Promise<{ url: string; server: Server }> {
  const koa = new Koa();
  koa.use((ctx) => {
    ctx.type = 'application/json';
    ctx.body = JSON.stringify(TENANT);
  });
  const server = createServer(koa.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`, server };
}

/** The service's own binder, tokens, permissions, metrics and log; only the handlers are constants. */
async function service(issuer: TestIssuer, level: string): Promise<{ url: string; server: HttpServer }> {
  const ambient = systemAmbient();
  const { authenticate } = createAuthenticator(
    {
      MODE: 'development', GATEWAY_ISSUER: issuer.url, GATEWAY_JWKS_URL: issuer.jwksUrl, GATEWAY_AUDIENCE: 'cloudlysis-control',
      GRAFANA_ORG_ID: 1, GRAFANA_ROLE_MAP: '', PLUGIN_BEARER: 'the-plugin-of-a-benchmark', environments: [{ tier: 'dev' as const }],
    },
    ambient,
  ); // prettier-ignore
  const permissions = new PermissionTable(
    [{ id: 'dev', tier: 'dev' }],
    [{ principal: EMAIL, role: 'operator', scope: { kind: 'global' } }],
  );
  const unasked: AuditLog = { append: () => Promise.reject(new Error('a read is not audited')), wake: () => undefined };
  const metrics = new Registry();
  const badRecords = createBadRecords(ambient, createLogger('silent'), metrics);
  const app = createHttpApp({
    ambient, authenticate, permissions, environments: ['dev'], metrics, badRecords, mode: 'production', requestsPerSecond: 1e9, audit: unasked,
    logger: createLogger(level, destination({ dest: openSync(devNull, 'w'), sync: false })),
    ready: async () => ({}), mutations: constantMutations(), reads: constantReads(permissions),
  }); // prettier-ignore
  const server = createHttpServer(app, ambient);
  return { url: (await server.listen(0, '127.0.0.1')) + PATH, server };
}

function sectionOf(whole: Pairs, unlogged: Pairs): Section {
  const met = whole.difference.median <= GOAL_US;
  const log = whole.difference.median - unlogged.difference.median;
  return {
    title: 'An authorised request',
    how:
      `GET ${PATH} with a verified token, over keep-alive, warm: CPU (user and system) of the server's process per request, ` +
      `beside a Koa app in the same process that answers the same JSON. The client is another process; ${PAIRS} pairs of ` +
      `${BLOCK} requests.`,
    figures: [
      {
        name: 'CPU above bare Koa',
        measured: told(whole.difference, 'µs'),
        beside: `${told(whole.a, 'µs')} through the binder, ${told(whole.b, 'µs')} bare`,
        goal: `≤ ${GOAL_US} µs`,
        met,
        ...(met ? {} : { why: `the request's log line takes ${digits(log)} µs of it` }),
      },
      {
        name: 'the same without a log line',
        measured: told(unlogged.difference, 'µs'),
        beside: `${told(unlogged.a, 'µs')} through the binder, ${told(unlogged.b, 'µs')} bare`,
        met: null,
      },
    ],
  };
}
