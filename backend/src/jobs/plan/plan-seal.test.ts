// The hash of a plan: only for whom it was made, only for what was shown, only until it expires, only once.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Problem, type MutationId } from '@cloudlysis/contract';
import fc from 'fast-check';
import { freshDatabase } from '../../../../testing/mongo.ts';
import { eventually } from '../../../testing/eventually.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { operator } from '../../audit/audit.fixture.ts';
import { controlKeyFrom, type ControlKey } from '../../secrets/control-key.ts';
import { connectMongo, type Mongo } from '../../ports/mongo/mongo.ts';
import type { Principal } from '../../call/principal.ts';
import { callKey, childKey } from '../record/idempotency.ts';
import type { JobDefinition } from '../define/definition.ts';
import { type JobEngine } from '../index.ts';
import { createPlanSeal, type Bound } from './plan-seal.ts';
import type { Submission } from '../engine/submission.ts';
import { startedOn } from '../engine/engine.fixture.ts';

const key = (): ControlKey => controlKeyFrom(randomBytes(32));
const NOW = new Date('2026-11-26T09:00:00.000Z');
const later = (minutes: number): Date => new Date(NOW.getTime() + minutes * 60_000);
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'accepted';
  } catch (error) {
    return error instanceof Problem ? error.code : String(error);
  }
};

describe('API-05 GEN-32 the seal of a plan', () => {
  const bound: Bound = { principal: 'user:a@x.test', kind: 'scale.migrate', input: { tenant_id: 't', to: 'a2' }, retryOf: null }; // prettier-ignore
  const plan = { steps: ['drain'], diff: [], world: 3 };

  it('holds for the same principal, kind, input and retry alone; the reason may be given later', () => {
    const seal = createPlanSeal(key(), randomUUID);
    const hash = seal.seal(bound, plan, later(15));
    expect(codeOf(() => seal.open(hash, bound, NOW))).toBe('accepted');
    expect(codeOf(() => seal.open(hash, { ...bound, input: { to: 'a2', tenant_id: 't', reason: 'x' } }, NOW))).toBe('accepted'); // prettier-ignore
    const others: Partial<Bound>[] = [
      { principal: 'user:b@x.test' },
      { principal: 'user:grafana:a@x.test' },
      { principal: 'service:a' },
      { kind: 'scale.drain' },
      { input: { tenant_id: 't', to: 'a3' } },
      { input: { tenant_id: 't', to: 'a2', force: true } },
      { input: { tenant_id: 't' } },
      { retryOf: 'job_1' },
    ];
    for (const other of others)
      expect([other, codeOf(() => seal.open(hash, { ...bound, ...other }, NOW))]).toEqual([other, 'plan.stale']);
  });

  it('breaks with any one character changed, and cannot be made by hand', () => {
    const seal = createPlanSeal(key(), randomUUID);
    const hash = seal.seal(bound, plan, later(15));
    const changed = fc.property(fc.nat(hash.length - 1), fc.constantFrom(...'aZ09_-.'), (at, char) => {
      const other = hash.slice(0, at) + char + hash.slice(at + 1);
      expect(codeOf(() => seal.open(other, bound, NOW))).toBe(other === hash ? 'accepted' : 'plan.stale');
    });
    fc.assert(changed, { numRuns: 500 });
    const head = hash.split('.').slice(0, 4).join('.');
    const unkeyed = createHash('sha256').update(head).digest('base64url');
    const expires = (later(15).getTime() / 1000).toString(36);
    for (const made of [`${head}.${unkeyed}`, `${'0'.repeat(32)}.${expires}`, '', '....', `${hash}.`, ` ${hash}`])
      expect(codeOf(() => seal.open(made, bound, NOW))).toBe('plan.stale');
  });

  it('ends with its time, which is part of what is sealed', () => {
    const seal = createPlanSeal(key(), randomUUID);
    const hash = seal.seal(bound, plan, later(15));
    expect(codeOf(() => seal.open(hash, bound, later(14.9)))).toBe('accepted');
    expect(codeOf(() => seal.open(hash, bound, later(15)))).toBe('plan.stale');
    const [subject, id, expires, mark, mac] = hash.split('.') as [string, string, string, string, string];
    const longer = (parseInt(expires, 36) + 600).toString(36);
    expect(codeOf(() => seal.open([subject, id, longer, mark, mac].join('.'), bound, later(15)))).toBe('plan.stale');
  });

  it('is taken by every replica that has the key, and another key is told as what it is', () => {
    const shared = key();
    const [one, two] = [createPlanSeal(shared, randomUUID), createPlanSeal(shared, randomUUID)];
    const hash = one.seal(bound, plan, later(15));
    expect(codeOf(() => two.open(hash, bound, NOW))).toBe('accepted');
    expect(() => createPlanSeal(key(), randomUUID).open(hash, bound, NOW)).toThrow('another CONTROL_KEY');
  });

  it('begins with what the plan says, the same each time it is shown, and is never the same as a whole', () => {
    const seal = createPlanSeal(key(), randomUUID);
    const [one, two] = [seal.seal(bound, plan, later(15)), seal.seal(bound, plan, later(15))];
    expect(one.split('.')[0]).toBe(two.split('.')[0]);
    expect(one).not.toBe(two);
    expect(seal.seal(bound, { ...plan, world: 4 }, later(15)).split('.')[0]).not.toBe(one.split('.')[0]);
    expect(one).toMatch(/^[\x21-\x7e]{1,200}$/);
  });
});

