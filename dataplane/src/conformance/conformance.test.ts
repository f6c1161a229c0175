import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { TOKEN, startPlatform, type TestPlatform } from '../../testing/platform.ts';
import { CLAUSES, checkNode, toTable } from './check-node.ts';

interface Canned {
  status: number;
  body: any;
  type?: string;
  delay?: number;
}
type Break = (method: string, path: string, answer: Canned, authorised: boolean) => void;

const problem = (status: number): Canned => ({
  status,
  body: { title: 'x', status, code: 'x.y', detail: '' },
  type: 'application/problem+json',
});

/** A node in forty lines that is right over HTTP as long as nobody breaks it, and follows no NATS at all. */
function cannedNode(service: string, tamper: Break): Server {
  const tenant = { tenant_id: 'acme', state: 'serving', in_flight: 0, placement_revision: 3 };
  let nodeDrained = false;
  const answer = (method: string, path: string, text: string, authorised: boolean): Canned => {
    const drain = () => ({ draining: nodeDrained, tenants: [tenant] });
    const [route, query = ''] = path.split('?');
    const asked = new URLSearchParams(query).get('tenant_id');
    const followers = ['config', 'iam_revocations'].map((bucket) => ({ bucket, behind_since: null, checked_at: null }));
    const ids = {
      service,
      followers,
      now: new Date().toISOString(),
      version: '1',
      git_sha: 'x',
      shard_id: 's1',
      placement_revision: 3,
      config_revision: 0,
    };
    if (path === '/health/live') return { status: 200, body: { live: true, service, shard_id: 's1' } };
    const dependencies = [
      { name: 'nats', ok: true },
      { name: 'storage', ok: true },
    ];
    if (path === '/health/ready') return { status: 200, body: { ready: true, dependencies } };
    const build = `${service}_build_info{service="x",version="1",git_sha="x"} 1\n`;
    if (path === '/metrics') return { status: 200, body: build, type: 'text/plain' };
    if (path === '/.well-known/jwks.json') return { status: 200, body: { keys: [{ kid: '1' }] } };
    if (path.startsWith('/v1/')) return problem(401);
    if (!path.startsWith('/admin/')) return problem(404);
    if (!authorised) return problem(401);
    if (text.length > 1024 * 1024) return problem(413);
    let body: any;
    try {
      body = JSON.parse(text || '{}');
    } catch {
      return problem(400);
    }
    if (route === '/admin/routes') {
      if (query.includes('limit=0')) return problem(400);
      const all = ['aggregate', 'projection'].map((kind) => ({ kind, tenant_id: 'acme', shard_id: 's1', revision: 3 }));
      return { status: 200, body: { routes: all, next: null } };
    }
    if (route === '/admin/state' && asked !== null) {
      const tenants = asked === 'acme' ? [tenant] : [];
      const routes = tenants.map(({ tenant_id }) => ({ kind: 'aggregate', tenant_id, shard_id: 's1', revision: 3 }));
      return {
        status: 200,
        body: { ...ids, draining: nodeDrained, tenants, ...(service === 'gateway' ? { routes } : {}) },
      };
    }
    if (path === '/admin/state' || path === '/admin/reload') return { status: 200, body: { ...ids, ...drain() } };
    if (Object.keys(body).some((name) => name !== 'tenant_id')) return problem(400);
    if (body.tenant_id && body.tenant_id !== 'acme') return problem(404);
    if (path === '/admin/rebuild') return { status: 202, body: { rebuild_id: '1' } };
    const done = { rebuild_id: '1', tenant_id: 'acme', state: 'succeeded', processed: 2, target: 2 };
    if (path.startsWith('/admin/rebuild/')) return path.endsWith('/1') ? { status: 200, body: done } : problem(404);
    if (path === '/admin/drain' && method === 'POST') {
      if (body.tenant_id) tenant.state = 'drained';
      else nodeDrained = true;
      return { status: 202, body: drain() };
    }
    if (path === '/admin/resume') tenant.state = 'serving';
    return { status: 200, body: drain() };
  };
  return createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    const authorised = req.headers.authorization === `Bearer ${TOKEN}`;
    const [method, path] = [req.method!, req.url!];
    const canned = answer(method, path, Buffer.concat(chunks).toString(), authorised);
    canned.body = structuredClone(canned.body);
    tamper(method, path, canned, authorised);
    if (canned.delay) await sleep(canned.delay);
    res.writeHead(canned.status, { 'content-type': canned.type ?? 'application/json' });
    res.end(typeof canned.body === 'string' ? canned.body : JSON.stringify(canned.body));
  });
}

