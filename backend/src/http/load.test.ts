// Callers that take more than their share, over real sockets: each is bounded, and the others are served meanwhile.
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { reads } from '@cloudlysis/contract';
import { systemAmbient } from '../kernel/ambient.ts';
import { PermissionTable } from '../identity/index.ts';
import { eventually } from '../../testing/eventually.ts';
import { constantReads, JOB_ID } from './answers.fixture.ts';
import { startTestApi, type TestApi } from './test-api.fixture.ts';
import { Turnstile } from './refusals/turnstile.ts';

const table = new PermissionTable([{ id: 'dev', tier: 'dev' }]);
const SHORT = { headersTimeout: 400, requestTimeout: 800, connectionsCheckingInterval: 100 };
const EVENTS = `/admin/v1/jobs/${JOB_ID}/events`;

interface Raw {
  readonly socket: Socket;
  readonly text: () => string;
  readonly closed: () => boolean;
}

const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

function open(api: TestApi, first: string): Raw {
  const { hostname, port } = new URL(api.url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  sockets.add(socket);
  let [text, closed] = ['', false];
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  socket.on('end', () => (closed = true));
  if (first) socket.write(first);
  return { socket, text: () => text, closed: () => closed };
}

const served = async (api: TestApi, token: string): Promise<number> =>
  (await api.fetch('/admin/v1/me', { token, signal: AbortSignal.timeout(5_000) })).status;

type Sends = (token: string) => string;
const HALVES: [string, Sends][] = [
  ['nothing', () => ''],
  ['half a request line', () => 'GET /admin'],
  ['half its headers', () => 'GET /admin/v1/me HTTP/1.1\r\nHost: x\r\nX-A: '],
  ['half a body', (token) => `POST /admin/v1/scale/migrations/preflight HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"tenant`],
  ['half a chunked body', (token) => `POST /admin/v1/scale/migrations/preflight HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"t`],
  ['a whole request and half of the next', () => 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /heal'],
]; // prettier-ignore

it.each(HALVES)(
  'NFR-07 300 connections that send %s and no more are ended in their time, and others are served meanwhile',
  async (_what, sends) => {
    await using api = await startTestApi({ timeouts: SHORT });
    const token = await api.token('operator');
    const all = Array.from({ length: 300 }, () => open(api, sends(token)));
    await sleep(100);
    for (let n = 0; n < 5; n++) expect(await served(api, token)).toBe(200);
    await eventually('all are closed', async () => all.every(({ closed }) => closed()));
    expect(await served(api, token)).toBe(200);
  },
);

it('NFR-07 a header or a body that arrives byte by byte has the same time as one that stops', async () => {
  await using api = await startTestApi({ timeouts: SHORT });
  const token = await api.token('operator');
  for (const [, sends] of HALVES.slice(2, 4)) {
    const one = open(api, sends(token));
    const drip = setInterval(() => one.socket.writable && one.socket.write('x'), 50);
    await eventually('it is closed', async () => one.closed()).finally(() => clearInterval(drip));
  }
});

it.each([
  ['without a token', '', 401],
  ['of a size beyond any', 'x', 413],
])('NFR-07 a refusal of a body %s does not wait for the rest of it', async (_why, _token, status) => {
  await using api = await startTestApi();
  const token = await api.token('operator');
  const auth = status === 401 ? '' : `Authorization: Bearer ${token}\r\n`;
  const one = open(
    api,
    `POST /admin/v1/scale/migrations HTTP/1.1\r\nHost: x\r\n${auth}Content-Type: application/json\r\nContent-Length: ${status === 413 ? 9_999_999 : 50}\r\n\r\n{`,
  );
  await eventually('it is closed', async () => one.closed());
  expect(one.text()).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*Connection: close`, 'i'));
});

it('NFR-07 of connections that say nothing the oldest goes when there are too many', async () => {
  await using api = await startTestApi();
  const first = Array.from({ length: 256 }, () => open(api, ''));
  await eventually('all are there', async () => (await api.metrics.metrics()).includes('cp_http_connections 256'));
  await sleep(1_200);
  const later = Array.from({ length: 100 }, () => open(api, ''));
  await eventually('the oldest are closed', async () => first.filter(({ closed }) => closed()).length === 100);
  expect(later.some(({ closed }) => closed())).toBe(false);
  expect(await api.metrics.metrics()).toContain('cp_http_connections_cut_total{cause="dawdling"} 100');
  for (const { socket } of [...first, ...later]) socket.destroy();
});

it('NFR-07 one that closes its side is taken for gone, whether it waits for an answer or follows a job', async () => {
  let following = 0;
  await using api = await startTestApi({
    reads: {
      ...constantReads(table),
      'jobs.events': async () => {
        following++;
        const stream = new Readable({ read: () => undefined });
        stream.once('close', () => following--);
        return { type: 'text/event-stream', stream };
      },
    },
  });
  const token = await api.token('operator');
  const all = Array.from({ length: 20 }, (_, n) => {
    const one = open(api, '');
    one.socket.end(
      `GET ${n % 2 ? EVENTS : '/admin/v1/me'} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    return one;
  });
  await eventually('all are closed', async () => all.every(({ closed }) => closed()) && following === 0);
  expect(await served(api, token)).toBe(200);
});

