// MongoDB cut, frozen or full: changes are refused in time and have no effect; reads and recovery go on.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mutations, Problem, type Client, type MutationId } from '@cloudlysis/contract';
import { isJobKind, type JobMutationId } from '../backend/src/jobs/index.ts';
import { eventually } from '../backend/testing/eventually.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { sampleOf } from '../contract/src/sample.fixture.ts';
import { temporaryFolder } from '../testing/processes.ts';
import { carryOut, entry, metric, otherShard, placementOf, published } from './journey.ts';
import { stopwatch } from '../testing/stopwatch.ts';

/** A disk that can be filled: the sum of what SecantusDB needs for its journal and these tests. */
const DISK_MB = 160;

let stack: Stack;
let owner: Client;
let folder: string;
let mounted = false;
beforeAll(async () => {
  folder = temporaryFolder('small-disk');
  mountSmallDisk();
  stack = await startStack({ tenants: 2, ownMongo: true, mongoFolder: join(folder, 'store') });
  owner = stack.as('owner');
});
afterAll(async () => {
  await stack?.stop();
  unmount();
});
afterEach(async () => {
  // A test that failed half-way leaves the next one what it needs.
  if (!stack.mongoRuns()) await stack.restartMongo();
  stack.resumeMongo();
  await eventually('it is ready', async () => (await fetch(`${stack.url()}/readyz`)).ok);
});

/** A small tmpfs where that may be mounted; elsewhere the server's own limit on the size of a file plays the full disk. */
function mountSmallDisk(): void {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', folder], { stdio: 'ignore' });
    mounted = true;
  } catch {
    mounted = false;
  }
}
function unmount(): void {
  if (mounted) execFileSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

const tenant = 'tenant-01';
const shard = { kind: 'runner', endpoint: 'http://127.0.0.1:9', labels: {}, capacity: { tenants: 1 }, region: 'x' };
/** Of a change that is not listed here, whatever fits its schema: nothing is looked at before the store is. */
const INPUTS: Partial<Record<JobMutationId, { params?: object; body: object }>> = {
  'tenants.create': { body: { tenant_id: 'cut', metadata: { name: 'Cut' }, reason: 'store is cut' } },
  'tenants.update': { params: { tenant_id: tenant }, body: { metadata: { name: 'Cut' }, reason: 'store is cut' } },
  'tenants.pause': { params: { tenant_id: tenant }, body: { reason: 'store is cut' } },
  'tenants.resume': { params: { tenant_id: tenant }, body: { reason: 'store is cut' } },
  'tenants.archive': { params: { tenant_id: tenant }, body: { reason: 'store is cut' } },
  'tenants.restore': { params: { tenant_id: tenant }, body: { reason: 'store is cut' } },
  'tenants.bulk_pause': { body: { tenant_ids: [tenant], reason: 'store is cut' } },
  'tenants.bulk_resume': { body: { tenant_ids: [tenant], reason: 'store is cut' } },
  'tenants.bulk_archive': { body: { tenant_ids: [tenant], reason: 'store is cut' } },
  'scale.shards.put': { params: { shard_id: 'r9' }, body: { ...shard, reason: 'store is cut' } },
  'scale.drift.repair': { body: { reason: 'store is cut' } },
  'scale.migrate': { body: { tenant_id: tenant, kind: 'aggregate', to: 'a2', reason: 'store is cut' } },
  'scale.evacuate': { body: { shard_id: 'a1', reason: 'store is cut' } },
  'scale.drain': { body: { shard_id: 'a1', action: 'drain', reason: 'store is cut' } },
};

const inputOf = (kind: JobMutationId): { params?: object; body: object } => {
  const { params, body } = mutations[kind].submit;
  return INPUTS[kind] ?? { params: sampleOf(params) as object, body: sampleOf(body) as object };
};

/** Fills a journal faster than a name does. */
const BULK = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`account-${n}`, 'x'.repeat(120)]));

/** Of the right shape; that the plan is another one is found only after the store was asked. */
const PLAN_HASH = `${'0'.repeat(32)}.${Math.round(Date.now() / 1000 + 600).toString(36)}`;

