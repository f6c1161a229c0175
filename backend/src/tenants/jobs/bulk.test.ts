// Many tenants at once: one parent, one child each, and what happens when one of them will not or somebody cancels.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Plan, type Job } from '@cloudlysis/contract';
import { jobMutations } from '../../jobs/index.ts';
import { eventually } from '../../../testing/eventually.ts';
import { felt } from '../../../../testing/felt.ts';
import { ada, startGround, startReplica, type Ground, type Replica } from '../platform.fixture.ts';

const reason = 'INC-42: noisy neighbours';
let ground: Ground;
let replica: Replica;

beforeAll(async () => {
  ground = await startGround();
  replica = await startReplica(ground, { patienceMs: 3_000 });
});
afterAll(async () => {
  await replica?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

async function create(prefix: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `${prefix}-${n + 1}`);
  await Promise.all(
    ids.map((tenant_id) =>
      replica.run('tenants.create', { tenant_id, metadata: { name: tenant_id }, reason: 'to be changed' }),
    ),
  );
  return ids;
}
const stateOf = async (id: string): Promise<string> => (await replica.get(id)).status.state;
const states = (ids: readonly string[]): Promise<string[]> => Promise.all(ids.map(stateOf));

it('UI-15 pauses many, each by a child of its own, and its undo resumes exactly those', async () => {
  const tenant_ids = await create('many', 5);
  const planned = async () => Plan.parse(await replica.preflight('tenants.bulk_pause', { tenant_ids, reason }));
  // Nodes are asked every other second: right after its creation a tenant's work in flight is not known yet.
  await eventually('all five are measured', async () => felt(await planned())?.['in flight'] !== null);
  const plan = await planned();
  expect(plan.blockers).toEqual([]);
  expect(felt(plan)).toMatchObject({ ids: tenant_ids, count: 5, 'in flight': 10 });
  expect(plan.diff).toContainEqual({ op: 'replace', path: 'tenants.many-3.paused', before: false, after: true });
  const job = await replica.run('tenants.bulk_pause', { tenant_ids, concurrency: 2, reason });
  expect(job).toMatchObject({ state: 'succeeded', tenant_id: null, proof: { facts: { tenants: 5 } } });
  expect(await states(tenant_ids)).toEqual(Array(5).fill('suspended'));
  const children = await replica.engine.store.childrenOf(job.job_id);
  expect(children.map(({ kind, tenant_id }) => [kind, tenant_id]).sort()).toEqual(
    tenant_ids.map((id) => ['tenants.pause', id]),
  );
  expect(job.undo).toMatchObject({ operation: 'tenants.bulk_resume', body: { tenant_ids } });
  const back = await replica.run('tenants.bulk_resume', job.undo!.body as Record<string, unknown>);
  expect(back.state).toBe('succeeded');
  expect(await states(tenant_ids)).toEqual(Array(5).fill('active'));
});

it('UI-15 the preflight says of each tenant why it cannot be changed', async () => {
  const [paused, free] = await create('mixed', 2);
  await replica.run('tenants.pause', { tenant_id: paused, reason });
  const tenant_ids = [paused!, free!, 'nobody'];
  const plan = await replica.preflight('tenants.bulk_pause', { tenant_ids, reason });
  expect(plan.blockers.map(({ code }) => code)).toEqual(['tenants.ready', `tenant.${paused}`, 'tenant.nobody']);
  expect(plan.blockers[1]?.detail).toMatch(/has been paused since/);
  expect(plan.blockers[2]?.detail).toBe('there is no tenant nobody');
  await expect(replica.run('tenants.bulk_pause', { tenant_ids, reason })).rejects.toMatchObject({
    code: 'preflight.blocked',
  });
});

it('UI-15 every named tenant must be covered by the caller’s permission, and the first that is not is named', async () => {
  const tenant_ids = await create('scoped', 2);
  const may: Parameters<typeof jobMutations>[0]['may'] = (_principal, permission, { tenantId }) =>
    tenantId === tenant_ids[0]
      ? { allowed: true, reason: null }
      : { allowed: false, reason: `${permission} is missing on tenant ${tenantId}` };
  const { engine, ambient } = replica;
  const handler = jobMutations({ engine, ambient, may }, ['tenants.bulk_pause'])['tenants.bulk_pause'];
  const call = {
    params: {},
    body: { tenant_ids, reason },
    principal: ada,
    provenance: { requestId: 'r' },
    visible: 'all',
  };
  const refusal = { code: 'permission.missing', message: 'tenants.pause is missing on tenant scoped-2' };
  await expect(handler.preflight(call as never)).rejects.toMatchObject(refusal);
  const headers = { idempotencyKey: 'k', planHash: null, waitMs: 0 };
  await expect(handler.submit(call as never, headers)).rejects.toMatchObject(refusal);
  const one = { ...call, body: { tenant_ids: tenant_ids.slice(0, 1), reason } };
  expect((await handler.preflight(one as never)).blockers).toEqual([]);
});

it('UI-15 one tenant that will not leaves the others changed, says which, and what was done can be undone', async () => {
  const tenant_ids = await create('partly', 3);
  const { placements } = await replica.get(tenant_ids[0]!);
  const aggregates = await Promise.all(tenant_ids.map(async (id) => (await replica.get(id)).placements[0]!.shard_id));
  const node = ground.node(placements[0]!.shard_id);
  node.defies = true;
  try {
    const job = await replica.run('tenants.bulk_pause', { tenant_ids, reason });
    const defied = tenant_ids.filter((_, index) => aggregates[index] === node.shardId);
    const done = tenant_ids.filter((id) => !defied.includes(id));
    expect(job).toMatchObject({ state: 'failed', problem: { code: 'step.failed' } });
    expect(job.problem?.detail).toContain(`${defied.length} of 3 tenants are not paused`);
    for (const id of defied) expect(job.problem?.detail).toContain(`${id} compensated`);
    expect(job.undo).toEqual(
      done.length === 0 ? null : expect.objectContaining({ body: { tenant_ids: done, reason: expect.any(String) } }),
    );
  } finally {
    node.defies = false;
  }
});

it('UI-15 API-03 a cancel begins no more children, cancels those under way and keeps what was done', async () => {
  const tenant_ids = await create('halted', 4);
  const slow = ground.node((await replica.get(tenant_ids[1]!)).placements[0]!.shard_id);
  slow.defies = true;
  let job: Job;
  try {
    job = await replica.submit('tenants.bulk_pause', { tenant_ids, concurrency: 1, reason });
    await eventually('a child waits for its nodes', async () => {
      const children = await replica.engine.store.childrenOf(job.job_id);
      return children.some(({ state, steps }) => state === 'running' && steps[1]?.state === 'running');
    });
    const record = {
      code: 'job.cancel_requested',
      action: 'jobs.cancel',
      actor: ada,
      resource: 'x',
      outcome: 'requested',
    } as const;
    await replica.engine.cancel(job.job_id, ada.id, 'changed my mind', record);
    const ended = await replica.engine.settled(job.job_id, 60_000);
    expect([ended.state, ended.steps[0]?.state]).toEqual(['cancelled', 'interrupted']);
    const children = await replica.engine.store.childrenOf(job.job_id);
    expect(children.length).toBeLessThan(4);
    const paused = children.filter(({ state }) => state === 'succeeded').map(({ tenant_id }) => tenant_id);
    expect((ended.undo?.body as { tenant_ids: string[] } | undefined)?.tenant_ids ?? []).toEqual(paused);
    const now = await states(tenant_ids);
    expect(tenant_ids.filter((_, index) => now[index] === 'suspended')).toEqual(paused);
  } finally {
    slow.defies = false;
  }
});

it('UI-15 archives many; each is restored by itself', async () => {
  const tenant_ids = await create('gone', 2);
  const job = await replica.run('tenants.bulk_archive', { tenant_ids, reason });
  expect(job).toMatchObject({ state: 'succeeded', undo: null });
  expect(await states(tenant_ids)).toEqual(['archived', 'archived']);
});