describe('API-17 GEN-34 idempotency keys', () => {
  const words = fc.string({ unit: fc.constantFrom('s', 'v', ':', 'y', 'k', '"', ',', '%', 'child'), maxLength: 8 });
  it('are one exactly where asker and key are one, and a caller’s is never that of a job’s own child', () => {
    const both = fc.property(words, words, words, words, (actor, given, otherActor, other) => {
      const isSame = actor === otherActor && given === other;
      expect(callKey(actor, given).key === callKey(otherActor, other).key).toBe(isSame);
      expect(callKey(actor, given).key).not.toBe(childKey(actor, otherActor, other).key);
      expect(childKey('a', actor, given).key === childKey('a', otherActor, other).key).toBe(isSame);
    });
    fc.assert(both, { numRuns: 5_000, examples: [['svc', 'y:k', 'svc:y', 'k']] });
  });
});

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

async function replica(mongo: Mongo, id: string, controlKey: ControlKey, world: () => unknown): Promise<JobEngine> {
  const ambient = systemAmbient();
  const definition = (kind: MutationId): JobDefinition<{ tenant: string }> => ({
    kind,
    risk: 'high',
    permission: 'tenants.pause',
    lane: ({ tenant }) => `tenant:${tenant}`,
    tenantId: ({ tenant }) => tenant,
    resource: ({ tenant }) => `tenant:${tenant}`,
    plan: async () => ({
      checks: [],
      diff: [],
      rollback: 'none',
      world: world(),
      blastRadius: [], // prettier-ignore
    }),
    steps: [{ name: 'act', title: 'Act', run: async () => ({}) }],
    verify: async () => ({ checks: [], facts: {} }),
  });
  const definitions = { 'tenants.pause': definition('tenants.pause'), 'tenants.resume': definition('tenants.resume') };
  const engine = await startedOn(mongo, id, definitions, { ambient, controlKey });
  running.push(() => engine.stop(500));
  return engine;
}

const ada = { ...operator, id: 'user:ada@x.test' };
const bob = { ...operator, id: 'user:bob@x.test' };
const wanted = (more: Partial<Submission> & { actor?: Principal } = {}): Submission & { actor: Principal } => ({
  kind: 'tenants.pause' as MutationId, input: { tenant: 'acme' }, reason: 'because', actor: ada, idempotencyKey: 'k1', planHash: null,
  provenance: { requestId: 'req-1', traceId: null, ip: null, agent: null }, parentJobId: null, retryOf: null, ...more,
}); // prettier-ignore

