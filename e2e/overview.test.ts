// The overview and the connection test over the real service: what is up, what is down, and never a wrong "ok".
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mutations, reads, type Client, type Overview } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { stopwatch } from '../testing/stopwatch.ts';

let stack: Stack;
let operator: Client;
beforeAll(async () => {
  stack = await startStack({ tenants: 3, ownMongo: true });
  operator = stack.as('operator');
});
afterAll(() => stack?.stop());

/** An answer of the contract, and how long it took. */
async function timed<T>(ask: () => Promise<T>): Promise<[T, number]> {
  const began = stopwatch();
  const answer = await ask();
  return [answer, began()];
}
const overview = async (): Promise<[Overview, number]> => timed(() => operator.read('overview.get'));
const stateOf = ({ services }: Overview, kind: string): string =>
  services.find((service) => service.kind === kind)!.state;

it('UI-01 a platform that is well says so of every kind, with measured figures', async () => {
  const load = stack.load({ seconds: 15, rate: 60 });
  await eventually(
    'everything is ok',
    async () => (await overview())[0].services.every(({ state }) => state === 'ok'),
    20_000,
  );
  const traffic = ({ services }: Overview): number =>
    services[0]?.figures.find(({ unit }) => unit === 'req/s')?.value ?? 0;
  await eventually('the load is seen', async () => traffic((await overview())[0]) > 20);
  const [answer] = await overview();
  reads['overview.get'].answers[200].parse(answer);
  const figures = Object.fromEntries(
    answer.services.flatMap(({ kind, figures }) => figures.map(({ name, value }) => [`${kind}.${name}`, value])),
  );
  expect(figures).toMatchObject({
    'gateway.nodes_ready': 1,
    'aggregate.nodes': 2,
    'projection.lag_peak': expect.any(Number),
  });
  expect(traffic(answer)).toBeGreaterThan(20);
  expect(figures['aggregate.command_p95']).toBeGreaterThan(0);
  expect(answer).toMatchObject({ tenants: { total: 3, by_state: { active: 3 } }, unchecked: [] });
  expect(answer.attention).toEqual([]);
  await load;
});

it('UI-12 every connection is tested for real and shown without credentials', async () => {
  const [{ items }, ms] = await timed(() => operator.read('settings.connections'));
  expect(ms).toBeLessThan(3_000);
  const states = Object.fromEntries(items.map(({ id, state }) => [id, state]));
  expect(states).toMatchObject({
    mongodb: 'ok', nats: 'ok', jetstream: 'ok', 'nats.kv.placement': 'ok', 'nats.kv.config': 'ok', 'node.a1': 'ok', 'node.g1': 'ok',
    'jwks.gateway': 'ok', 'jwks.grafana': 'not-configured', audit: 'ok',
  }); // prettier-ignore
  expect(items.find(({ id }) => id === 'mongodb')?.detail).toMatch(/replica set .*majority read and transaction work/);
});

it('UI-01 UI-12 a node that is gone is named by its shard, in both', async () => {
  await stack.node('p1').kill();
  await eventually('it is seen', async () => stateOf((await overview())[0], 'projection') === 'degraded');
  await eventually('its metrics are missed', async () => (await overview())[0].unchecked.length > 0);
  const [answer] = await overview();
  expect(answer.unchecked.map(({ source }) => source)).toContain('projection/p1 metrics');
  expect(answer.attention).toContainEqual(
    expect.objectContaining({ id: 'shard.unreachable:p1', severity: 'critical', resource: 'shard:p1' }),
  );
  const { items } = await operator.read('settings.connections');
  expect(items.find(({ id }) => id === 'node.p1')).toMatchObject({
    state: 'failed',
    detail: expect.stringContaining('ECONNREFUSED'),
  });
  await stack.node('p1').start();
  await eventually('it is ok again', async () => stateOf((await overview())[0], 'projection') === 'ok');
});

it('UI-01 UI-12 with the database frozen both answer in their time, and nothing that needs it is ok', async () => {
  await stack.pauseMongo();
  try {
    const [[answer, ms], [{ items }, testMs]] = await Promise.all([
      overview(),
      timed(() => operator.read('settings.connections')),
    ]);
    expect([ms < 2_500, testMs < 4_000]).toEqual([true, true]);
    expect(stateOf(answer, 'mongodb')).toBe('down');
    expect(stateOf(answer, 'jetstream')).toBe('ok');
    for (const kind of ['gateway', 'aggregate', 'control-plane']) expect(stateOf(answer, kind)).not.toBe('ok');
    expect(answer.unchecked.map(({ source }) => source)).toEqual(expect.arrayContaining(['MongoDB', 'shards', 'jobs']));
    expect(answer.attention[0]).toMatchObject({ severity: 'critical', resource: 'service:mongodb' });
    const states = Object.fromEntries(items.map(({ id, state }) => [id, state]));
    expect(states).toMatchObject({ mongodb: 'failed', nats: 'ok', 'node.a1': 'ok' });
  } finally {
    stack.resumeMongo();
  }
  await eventually('it is ready again', async () => (await fetch(`${stack.url()}/readyz`)).ok);
});