/** One try without the client's retries, and how long it took. */
async function attempt(
  kind: JobMutationId,
  more: object = {},
  named: object = {},
  key: string = randomUUID(),
): Promise<{ status: number; code: string; ms: number }> {
  const { submit } = mutations[kind];
  const { params, body } = inputOf(kind);
  const path = submit.path.replace(
    /:(\w+)/g,
    (_, name: string) => (({ ...params, ...named }) as Record<string, string>)[name]!,
  );
  const began = stopwatch();
  const response = await fetch(`${stack.url()}/admin/v1${path}`, {
    method: submit.method,
    headers: {
      authorization: `Bearer ${stack.bearer('owner')}`,
      'content-type': 'application/json',
      'idempotency-key': key,
      ...(submit.mutation.risk === 'high' ? { 'plan-hash': PLAN_HASH } : {}),
    },
    body: JSON.stringify({ ...body, ...more }),
    signal: AbortSignal.timeout(20_000),
  });
  const answer = (await response.json()) as { code: string };
  return { status: response.status, code: answer.code, ms: began() };
}

const world = async () => ({
  jobs: await stack.db.collection('jobs').countDocuments(),
  flag: await entry(stack, 'config', `tenants.${tenant}`),
  place: await published(stack, 'aggregate', tenant),
  cut: await published(stack, 'aggregate', 'cut'),
  node: await stack.node((await published(stack, 'aggregate', tenant))!.shard).tenant(tenant),
});

