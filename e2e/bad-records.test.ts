// One stored record that is none: every list serves the rest and names it, to those who see the whole platform; every get names it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ObjectId } from 'mongodb';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { eventually } from '../backend/testing/eventually.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    tenants: ['acme', 'globex'],
    assignments: [{ principal: 'user:one@b.test', role: 'operator', scope: { kind: 'tenant', tenant_id: 'acme' } }],
  });
});
afterAll(() => stack?.stop());

const API = '/admin/v1';
const get = async (path: string, token = stack.bearer('owner')): Promise<{ status: number; body: any }> => {
  const response = await fetch(stack.url() + API + path, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: await response.json() };
};
const JOB = `job_${randomUUID()}`;
const RECORD = `aud_${randomUUID()}`;
const NOW = Date.now() * 4096;

/** Collection, list, garbage, and the get of those that have an id one can ask for. */
const PLACES: [string, string, Record<string, unknown>[]][] = [
  ['jobs', '/jobs', [
    { _id: JOB, order: NOW, active: true, queue: 'ready', parent_job_id: 7 },
    { _id: 'x1', order: NOW + 1, kind: 5, state: 'succeeded', created_at: 'yesterday' },
    { _id: new ObjectId(), order: NOW + 2, tenant_id: ['acme'], lane: {} },
    { _id: 'x2' }, { _id: 'x3', order: 'first' }, { _id: 'x4', order: new Date() }, { _id: 7, order: true },
  ]],
  ['tenants', '/tenants', [{ _id: 'bad-one' }, { _id: 'bad-two', metadata: { name: 3 } }, { _id: new ObjectId(), metadata: null }, { _id: 9, phase: 'live' }]],
  ['shards', '/scale/shards', [{ _id: 's-one' }, { _id: new ObjectId(), kind: 'aggregate' }, { _id: 's-two', kind: 'aggregate', endpoint: 'x', capacity: 5 }]],
  ['placements', '/scale/placements', [{ _id: 'p1' }, { _id: 'p2', tenant_id: 4, kind: 'aggregate', shard_id: 'a1', revision: 1 }, { _id: new ObjectId() }]],
]; // prettier-ignore

const textOf = (id: unknown): string => (typeof id === 'string' ? id : id instanceof ObjectId ? id.toHexString() : String(id)); // prettier-ignore

describe('a stored record that cannot be read', () => {
  it.each(PLACES)(
    'NFR-07 NFR-08 in %s, %s serves the rest and names it',
    async (collection, path, garbage) => {
      const before = await get(path);
      const mine = stack.db.collection(collection);
      // Indexes may refuse what another garbage document has already: each is its own.
      await mine.insertMany(garbage.map((one, n) => ({ ...one, ...(collection === 'jobs' ? { idempotency: `g${n}`, lane: one['lane'] ?? `l${n}` } : {}) })) as never[]); // prettier-ignore
      await eventually(
        'all are named',
        async () => {
          const { status, body } = await get(path);
          expect(status).toBe(200);
          const named = (body.unreadable ?? []) as { id: string; reason: string }[];
          for (const { _id } of garbage) expect(named.filter(({ id }) => id.includes(textOf(_id)))).not.toEqual([]);
          for (const { reason } of named) expect(reason).not.toBe('');
          const ids = (value: any): unknown[] => value.items.map((one: any) => one.job_id ?? `${one.tenant_id}/${one.shard_id}/${one.kind}`); // prettier-ignore
          expect(ids(body)).toEqual(ids(before.body));
          return true;
        },
        10_000,
      );
      const scoped = await get(path, await stack.token({ email: 'one@b.test' }));
      if (path !== '/scale/shards') expect(scoped.status).toBe(200);
      expect(JSON.stringify(scoped.body)).not.toMatch(/unreadable|bad-one|x1/);
      await mine.deleteMany({ _id: { $in: garbage.map(({ _id }) => _id) } } as never);
    },
    30_000,
  );

  it('AUD-01 NFR-08 in the audit log, the search serves the rest and names it, and so does the get', async () => {
    const records = stack.db.collection<{ _id: string }>('audit_records');
    const head = await eventually('the chain has a record', async () => records.findOne({}, { sort: { seq: -1 } }));
    // At a whole place: what lies between two is none of the chain's, and verification names it.
    const { _id, ...there } = head!;
    await records.deleteOne({ _id });
    await records.insertOne({ ...there, _id: RECORD, before: '{', at: 'never' } as never);
    const { status, body } = await get('/audit/records?limit=200');
    expect([status, body.items.length > 0]).toEqual([200, true]);
    expect(body.unreadable).toEqual([{ id: RECORD, reason: expect.any(String) }]);
    expect(await get(`/audit/records/${RECORD}`)).toMatchObject({ status: 502, body: { code: 'record.unreadable', record_id: RECORD } }); // prettier-ignore
    await records.deleteOne({ _id: RECORD });
    await records.insertOne(head as never);
  });

  it('NFR-08 a get of it is a problem that names it, and Needs you says so', async () => {
    await stack.db.collection<{ _id: string }>('jobs').insertOne({ _id: JOB, order: NOW, idempotency: 'g' } as never);
    await stack.db.collection<{ _id: string }>('tenants').insertOne({ _id: 'bad-one' });
    for (const [path, id] of [
      [`/jobs/${JOB}`, JOB],
      [`/jobs/${JOB}/events`, JOB],
      ['/tenants/bad-one', 'bad-one'],
    ] as const)
      // prettier-ignore
      expect(await get(path)).toMatchObject({ status: 502, body: { code: 'record.unreadable', record_id: id } });
    expect((await get('/jobs')).status).toBe(200);
    const { body } = await get('/overview');
    expect(body.attention).toEqual(expect.arrayContaining([expect.objectContaining({ id: 'records.unreadable' })]));
    // The engine goes on beside it.
    const { version } = (await get('/tenants/acme')).body;
    const job = await stack.as('owner').submit('tenants.update', {
      params: { tenant_id: 'acme' }, body: { metadata: { name: 'Acme again' }, version, reason: 'beside a bad record' }, idempotencyKey: randomUUID(), wait: 20,
    } as never); // prettier-ignore
    expect(job.job).toMatchObject({ state: 'succeeded' });
  });
});