it('NFR-07 API-02 a principal has so many event streams and no more, and one that ends makes room', async () => {
  await using api = await startTestApi({
    reads: {
      ...constantReads(table),
      'jobs.events': async () => ({ type: 'text/event-stream', stream: new Readable({ read: () => undefined }) }),
    },
  });
  const limit = reads['jobs.events'].concurrency!.per_principal;
  const token = await api.token('operator');
  const stops = Array.from({ length: limit }, () => new AbortController());
  const streams = await Promise.all(stops.map(({ signal }) => api.fetch(EVENTS, { token, signal })));
  expect(streams.every(({ status }) => status === 200)).toBe(true);
  const refused = await Promise.all(Array.from({ length: 100 }, () => api.fetch(EVENTS, { token })));
  for (const response of refused) {
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await response.json()).toMatchObject({
      code: 'concurrency.limited',
      detail: `you have ${limit} of jobs.events under way, at most ${limit} at once`,
    });
  }
  const other = await api.token('operator', { email: 'other@example.test' });
  const stop = new AbortController();
  expect((await api.fetch(EVENTS, { token: other, signal: stop.signal })).status).toBe(200);
  stops[0]!.abort();
  await eventually('there is room', async () => {
    const again = await api.fetch(EVENTS, { token, signal: stop.signal });
    return again.status === 200;
  });
  for (const one of [...stops, stop]) one.abort();
});

it('NFR-07 AUD-08 of 60 exports by 12 people few run at once, nobody’s fails, and other reads are served', async () => {
  let [now, most] = [0, 0];
  await using api = await startTestApi({
    reads: {
      ...constantReads(table),
      'audit.export': async () => {
        most = Math.max(most, ++now);
        const stream = Readable.from((async function* () {
          try {
            yield 'a';
            await sleep(20);
            yield 'b';
          } finally {
            now--;
          }
        })()); // prettier-ignore
        return { type: 'application/x-ndjson', stream };
      },
    },
  });
  const tokens = await Promise.all(Array.from({ length: 12 }, (_, n) => api.token('owner', { email: `u${n}@example.test` }))); // prettier-ignore
  const exports = Array.from({ length: 60 }, async (_, n) => {
    const response = await api.fetch('/admin/v1/audit/export', { token: tokens[n % 12]! });
    return [response.status, await response.text()] as const;
  });
  expect(await served(api, tokens[0]!)).toBe(200);
  for (const [status, text] of await Promise.all(exports)) expect([status, text]).toEqual([200, 'ab']);
  expect(most).toBe(reads['audit.export'].concurrency!.total);
  expect(now).toBe(0);
});

it('NFR-07 no more enter than may, in the order they came, and everybody who leaves makes room', async () => {
  const caller = fc.record({ principal: fc.constantFrom('a', 'b', 'c'), stays: fc.integer({ min: 0, max: 5 }) });
  const limits = fc.record({
    per_principal: fc.integer({ min: 1, max: 3 }),
    total: fc.integer({ min: 1, max: 4 }),
    wait_s: fc.constantFrom(0, 5),
  });
  const property = fc.asyncProperty(fc.array(caller, { maxLength: 30 }), limits, async (callers, limit) => {
    const turnstile = new Turnstile(systemAmbient(), 'audit.export', limit);
    const inside: string[] = [];
    const results = callers.map(async ({ principal, stays }) => {
      const leave = await turnstile.enter(principal);
      inside.push(principal);
      expect(inside.length).toBeLessThanOrEqual(limit.total);
      expect(inside.filter((one) => one === principal).length).toBeLessThanOrEqual(limit.per_principal);
      for (let n = 0; n < stays; n++) await null;
      inside.splice(inside.indexOf(principal), 1);
      leave();
      leave();
    });
    const ended = await Promise.allSettled(results);
    const refused = ended.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    for (const problem of refused) expect(problem).toMatchObject({ code: 'concurrency.limited', status: 429 });
    if (limit.wait_s > 0) expect(refused).toEqual([]);
    expect(inside).toEqual([]);
    // All have left: as many as may come in again.
    await Promise.all(Array.from({ length: Math.min(limit.total, limit.per_principal) }, () => turnstile.enter('a')));
  });
  await fc.assert(property, { numRuns: 200 });
});
