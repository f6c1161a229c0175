// The nodes port against HTTP servers that are honest, silent, endless, wrong, or somewhere they must not be.
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { systemAmbient } from '../../kernel/ambient.ts';
import { createNodes } from './index.ts';
import { sampleOf } from './prometheus.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';

const nodes = createNodes({
  ambient: systemAmbient(),
  allowlist: '127.0.0.1:1-65535, node.internal:9100',
  token: 'secret',
});

const at = (endpoint: string) => nodes.at({ endpoint, kind: 'aggregate', shard_id: 'a1' });

/** A server that says it is aggregate/a1, and for the rest does as it is told. */
async function serving<T>(listener: RequestListener, work: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) =>
    request.url === '/health/live' ? json(200, STATE)(request, response) : listener(request, response),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
const json =
  (status: number, body: unknown): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const STATE = {
  service: 'aggregate',
  version: '1',
  git_sha: 'x',
  shard_id: 'a1',
  placement_revision: 3,
  config_revision: 0,
  draining: false,
  tenants: [{ tenant_id: 'acme', placement_revision: 3, state: 'serving', in_flight: 0 }],
};

test('NFR-06 only hosts on the allowlist are called, however they are spelt', () => {
  const allowed = ['http://127.0.0.1:9000', 'https://127.0.0.1', 'http://0x7f.1:9000', 'http://node.internal:9100'];
  for (const endpoint of allowed) expect(() => nodes.assertAllowed(endpoint)).not.toThrow();
  const refused = [
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]:9000',
    'http://[::ffff:127.0.0.1]:9000',
    'http://127.0.0.1@evil.test/',
    'http://user:pw@127.0.0.1/',
    'http://127.0.0.1.evil.test/',
    'http://evil.test#127.0.0.1',
    'http://127.0.0.1/?to=http://evil.test',
    'http://node.internal:9101',
    'file:///etc/passwd',
    'ftp://127.0.0.1',
    'nonsense',
    '',
  ];
  for (const endpoint of refused)
    expect(() => nodes.assertAllowed(endpoint)).toThrow(expect.objectContaining({ code: 'node.forbidden_host' }));
});

test('NFR-06 a call to a host that is not allowed never leaves, and a redirect is not followed', async () => {
  await expect(at('http://10.0.0.1:1').state()).rejects.toMatchObject({ code: 'node.forbidden_host' });
  let calls = 0;
  const redirect: RequestListener = (_request, response) => {
    calls++;
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  };
  await serving(redirect, async (url) => {
    await expect(at(url).state()).rejects.toThrow(/302: redirects are not followed/);
  });
  expect(calls).toBe(1);
});

test('GEN-28 answers are parsed, and the node token goes along', async () => {
  const seen: unknown[] = [];
  const listener: RequestListener = (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    json(200, STATE)(request, response);
  };
  await serving(listener, async (url) => {
    expect(await at(url).state()).toEqual({ ...STATE, aheadMs: null });
    expect(await at(url).reload()).toEqual(STATE);
  });
  expect(seen).toEqual(['GET /admin/state Bearer secret', 'POST /admin/reload?lost=kept Bearer secret']);
});

test('SCL-09 503 means not ready, whatever the body claims', async () => {
  await serving(
    json(503, { ready: true, dependencies: [{ name: 'storage', ok: false, detail: 'read-only' }] }),
    async (url) => {
      expect(await at(url).ready()).toMatchObject({
        ready: false,
        dependencies: [{ name: 'storage', ok: false }],
      });
    },
  );
});

test('a node that hangs, is gone, lies about its shape or talks too much gets its named problem', async () => {
  await serving(
    () => undefined,
    async (url) => {
      const started = stopwatch();
      await expect(at(url).state()).rejects.toMatchObject({ code: 'node.timeout' });
      expect(started()).toBeLessThan(2600);
    },
  );
  const slow: RequestListener = (_request, response) => void response.writeHead(200).write('{"service":');
  await serving(slow, async (url) => {
    await expect(at(url).state()).rejects.toMatchObject({ code: 'node.timeout' });
  });
  await expect(at('http://127.0.0.1:1').state()).rejects.toMatchObject({ code: 'node.unreachable' });
  await serving(json(200, { ...STATE, tenants: [{ tenant_id: 'acme', state: 'happy' }] }), async (url) => {
    await expect(at(url).state()).rejects.toMatchObject({ code: 'node.invalid_answer' });
  });
  await serving(
    (_request, response) => void response.end('<html>'),
    async (url) => {
      await expect(at(url).state()).rejects.toThrow(/did not answer JSON/);
    },
  );
  await serving(
    (_request, response) => void response.end('x'.repeat(5_000_000)),
    async (url) => {
      await expect(at(url).state()).rejects.toThrow(/more than 4194304 bytes/);
    },
  );
});