async function check(service: string, tamper: Break, nats?: string) {
  const server = cannedNode(service, tamper).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const node = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    return await checkNode({
      node,
      token: TOKEN,
      patience: 0.1,
      ...(nats ? { nats, disrupt: true } : { tenant: 'acme' }),
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const on = (wanted: string, change: (answer: Canned) => void): Break => {
  return (method, path, answer) => void (`${method} ${path}` === wanted && change(answer));
};
const stateOf = (change: (body: any) => void): Break =>
  on('GET /admin/state', ({ status, body }) => void (status === 200 && change(body)));
/** Takes a mistyped field for "no tenant", and drains everything. */
const drainsOnTypos = (): Break => {
  let drained = false;
  return (method, path, answer) => {
    if (method === 'POST' && path === '/admin/drain' && answer.status === 400) drained = true;
    if (path === '/admin/drain' && answer.status < 300) answer.body.draining = drained;
  };
};
const asking = (tenant: string, change: (answer: Canned) => void): Break =>
  on(`GET /admin/state?tenant_id=${tenant}`, change);
const slowOnce = (): Break => {
  let asked = 0;
  return on('GET /admin/drain', (answer) => void (asked++ === 0 && (answer.delay = 2100)));
};

/** One way to break each clause that is about HTTP, and what the table must then say. */
const BREAKS: [string, string, Break, RegExp][] = [
  ['PC-01', 'runner', on('GET /health/live', (a) => (a.status = 500)), /answered 500/],
  ['PC-01', 'runner', on('GET /health/live', (a) => (a.body = { live: true })), /says undefined\/undefined/],
  [
    'PC-01',
    'runner',
    on('GET /health/live', (a) => (a.body.shard_id = 's2')),
    /says runner\/s2, GET \/admin\/state runner\/s1/,
  ],
  [
    'PC-01',
    'runner',
    (_, path, a, authorised) => void (path === '/health/live' && !authorised && (a.status = 401)),
    /answered 401/,
  ],
  ['PC-02', 'runner', on('GET /health/ready', ({ body }) => body.dependencies.pop()), /"storage" is missing/],
  ['PC-02', 'runner', on('GET /health/ready', ({ body }) => (body.dependencies[0].ok = false)), /while down: nats/],
  ['PC-02', 'runner', on('GET /health/ready', (a) => (a.status = 503)), /contradicts ready=true/],
  ['PC-03', 'runner', on('GET /metrics', (a) => (a.body = 'x 1\n')), /no runner_build_info/],
  ['PC-04', 'runner', on('GET /metrics', (a) => (a.body += 'r{tenant_id="a",path="/x"} 1\n')), /tenant_id and path/],
  ['PC-05', 'runner', stateOf((body) => delete body.config_revision), /"config_revision"/],
  ['PC-35', 'aggregate', stateOf((body) => delete body.now), /"now" is no UTC time with milliseconds: undefined/],
  ['PC-35', 'runner', stateOf((body) => (body.now = '2026-01-01T09:00:00Z')), /"now" is no UTC time with milliseconds/],
  ['PC-35', 'projection', stateOf((body) => (body.now = '2026-01-01T09:00:00.000Z')), /"now" went on by 0 ms in/],
  ['PC-05', 'runner', stateOf((body) => (body.tenants[0].state = 'fine')), /state of acme is "fine"/],
  ['PC-06', 'runner', on('POST /admin/reload', ({ body }) => (body.placement_revision = 1)), /fell from 3 to 1/],
  ['PC-07', 'runner', (_m, path, a, ok) => void (path === '/admin/state' && !ok && (a.status = 200)), /instead of 401/],
  ['PC-08', 'runner', on('GET /admin/drain', ({ body }) => (body.tenants = [])), /different tenants/],
  ['PC-09', 'runner', on('GET /conformance/no-such-route', (a) => (a.type = 'text/html')), /not problem\+json/],
  ['PC-10', 'runner', (_m, _p, a) => void (a.status === 400 && (a.status = 500)), /answered 500 instead of 400/],
  ['PC-11', 'runner', (_m, _p, a) => void (a.status === 413 && (a.status = 200)), /instead of 413/],
  ['PC-12', 'runner', drainsOnTypos(), /drained the whole node/],
  ['PC-13', 'runner', on('POST /admin/drain', (a) => void (a.status === 404 && (a.status = 202))), /instead of 404/],
  ['PC-14', 'gateway', on('GET /.well-known/jwks.json', ({ body }) => (body.keys[0].d = 'x')), /private/],
  ['PC-20', 'projection', on('GET /admin/rebuild/1', ({ body }) => (body.processed = 1)), /processed 1 of 2/],
  ['PC-22', 'runner', on('POST /admin/drain', (a) => void (a.status === 202 && (a.status = 409))), /answered 409/],
  [
    'PC-29',
    'runner',
    on(
      'POST /admin/reload',
      (a) => void (a.body.tenants?.[0]?.state === 'drained' && (a.body.tenants[0].state = 'serving')),
    ),
    /after a reload the tenant is "serving"/,
  ],
  ['PC-24', 'runner', stateOf((body) => (body.tenants[0].state = 'drained')), /"drained" after the first resume/],
  ['PC-27', 'runner', stateOf((body) => delete body.followers), /"followers" is not a list/],
  ['PC-27', 'gateway', stateOf((body) => body.followers.pop()), /no follower of iam_revocations/],
  ['PC-27', 'runner', stateOf((body) => (body.followers[0].behind_since = 'long ago')), /"behind_since" of config/],
  [
    'PC-28',
    'runner',
    asking('conformance-nobody', ({ body }) => body.tenants.push({ tenant_id: 'acme' })),
    /it lists acme/,
  ],
  ['PC-28', 'gateway', asking('acme', ({ body }) => delete body.routes), /does not say where it routes/],
  ['PC-28', 'gateway', asking('acme', ({ body }) => (body.routes[0].tenant_id = 'globex')), /it routes globex/],
  ['PC-34', 'gateway', on('GET /admin/routes?limit=2&after=', ({ body }) => body.routes.reverse()), /not in order/],
  ['PC-34', 'gateway', on('GET /admin/routes?limit=2&after=', ({ body }) => (body.next = 'x')), /"next" is "x"/],
  ['PC-26', 'runner', slowOnce(), /GET \/admin\/drain took 2\d\d\d ms/],
];

const LOST = ['PC-31', 'PC-32', 'PC-33'];

describe('conformance', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startPlatform('a1', 'p1', 'r1', 'g1');
  });
  afterAll(() => platform.stop());

  it.each(['a1', 'p1', 'r1', 'g1'])('SCL-04 our own %s keeps every clause', async (shard) => {
    const results = await checkNode({
      node: platform.node(shard).url,
      token: TOKEN,
      nats: platform.nats.url,
      disrupt: true,
    });
    expect(results.filter(({ result }) => result === 'fail')).toEqual([]);
    expect(results.filter(({ result }) => result === 'pass').length).toBeGreaterThanOrEqual(20);
    expect((await platform.node(shard).get('/admin/state')).body.tenants).toEqual([]);
  });

  it('passes a canned node that nobody broke', async () => {
    for (const service of ['runner', 'projection', 'gateway']) {
      expect((await check(service, () => undefined)).filter(({ result }) => result === 'fail')).toEqual([]);
    }
  });

  it.each(BREAKS)('%s is failed by a %s that breaks it, and says how', async (id, service, tamper, reason) => {
    const results = await check(service, tamper);
    const found = results.find((one) => one.id === id)!;
    expect(`${found.result}: ${found.reason}`).toMatch(new RegExp(`^fail: .*${reason.source}`));
    expect(toTable(results)).toContain(`${id}  fail`);
  });

  it('fails every clause about placement on nodes that do not listen to NATS', async () => {
    const failed = new Set<string>();
    for (const service of ['aggregate', 'projection']) {
      const results = await check(service, () => undefined, platform.nats.url);
      for (const { id, result } of results) if (result === 'fail') failed.add(id);
    }
    for (const id of ['PC-15', 'PC-16', 'PC-17', 'PC-18', 'PC-19', 'PC-21', 'PC-22', 'PC-23', 'PC-24', ...LOST]) {
      expect([...failed]).toContain(id);
    }
  });

  it('PC-25 is failed by a node that keeps a tenant placed elsewhere', async () => {
    let name = '';
    const sticky: Break = (_m, path, { body }) => {
      const tenant = { tenant_id: name, state: 'serving', in_flight: 0, placement_revision: 6 };
      if (path === '/admin/state' && name && body.tenants) body.tenants = [tenant];
    };
    const watch = await (await platform.kv('placement')).watch({ key: 'runner.*' });
    void (async () => {
      for await (const entry of watch) name = entry.key.split('.')[1]!;
    })();
    const results = await check('runner', sticky, platform.nats.url);
    watch.stop();
    expect(results.find(({ id }) => id === 'PC-25')).toMatchObject({
      result: 'fail',
      reason: expect.stringMatching(/still listed/),
    });
  });

  it('PC-30 is failed where a stream says nothing of its consumers, or too few', async () => {
    const jsm = await jetstreamManager(platform.nc);
    const tell = async (name: string, max_consumers: number) =>
      jsm.streams.update(name, Object.assign({ ...(await jsm.streams.info(name)).config }, { max_consumers }));
    await tell('EFFECTS', -1);
    await tell('KV_outbox', 12);
    const results = await check('runner', () => undefined, platform.nats.url);
    await Promise.all([tell('EFFECTS', 100_000), tell('KV_outbox', 100_000)]);
    expect(results.find(({ id }) => id === 'PC-30')).toMatchObject({
      result: 'fail',
      reason: 'too few consumers allowed: EFFECTS -1, KV_outbox 12',
    });
  });

  it('PC-31 PC-32 PC-33 each is failed by a node that reads but trusts its watch, keeps history or gives up what was lost', async () => {
    let name = '';
    const timers: NodeJS.Timeout[] = [];
    /** Follows the placement as a node does, and then goes wrong in one way. */
    const faithful = async (wrong: { resurrects?: true; deaf?: true; forgets?: true }): Promise<Break> => {
      const kv = await platform.kv('placement');
      const seen = new Map<string, number>();
      const look = async (): Promise<void> => {
        const entry = name ? await kv.get(`runner.${name}`).catch(() => null) : null;
        if (entry?.operation === 'PUT') {
          const { shard, revision } = entry.json<{ shard: string; revision: number }>();
          if (shard !== 's1') seen.delete(name);
          else if (!(wrong.deaf && revision === 8)) seen.set(name, revision);
        } else if (entry ? !wrong.resurrects : wrong.forgets) seen.delete(name);
      };
      const timer = setInterval(() => void look(), 5);
      timers.push(timer);
      return (_m, path, { body }) => {
        if (!path.startsWith('/admin/state') && path !== '/admin/reload') return;
        const revision = seen.get(name);
        if (!body.tenants || revision === undefined) return;
        body.tenants = [{ tenant_id: name, state: 'serving', in_flight: 0, placement_revision: revision }];
      };
    };
    // Not by a watch: those are taken away here.
    const heard = platform.nc.subscribe('$KV.placement.runner.*', {
      callback: (_err, { subject }) => void (name = subject.split('.').at(-1)!),
    });
    const verdicts = async (wrong: Parameters<typeof faithful>[0]) => {
      const results = await check('runner', await faithful(wrong), platform.nats.url);
      return results.filter(({ id }) => LOST.includes(id)).map(({ result, reason }) => `${result} ${reason}`.trim());
    };
    expect(await verdicts({})).toEqual(['pass', 'pass', 'pass']);
    expect((await verdicts({ resurrects: true }))[0]).toMatch(/^fail the tenant is still listed/);
    expect((await verdicts({ deaf: true }))[1]).toMatch(/^fail revision 8 was not applied/);
    expect((await verdicts({ forgets: true }))[2]).toMatch(/^fail the tenant was given up/);
    heard.unsubscribe();
    for (const timer of timers) clearInterval(timer);
  });

  it('every clause is broken by some test here', () => {
    const byName = new Set([...BREAKS.map(([id]) => id), 'PC-25', 'PC-30']);
    const overNats = ['PC-15', 'PC-16', 'PC-17', 'PC-18', 'PC-19', 'PC-21', 'PC-23', ...LOST];
    expect([...byName, ...overNats].sort()).toEqual(CLAUSES.map(({ id }) => id).sort());
  });
});