describe('API-05 a plan is used up by its job', () => {
  it('once, by one person, on any replica; the same key still means the same job', async () => {
    const { uri, db } = freshDatabase();
    const mongo = await connectMongo(uri, db);
    running.push(() => mongo.close());
    const shared = key();
    let world = 1;
    const one = await replica(mongo, 'r1', shared, () => world);
    const two = await replica(mongo, 'r2', shared, () => world);
    const { hash } = await one.preflight(wanted());

    const submit = (more: Partial<Submission> & { actor?: Principal }) =>
      two.submit(wanted({ planHash: hash, ...more }));
    await expect(submit({ actor: bob })).rejects.toMatchObject({ code: 'plan.stale' });
    await expect(submit({ input: { tenant: 'globex' } })).rejects.toMatchObject({ code: 'plan.stale' });
    await expect(submit({ kind: 'tenants.resume' })).rejects.toMatchObject({ code: 'plan.stale' });
    await expect(submit({ retryOf: 'job_x' })).rejects.toMatchObject({ code: 'plan.stale' });

    const jobs = await Promise.all([submit({}), submit({}), one.submit(wanted({ planHash: hash }))]);
    expect(new Set(jobs.map(({ _id }) => _id)).size).toBe(1);
    await two.settled(jobs[0]!._id, 60_000);
    // The change and its undo: the world is as it was when the plan was shown.
    world = 2;
    world = 1;
    await expect(submit({ idempotencyKey: 'k2' })).rejects.toMatchObject({ code: 'plan.used', status: 409 });
    await expect(one.submit(wanted({ planHash: hash, idempotencyKey: 'k3' }))).rejects.toMatchObject({ code: 'plan.used' }); // prettier-ignore
    expect((await submit({}))._id).toBe(jobs[0]!._id);
    expect(await mongo.db.collection('jobs').countDocuments()).toBe(1);

    // A colleague who has the link has a plan of his own, and a job of his own.
    const his = await one.preflight({ ...wanted(), actor: bob });
    expect((await submit({ actor: bob, planHash: his.hash }))._id).not.toBe(jobs[0]!._id);
  });

  it('of ten keys that quote one plan at once, one makes a job', async () => {
    const { uri, db } = freshDatabase();
    const mongo = await connectMongo(uri, db);
    running.push(() => mongo.close());
    const engine = await replica(mongo, 'r1', key(), () => 1);
    const { hash } = await engine.preflight(wanted());
    const tries = Array.from({ length: 10 }, (_, n) => engine.submit(wanted({ planHash: hash, idempotencyKey: `k${n}` }))); // prettier-ignore
    const ends = (await Promise.allSettled(tries)).map((end) => (end.status === 'fulfilled' ? 'job' : (end.reason as Problem).code)); // prettier-ignore
    expect(ends.toSorted()).toEqual(['job', ...Array.from({ length: 9 }, () => 'plan.used')]);
    expect(await mongo.db.collection('jobs').countDocuments()).toBe(1);
    const records = await mongo.db.collection('audit_inbox').countDocuments({ code: 'job.submitted' });
    expect(records).toBeLessThanOrEqual(1);
  });

  it('the plan that a refusal carries may be applied as it is', async () => {
    const { uri, db } = freshDatabase();
    const mongo = await connectMongo(uri, db);
    running.push(() => mongo.close());
    let world = 1;
    const engine = await replica(mongo, 'r1', key(), () => world);
    const { hash } = await engine.preflight(wanted());
    world = 2;
    const refusal = (await engine.submit(wanted({ planHash: hash })).catch((error: unknown) => error)) as Problem;
    expect(refusal).toMatchObject({ code: 'plan.stale' });
    const { hash: fresh } = refusal.extra['plan'] as { hash: string };
    expect((await engine.submit(wanted({ planHash: fresh })))._id).toMatch(/^job_/);
  });

  it('a job of version 0.1 is found under its key, and one whose joined key only looks the same is not', async () => {
    const { uri, db } = freshDatabase();
    const mongo = await connectMongo(uri, db);
    running.push(() => mongo.close());
    const engine = await replica(mongo, 'r1', key(), () => 1);
    const first = await engine.submit(wanted({ planHash: (await engine.preflight(wanted())).hash }));
    await engine.settled(first._id, 60_000);
    const jobs = mongo.db.collection<{ _id: string }>('jobs');
    await jobs.updateOne({ _id: first._id }, { $set: { idempotency: 'user:ada@x.test:k1' }, $unset: { plan_id: '' } });
    expect((await engine.submit(wanted()))._id).toBe(first._id);
    await jobs.updateOne({ _id: first._id }, { $set: { idempotency: 'service:svc:y:k', actor: 'service:svc:y' } });
    const service = { ...ada, id: 'service:svc' };
    await expect(engine.submit(wanted({ actor: service, idempotencyKey: 'y:k' }))).rejects.toMatchObject({ code: 'plan.required' }); // prettier-ignore
    const other = { ...ada, id: 'service:svc%3Ay' };
    expect((await engine.submit(wanted({ actor: other, idempotencyKey: 'k' })))._id).toBe(first._id);
  });
});

it('API-05 replicas that run with different keys see it of each other, and no longer once one is gone', async () => {
  const { uri, db } = freshDatabase();
  const mongo = await connectMongo(uri, db);
  running.push(() => mongo.close());
  const shared = key();
  const [one, two] = [await replica(mongo, 'r1', shared, () => 1), await replica(mongo, 'r2', shared, () => 1)];
  const other = await replica(mongo, 'r3', key(), () => 1);
  const said = () => [one, two, other].map((engine) => engine.withOtherKey().join());
  await eventually('all say it', async () => said().join(' ') === 'r3 r3 r1,r2');
  await other.stop(500);
  await eventually('it is over', async () => said().slice(0, 2).join('') === '');
});