test('a drain refusal, an unknown tenant and a wrong token are told apart', async () => {
  await serving(json(409, { code: 'drain.refused', detail: 'not now' }), async (url) => {
    await expect(at(url).drain('acme')).rejects.toMatchObject({ code: 'drain.refused', message: /not now/ });
  });
  await serving(json(404, { code: 'tenant.unknown' }), async (url) => {
    await expect(at(url).drain('acme')).rejects.toMatchObject({ code: 'tenant.unknown' });
    await expect(at(url).resume('acme')).resolves.toBeUndefined();
    await expect(at(url).resume(null)).rejects.toMatchObject({ code: 'node.invalid_answer' });
  });
  await serving(json(401, { code: 'auth.required', detail: 'token' }), async (url) => {
    await expect(at(url).drainState()).rejects.toMatchObject({ code: 'node.invalid_answer' });
  });
});

test('a call ends with the caller’s own reason when the caller gives up', async () => {
  await serving(
    () => undefined,
    async (url) => {
      const reason = new Error('cancelled');
      await expect(at(url).state(AbortSignal.abort(reason))).rejects.toBe(reason);
      const later = new AbortController();
      const call = at(url).state(later.signal);
      setTimeout(() => later.abort(reason), 20);
      await expect(call).rejects.toBe(reason);
    },
  );
});

const METRICS = [
  '# HELP requests_total Requests',
  '# TYPE requests_total counter',
  'requests_total{tenant_id="acme",status_class="2xx"} 3',
  'requests_total{status_class="5xx",tenant_id="acme"} 1 1700000000000',
  'requests_total{tenant_id="a\\"b}c\\n",status_class="2xx"} 5',
  'requests_total_created 99',
  'requests_total{tenant_id="broken"} NaN',
  'plain 1.5e3',
].join('\n');

test('UI-01 samples are those of the families that were asked for, with their labels, however the body is cut', async () => {
  const listener: RequestListener = (_request, response) => {
    response.writeHead(200);
    for (const piece of METRICS.match(/[^]{1,7}/g)!) response.write(piece);
    response.end();
  };
  await serving(listener, async (url) => {
    expect(await at(url).samples(['requests_total', 'plain', 'absent'])).toEqual([
      { name: 'requests_total', labels: { tenant_id: 'acme', status_class: '2xx' }, value: 3 },
      { name: 'requests_total', labels: { tenant_id: 'acme', status_class: '5xx' }, value: 1 },
      { name: 'requests_total', labels: { tenant_id: 'a"b}c\n', status_class: '2xx' }, value: 5 },
      { name: 'plain', labels: {}, value: 1500 },
    ]);
  });
  await serving(json(500, { detail: 'broken' }), async (url) => {
    await expect(at(url).samples(['plain'])).rejects.toThrow(/answered 500: broken/);
  });
  await serving(
    () => undefined,
    async (url) => {
      await expect(at(url).samples(['plain'])).rejects.toMatchObject({ code: 'node.timeout' });
    },
  );
  fc.assert(fc.property(fc.string(), (line) => void sampleOf(line, ['x', line])));
});

test('NFR-09 10 000 labelled tenants are read whole, and more samples than may be are refused instead of cut', async () => {
  // Written before it is asked for: a call has two seconds, and writing it took most of them on a busy machine.
  const lines = (count: number): RequestListener => {
    const one = (_: unknown, n: number): string => `requests_total{tenant_id="t-${n}",status_class="2xx"} ${n}\n`;
    const text = Buffer.from('# TYPE noise counter\n'.repeat(1_000) + Array.from({ length: count }, one).join(''));
    return (_request, response) => void response.end(text);
  };
  await serving(lines(30_000), async (url) => {
    expect(await at(url).samples(['requests_total'])).toHaveLength(30_000);
  });
  await serving(lines(100_001), async (url) => {
    await expect(at(url).samples(['requests_total'])).rejects.toMatchObject({ code: 'node.invalid_answer' });
  });
});

test.each([
  [25 * 60_000, 25 * 60_000],
  [-25 * 60_000, -25 * 60_000],
  [365 * 86_400_000, 365 * 86_400_000],
  [0, 0],
])('NFR-07 a node whose clock is %d ms off is measured', async (off, measured) => {
  const listener: RequestListener = (request, response) =>
    json(200, { ...STATE, now: new Date(Date.now() + off).toISOString() })(request, response);
  await serving(listener, async (url) => {
    const { aheadMs } = await at(url).state();
    expect(Math.abs(aheadMs! - measured)).toBeLessThan(1_500);
  });
});

test.each([undefined, null, 7, '', 'soon', '0000-99-99T00:00:00Z', 'x'.repeat(100)])(
  'NFR-07 a node that says its time is %p is served as ever, and its clock is not known',
  async (now) => {
    await serving(json(200, { ...STATE, now }), async (url) => {
      expect(await at(url).state()).toMatchObject({ shard_id: 'a1', aheadMs: null });
    });
  },
);
