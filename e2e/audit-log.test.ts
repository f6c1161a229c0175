// The audit log under attack and in trouble: one record touched in the store is named; a log that cannot be written stops changes.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Collection, Document } from 'mongodb';
import type { Client } from '@cloudlysis/contract';
import { eventually } from '../backend/testing/eventually.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { carryOut, published, refusal } from './journey.ts';
import { stopwatch } from '../testing/stopwatch.ts';

let stack: Stack;
let owner: Client;
let records: Collection<Document>;
let untouched: Document[];
beforeAll(async () => {
  stack = await startStack({ tenants: 2 });
  owner = stack.as('owner');
  records = stack.db.collection('audit_records');
  for (let round = 0; round < 6; round++)
    await carryOut(owner, 'tenants.update', {
      params: { tenant_id: 'tenant-01' },
      body: { metadata: { name: `Name ${round}` }, reason: `round ${round}` },
    });
});
/** Looking at the log is on record, too, so the last record is another one each time. */
beforeEach(async () => {
  await settled();
  untouched = await records.find().sort({ seq: 1 }).toArray();
});
afterAll(() => stack?.stop());

const settled = () =>
  eventually(
    'nothing is pending',
    async () => (await stack.db.collection('audit_inbox').countDocuments()) === 0 || undefined,
  );
const FORGED = `aud_${randomUUID()}`;
const at = (seq: number): Document => untouched[seq - 1]!;

async function restore(): Promise<void> {
  await records.deleteMany({ $or: [{ seq: { $lte: untouched.length } }, { _id: FORGED as never }] });
  await records.insertMany(untouched.map((record) => ({ ...record })));
}

describe('one record touched in the store', () => {
  it('AUD-01 the log as it was written holds', async () => {
    expect(untouched.length).toBeGreaterThan(10);
    const { ok, checked } = await owner.read('audit.verify');
    expect(ok).toBe(true);
    expect(checked).toBeGreaterThanOrEqual(untouched.length);
  });

  it.each([
    ['flip: another actor', 5, () => records.updateOne({ seq: 5 }, { $set: { actor: 'user:somebody@else.test' } })],
    ['flip: one character of what was done', 7, () => flipAfter(7)],
    ['flip: the time', 2, () => records.updateOne({ seq: 2 }, { $set: { at: new Date(0) } })],
    ['drop', 4, () => records.deleteOne({ seq: 4 })],
    ['drop the last one', -1, () => records.deleteOne({ seq: untouched.length })],
    ['insert between two', 6, () => records.insertOne({ ...at(6), _id: FORGED as never, seq: 6.5 })],
    ['insert after the last', -2, () => append()],
    ['swap two', 3, () => swap(3, 4)],
  ] as [string, number, () => Promise<unknown>][])('AUD-01 %s: verify names it', async (name, seq, touch) => {
    await touch().catch((error: Error) => {
      throw new Error(`${name}: ${error.message}`);
    });
    const verdict = await owner.read('audit.verify').finally(restore);
    expect(verdict.ok).toBe(false);
    const named = seq === -1 ? untouched.length : seq === -2 ? untouched.length + 1 : seq;
    expect(Math.floor(verdict.first_bad!.seq)).toBe(named);
    expect(verdict.first_bad!.reason).not.toBe('');
    expect(await owner.read('audit.verify')).toMatchObject({ ok: true });
  });

  async function flipAfter(seq: number): Promise<unknown> {
    const before = at(seq)['after'] as string;
    const flipped = before.replace(/[a-z]/, (letter) => (letter === 'x' ? 'y' : 'x'));
    expect(flipped).not.toBe(before);
    return records.updateOne({ seq }, { $set: { after: flipped } });
  }

  function append(): Promise<unknown> {
    const last = at(untouched.length);
    return records.insertOne({ ...last, _id: FORGED as never, seq: untouched.length + 1 });
  }

  async function swap(one: number, other: number): Promise<void> {
    await records.deleteMany({ seq: { $in: [one, other] } });
    await records.insertMany([
      { ...at(one), seq: other },
      { ...at(other), seq: one },
    ]);
  }
});

describe('a log that cannot be written', () => {
  it('AUD-01 changes answer 503 audit.unavailable and have no effect; reads stay up; it recovers by itself', async () => {
    const params = { tenant_id: 'tenant-02' };
    const body = { reason: 'nobody may know' };
    const before = { flag: await published(stack, 'aggregate', 'tenant-02'), jobs: await jobs() };
    const plan = await owner.preflight('tenants.pause', { params, body });
    await stack.db.command({ collMod: 'audit_inbox', validator: { impossible: { $exists: true } } });
    const began = stopwatch();
    const refused = await refusal(
      owner.submit('tenants.pause', { params, body, idempotencyKey: randomUUID(), planHash: plan.hash }),
    );
    expect(began()).toBeLessThan(3_000);
    expect(refused).toMatchObject({ code: 'audit.unavailable', status: 503 });
    const denied = await refusal(stack.as('read-only').preflight('tenants.pause', { params, body }));
    expect(denied.code).toBe('permission.missing');
    expect((await owner.read('tenants.list')).items).toHaveLength(2);
    expect({ flag: await published(stack, 'aggregate', 'tenant-02'), jobs: await jobs() }).toEqual(before);
    expect((await stack.command('tenant-02', randomUUID())).status).toBe(200);
    await stack.db.command({ collMod: 'audit_inbox', validator: {} });
    expect(await carryOut(owner, 'tenants.pause', { params, body })).toMatchObject({ state: 'succeeded' });
    expect((await stack.command('tenant-02', randomUUID())).status).toBe(423);
    await settled();
    expect(await owner.read('audit.verify')).toMatchObject({ ok: true });
  });

  const jobs = (): Promise<number> => stack.db.collection('jobs').countDocuments();
});

describe('what leaves the log', () => {
  it('AUD-07 AUD-08 AUD-09 it is searched by every field and exported in full, which is audited itself', async () => {
    const mine = { actor: 'user:owner@b.test', action: 'tenants.update', tenant_id: 'tenant-01' };
    const found = await owner.read('audit.records.list', { query: { ...mine, outcome: 'succeeded', limit: 200 } });
    expect(found.items).toHaveLength(6);
    const from = found.items.at(-1)!.at;
    const later = await owner.read('audit.records.list', { query: { ...mine, from, limit: 200 } });
    expect(later.items.length).toBeGreaterThan(found.items.length);
    const response = await owner.stream('audit.export', { query: { format: 'jsonl', ...mine } });
    const lines = (await response.text()).trim().split('\n');
    expect(lines).toHaveLength(12);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject(mine);
    const exported = async () => (await owner.read('audit.records.list', { query: { action: 'audit.export' } })).items;
    await eventually('the export is on record', async () => (await exported()).length > 0);
    const denied = await refusal(stack.as('support').stream('audit.export'));
    expect(denied).toMatchObject({ code: 'permission.missing', status: 403 });
  });
});