it('NFR-07 with the database frozen every list is refused by name within 4 s instead of hanging', async () => {
  await stack.pauseMongo();
  try {
    const ask = async (path: string): Promise<[string, number, boolean]> => {
      const headers = { authorization: `Bearer ${stack.bearer('owner')}` };
      const [response, ms] = await timed(() => fetch(`${stack.url()}/admin/v1${path}`, { headers }));
      const { code } = (await response.json()) as { code?: string };
      return [
        path,
        response.status,
        ms < 4_000 && (response.ok || code === 'store.unavailable' || code === 'audit.unavailable'),
      ];
    };
    const paths = [
      '/jobs',
      '/scale/shards',
      '/scale/placements',
      '/tenants',
      '/tenants/tenant-01',
      '/audit/records',
      '/me',
    ];
    for (const answer of await Promise.all(paths.map(ask))) expect(answer).toEqual([answer[0], answer[1], true]);
  } finally {
    stack.resumeMongo();
  }
  await eventually('it is ready again', async () => (await fetch(`${stack.url()}/readyz`)).ok);
});

it('NFR-08 UI-01 with the database frozen the copies in memory say that they may be behind; a record restored behind them is shown', async () => {
  const copies = ['placements', 'tenants', 'assignments'].map((name) => `copy.behind:${name}`);
  const told = async (): Promise<string[]> => (await overview())[0].attention.map(({ id }) => id);
  const behind = async (): Promise<string> =>
    /^cp_copy_behind_seconds\{copy="placements"\} (\S+)$/m.exec(
      await (await fetch(`${stack.url()}/metrics`)).text(),
    )![1]!;
  // A test before this one froze the database, too.
  await eventually('nothing is behind', async () => (await behind()) === '0');
  await stack.pauseMongo();
  try {
    const all = async () => {
      const ids = await told();
      return copies.every((id) => ids.includes(id));
    };
    await eventually('they say so', all);
    expect(Number(await behind())).toBeGreaterThan(0);
    expect(stateOf((await overview())[0], 'control-plane')).not.toBe('ok');
  } finally {
    stack.resumeMongo();
  }
  await eventually('they caught up', async () => !(await told()).some((id) => id.startsWith('copy.behind')));
  const placements = stack.db.collection<{ _id: string; shard_id: string; revision: number }>('placements');
  const { shard_id, revision } = (await placements.findOne({ _id: 'runner.tenant-01' }))!;
  const other = shard_id === 'r1' ? 'r2' : 'r1';
  const listed = async () =>
    (await operator.read('scale.placements.list', { query: { limit: 50, tenant_id: 'tenant-01', kind: 'runner' } })).items[0]?.shard_id; // prettier-ignore
  await placements.updateOne({ _id: 'runner.tenant-01' }, { $set: { shard_id: other, revision: 0 } });
  await eventually('the restored one is shown', async () => (await listed()) === other);
  await placements.updateOne({ _id: 'runner.tenant-01' }, { $set: { shard_id, revision } });
  await eventually('it is back', async () => (await listed()) === shard_id);
});

it('UI-15 UI-01 who holds one tenant sees that one, may change it with others of theirs, and no other', async () => {
  const email = 'one@b.test';
  const assignment = { principal: email, role: 'operator', scope: { kind: 'tenant', tenant_id: 'tenant-01' } };
  await stack.db.collection('assignments').insertOne(assignment);
  const client = stack.client(await stack.token({ email }));
  await eventually(
    'the assignment holds',
    async () => (await client.read('identity.me')).abilities['overview.get']!.allowed,
  );
  const answer = await client.read('overview.get');
  expect(answer.tenants.total).toBe(1);
  expect(answer.attention.filter(({ resource }) => resource.startsWith('shard:'))).toEqual([]);
  const both = { tenant_ids: ['tenant-01', 'tenant-02'], reason: 'not all of them are theirs' };
  await expect(client.preflight('tenants.bulk_pause', { body: both })).rejects.toMatchObject({
    code: 'permission.missing',
    message: 'tenants.pause is missing in environment dev on tenant tenant-02',
  });
  const body = { tenant_ids: ['tenant-01'], reason: 'theirs' };
  const { hash } = await client.preflight('tenants.bulk_pause', { body });
  const { status, job } = await client.submit('tenants.bulk_pause', {
    body,
    idempotencyKey: 'one',
    planHash: hash,
    wait: 30,
  });
  expect([status, job.state]).toEqual([200, 'succeeded']);
  const { items } = await client.read('jobs.list', { query: { tenant_id: 'tenant-01', sort: 'created_at' } });
  expect(items.map(({ kind }) => kind)).toEqual([mutations['tenants.bulk_pause'].submit.id, 'tenants.pause']);
  const there = await client.read('identity.me', { query: { tenant_id: 'tenant-02' } });
  expect([there.tenant_id, there.abilities['tenants.pause']?.allowed]).toEqual(['tenant-02', false]);
  expect(there).toMatchObject({ environment: 'dev', version: '0.1.0', mode: 'development' });
});
