// Trying a change to many tenants again: what is left of it, whatever was done then, since, or by somebody else.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Job } from '@cloudlysis/contract';
import { eventually } from '../../../testing/eventually.ts';
import { ada, startGround, startReplica, type Ground, type Replica } from '../platform.fixture.ts';

const reason = 'INC-42: noisy neighbours';
let ground: Ground;
let replica: Replica;

beforeAll(async () => {
  ground = await startGround();
  replica = await startReplica(ground, { patienceMs: 1_500 });
});
afterAll(async () => {
  await replica?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

/** All on a1, but for the last, which is on a2: the node that will not obey. */
async function create(prefix: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `${prefix}-${n + 1}`);
  await Promise.all(
    ids.map((tenant_id, n) =>
      replica.run('tenants.create', {
        tenant_id, metadata: { name: tenant_id }, shards: { aggregate: n === count - 1 ? 'a2' : 'a1' }, reason: 'to be changed',
      }),
    ),
  ); // prettier-ignore
  return ids;
}
const whileDefied = async <T>(work: () => Promise<T>): Promise<T> => {
  ground.node('a2').defies = true;
  return work().finally(() => (ground.node('a2').defies = false));
};
const pausedOf = async (ids: readonly string[]): Promise<string[]> => {
  const states = await Promise.all(ids.map(async (id) => (await replica.get(id)).status.state));
  return ids.filter((_, n) => states[n] === 'suspended');
};
const remainder = async (job: Job) => {
  const plan = await replica.retry.preflight(job.job_id);
  return { plan, said: plan.checks.find(({ id }) => id === 'retry.remainder') };
};

it('API-03 UI-15 after a partial failure "try again" does the rest, and the rest alone', async () => {
  const tenant_ids = await create('part', 3);
  const failed = await whileDefied(() => replica.run('tenants.bulk_pause', { tenant_ids, concurrency: 2, reason }));
  expect(failed.state).toBe('failed');
  expect(await pausedOf(tenant_ids)).toEqual(['part-1', 'part-2']);
  const { plan, said } = await remainder(failed);
  expect(plan.blockers).toEqual([]);
  expect(said).toMatchObject({ status: 'pass', measured: 1, limit: 3, detail: 'left: part-3; done already: part-1, part-2' }); // prettier-ignore
  expect(plan.diff.map(({ path }) => path)).toEqual(['tenants.part-3.paused']);
  const again = await replica.retry.run(failed.job_id, plan.hash, 'once');
  expect(again).toMatchObject({ state: 'succeeded', retry_of: failed.job_id });
  expect(again.plan.checks[0]).toMatchObject({ id: 'retry.remainder' });
  expect((await replica.engine.store.childrenOf(again.job_id)).map(({ tenant_id }) => tenant_id)).toEqual(['part-3']);
  expect(await pausedOf(tenant_ids)).toEqual(tenant_ids);
  expect(again.undo?.body).toMatchObject({ tenant_ids: ['part-3'] });
  // The same key is the same job, also when by now nothing is left.
  expect((await replica.retry.run(failed.job_id, plan.hash, 'once')).job_id).toBe(again.job_id);
  await expect(replica.retry.preflight(failed.job_id)).rejects.toMatchObject({
    code: 'job.state',
    message: `nothing is left to do of ${failed.job_id}: done already: part-1, part-2, part-3`,
  });
  await expect(replica.retry.run(failed.job_id, plan.hash, 'twice')).rejects.toMatchObject({ code: 'job.state' });
});

it('API-03 UI-15 what somebody did or undid since is named, and not done over', async () => {
  const tenant_ids = await create('since', 4);
  const failed = await whileDefied(() => replica.run('tenants.bulk_pause', { tenant_ids, concurrency: 4, reason }));
  await replica.run('tenants.resume', { tenant_id: 'since-1', reason: 'needed' });
  const before = await remainder(failed);
  expect(before.said).toMatchObject({
    status: 'warn', measured: 1, detail: 'left: since-4; done already: since-2, since-3; changed since, and left alone: since-1',
  }); // prettier-ignore
  await replica.run('tenants.pause', { tenant_id: 'since-4', reason: 'by hand' });
  await expect(replica.retry.preflight(failed.job_id)).rejects.toThrow(
    /nothing is left to do of job_.*: done already: since-2, since-3, since-4; changed since, and left alone: since-1/,
  );
  // A plan that was shown before is not carried out on a world that moved.
  await expect(replica.retry.run(failed.job_id, before.plan.hash)).rejects.toMatchObject({ code: 'job.state' });
  expect(await pausedOf(tenant_ids)).toEqual(['since-2', 'since-3', 'since-4']);
});

it('API-03 UI-15 a change that was cancelled half-way goes on where it stopped, and a retry that fails is tried again', async () => {
  const ids = await create('half', 4);
  // One at a time, the one that will not second: one is done, one is undone, two never began.
  const tenant_ids = [ids[0]!, ids[3]!, ids[1]!, ids[2]!];
  const cancelled = await whileDefied(async () => {
    const job = await replica.submit('tenants.bulk_pause', { tenant_ids, concurrency: 1, reason });
    await eventually('a child waits for its nodes', async () => {
      const children = await replica.engine.store.childrenOf(job.job_id);
      return children.some(({ tenant_id, steps }) => tenant_id === 'half-4' && steps[1]?.state === 'running');
    });
    const record = { code: 'job.cancel_requested', action: 'jobs.cancel', actor: ada, resource: 'x', outcome: 'requested' } as const; // prettier-ignore
    await replica.engine.cancel(job.job_id, ada.id, 'changed my mind', record);
    await replica.engine.settled(job.job_id, 60_000);
    return job;
  });
  expect(await pausedOf(ids)).toEqual(['half-1']);
  const first = await remainder(cancelled);
  expect(first.said?.detail).toBe('left: half-4, half-2, half-3; done already: half-1');
  const failed = await whileDefied(() => replica.retry.run(cancelled.job_id, first.plan.hash));
  expect(failed.state).toBe('failed');
  const second = await remainder(failed);
  expect(second.said?.detail).toBe('left: half-4; done already: half-2, half-3');
  expect((await replica.retry.run(failed.job_id, second.plan.hash)).state).toBe('succeeded');
  expect(await pausedOf(ids)).toEqual(ids);
});

it('API-03 UI-15 tried again twice at once, each tenant is changed once and the later one says why not', async () => {
  const tenant_ids = await create('twin', 3);
  const failed = await whileDefied(() => replica.run('tenants.bulk_pause', { tenant_ids, concurrency: 3, reason }));
  const { plan } = await remainder(failed);
  const both = await Promise.all(
    [1, 2].map(() => replica.retry.run(failed.job_id, plan.hash).catch((error: unknown) => error)),
  );
  const ends = both.map((one) => {
    const { state, problem, code } = one as Job & { code: string };
    return state === 'failed' ? `failed: ${problem?.detail}` : (state ?? code);
  });
  expect(ends).toContain('succeeded');
  // The later one is refused at once, or waits for the lane and is planned anew when the earlier one has ended: either
  // way it says that there is nothing to do.
  for (const end of ends)
    expect(end).toMatch(
      /^(succeeded|job\.state|preflight\.blocked|plan\.stale|plan\.used|failed: .*twin-3 has been paused since .*)$/,
    );
  expect(await pausedOf(tenant_ids)).toEqual(tenant_ids);
});

it.each(['tenants.bulk_resume', 'tenants.bulk_archive'] as const)(
  'API-03 UI-15 %s has its remainder, too',
  async (kind) => {
    const tenant_ids = await create(kind === 'tenants.bulk_resume' ? 'res' : 'arc', 2);
    if (kind === 'tenants.bulk_resume') await replica.run('tenants.bulk_pause', { tenant_ids, reason });
    const last = tenant_ids[1]!;
    ground.node('a2').hangs = true;
    const failed = await replica.run(kind, { tenant_ids, concurrency: 2, reason }).finally(() => (ground.node('a2').hangs = false)); // prettier-ignore
    expect(failed.state).toBe('failed');
    await eventually('the node answers again', async () => replica.book.reports().get('a2')?.problem === null);
    const { plan, said } = await remainder(failed);
    expect(said?.detail).toBe(`left: ${last}; done already: ${tenant_ids[0]}`);
    expect((await replica.retry.run(failed.job_id, plan.hash)).state).toBe('succeeded');
  },
);