describe('with the store cut, changes answer 503 within 2 s and nothing happens', () => {
  const KINDS = (Object.keys(mutations) as MutationId[]).filter(isJobKind);

  /** How long this machine, busy as it is now, takes to refuse as many requests that need no store. */
  async function refusalsTake(): Promise<number> {
    const refused = await Promise.all(KINDS.map((kind) => attempt(kind, { not_in_the_contract: true })));
    expect(refused.filter(({ code }) => code !== 'request.invalid')).toEqual([]);
    return Math.max(...refused.map(({ ms }) => ms));
  }

  async function expectRefused(): Promise<void> {
    const before = await refusalsTake();
    const answers = await Promise.all(KINDS.map(async (kind) => ({ kind, ...(await attempt(kind)) })));
    const busy = Math.max(before, await refusalsTake());
    const slow = answers.filter(({ ms }) => ms > 2_000 + busy);
    expect(slow).toEqual([]);
    const wrong = answers.filter(({ status, code }) => status !== 503 || !/^(audit|store)\.unavailable$/.test(code));
    expect(wrong).toEqual([]);
  }

  it('AUD-01 NFR-07 frozen (SIGSTOP): it is there, and answers nothing', async () => {
    const before = await world();
    await stack.pauseMongo();
    await expectRefused();
    const ready = await fetch(`${stack.url()}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ dependencies: { mongodb: { ok: false }, nats: { ok: true } } });
    expect((await fetch(`${stack.url()}/healthz`)).status).toBe(200);
    stack.resumeMongo();
    await eventually('it is ready again', async () => (await fetch(`${stack.url()}/readyz`)).ok);
    expect(await world()).toEqual(before);
  });

  it('NFR-07 killed (-9): and back it carries out what is asked then', async () => {
    const before = await world();
    stack.mongo!.kill();
    await expectRefused();
    expect((await stack.command(tenant, randomUUID())).status).toBe(200);
    await stack.restartMongo();
    await eventually('it is ready again', async () => (await fetch(`${stack.url()}/readyz`)).ok);
    expect((await world()).jobs).toBe(before.jobs);
    const { shard_id } = await placementOf(owner, tenant, 'aggregate');
    const body = { tenant_id: tenant, kind: 'aggregate' as const, to: otherShard(shard_id), reason: 'it is back' };
    expect(await carryOut(owner, 'scale.migrate', { body })).toMatchObject({ state: 'succeeded' });
    expect(await owner.read('audit.verify')).toMatchObject({ ok: true });
  });

  it('NFR-07 API-04 killed between changes: each is accepted or refused by name, and asked again is done once', async () => {
    const asked = new Map<string, string>();
    const answers: Awaited<ReturnType<typeof attempt>>[] = [];
    let isOver = false;
    const writer = async (name: string): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const [key, id] = [randomUUID(), `killed-${name}-${n}`];
        asked.set(key, id);
        answers.push(await attempt('tenants.create', { tenant_id: id }, {}, key));
      }
    };
    const writers = ['a', 'b', 'c'].map(writer);
    await eventually('changes are accepted', () => Promise.resolve(answers.some(({ status }) => status === 202)));
    stack.mongo!.kill();
    await new Promise((resolve) => setTimeout(resolve, 500));
    isOver = true;
    await Promise.all(writers);
    const wrong = answers.filter(({ status, code }) => status !== 202 && !/^(audit|store)\.unavailable$/.test(code));
    expect(wrong).toEqual([]);
    await stack.restartMongo();
    await eventually('it is ready again', async () => (await fetch(`${stack.url()}/readyz`)).ok);
    for (const [key, tenant_id] of asked) {
      const body = { tenant_id, metadata: { name: 'Cut' }, reason: 'store is cut' };
      const { job } = await owner.submit('tenants.create', { body, idempotencyKey: key });
      const ended = await owner.follow(job.job_id, () => undefined, AbortSignal.timeout(40_000));
      expect([tenant_id, ended.state]).toEqual([tenant_id, 'succeeded']);
      expect(await stack.db.collection('jobs').countDocuments({ 'input.tenant_id': tenant_id })).toBe(1);
    }
  }, 120_000);

  it('NFR-07 killed in the middle of a migration: the job ends as it should once the store is back', async () => {
    const { shard_id } = await placementOf(owner, tenant, 'aggregate');
    await stack.node(shard_id).fault({ stuck: true });
    const parked = stack.command(tenant, randomUUID());
    await eventually('a command is in flight', async () => (await stack.node(shard_id).tenant(tenant))!.in_flight > 0);
    const to = otherShard(shard_id);
    const body = { tenant_id: tenant, kind: 'aggregate' as const, to, drain_timeout_s: 20, reason: 'cut in it' };
    const plan = await owner.preflight('scale.migrate', { body });
    const { job } = await owner.submit('scale.migrate', { body, idempotencyKey: randomUUID(), planHash: plan.hash });
    stack.mongo!.kill();
    await stack.node(shard_id).fault({ stuck: false });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await stack.restartMongo();
    const ended = await owner.follow(job.job_id, () => undefined, AbortSignal.timeout(40_000));
    expect([ended.state, ended.problem]).toEqual(['succeeded', null]);
    expect([200, 503]).toContain((await parked).status);
    expect(await placementOf(owner, tenant, 'aggregate')).toMatchObject({ shard_id: to });
    expect(await owner.read('audit.verify')).toMatchObject({ ok: true });
  });
});

describe('a store that cannot be written', () => {
  it('AUD-01 a full disk: changes are refused by name or carried out whole, and it recovers when there is room', async () => {
    const filler = join(folder, 'filler');
    if (mounted) fill(filler);
    else execFileSync('prlimit', ['--pid', String(stack.mongo!.pid), '--fsize=4096']);
    const seen: { status: number; code: string; ms: number }[] = [];
    // What is written already has room in the journal; some kilobytes later nothing has.
    while (seen.length < 400 && seen.filter(({ status }) => status === 503).length < 3)
      seen.push(await attempt('scale.shards.put', { labels: BULK }, { shard_id: `full-${seen.length}` }));
    const refused = seen.filter(({ status }) => status !== 200 && status !== 202);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter(({ code }) => !/^(audit|store)\.unavailable$/.test(code))).toEqual([]);
    expect(seen.filter(({ ms }) => ms > 2_500)).toEqual([]);
    rmSync(filler, { force: true });
    // A storage engine that could not write does not go on by itself: whoever makes room starts it again.
    stack.mongo!.kill();
    await stack.restartMongo();
    await eventually('it is ready again', async () => (await fetch(`${stack.url()}/readyz`)).ok);
    const params = { tenant_id: 'tenant-02' };
    const wanted = { params, body: { metadata: { name: 'Room again' }, reason: 'there is room' } };
    expect(await carryOut(owner, 'tenants.update', wanted)).toMatchObject({ state: 'succeeded' });
    expect(await owner.read('audit.verify')).toMatchObject({ ok: true });
    expect(await metric(stack, 'cp_jobs_running')).toBe(0);
  }, 90_000);

  /** Until no byte more fits. */
  function fill(file: string): void {
    for (let size = DISK_MB; size > 0; size = Math.floor(size / 2))
      try {
        for (;;) writeFileSync(file, Buffer.alloc(size * 1024 * 1024), { flag: 'a' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw new Problem('internal', String(error));
      }
  }
});
