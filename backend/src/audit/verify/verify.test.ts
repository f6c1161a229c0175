import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Collection, Document } from 'mongodb';
import { STORED_KEYS } from '../record/audit-record.ts';
import { draftOf, testLog, type TestLog } from '../audit.fixture.ts';

const COUNT = 12;
let log: TestLog;
let records: Collection<Document>;
let untouched: Document[];

beforeAll(async () => {
  log = await testLog();
  records = log.mongo.db.collection('audit_records');
  await log.fill(
    Array.from({ length: COUNT }, (_, n) => draftOf({ reason: `because ${n}`, before: { n }, after: [n, 'x'] })),
  );
  untouched = await records.find({}).sort({ seq: 1 }).toArray();
});
afterAll(async () => log[Symbol.asyncDispose]());

const at = (seq: number): Document => untouched[seq - 1]!;

async function restore(): Promise<void> {
  await records.deleteMany({});
  await records.insertMany(untouched.map((record) => ({ ...record })));
}

describe('AUD-01 the chain names the first record that does not hold', () => {
  beforeEach(restore);

  it('holds when nobody touched it', async () => {
    expect(await log.verify()).toEqual({
      ok: true,
      checked: COUNT,
      head: { seq: COUNT, hash: at(COUNT)['hash'] },
      pending: 0,
    });
  });

  it('flip: any field of any record, to any other value', async () => {
    const fields = STORED_KEYS.filter((key) => key !== '_id' && key !== 'seq');
    const other = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
      fc.boolean(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...fields),
        fc.integer({ min: 1, max: COUNT }),
        other,
        async (field, seq, value) => {
          const before = at(seq)[field] as unknown;
          fc.pre(String(before) !== String(value));
          await records.updateOne({ _id: at(seq)['_id'] }, { $set: { [field]: value } });
          const { ok, first_bad } = await log.verify();
          await records.updateOne({ _id: at(seq)['_id'] }, { $set: { [field]: before } });
          expect({ ok, seq: first_bad?.seq, id: first_bad?.record_id }).toEqual({ ok: false, seq, id: at(seq)['_id'] });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('flip: one byte inside an image, even where the JSON still means the same', async () => {
    await records.updateOne({ seq: 4 }, { $set: { before: '{"n": 3}' } });
    expect((await log.verify()).first_bad).toMatchObject({ seq: 4, record_id: at(4)['_id'] });
  });

  it('flip: a record whose hash was recomputed is found at the one that follows', async () => {
    await records.updateOne({ seq: 4 }, { $set: { hash: 'f'.repeat(64) } });
    expect((await log.verify()).first_bad).toMatchObject({ seq: 4 });
  });

  it('an extra field, a missing field', async () => {
    await records.updateOne({ seq: 3 }, { $set: { note: 'x' } });
    expect((await log.verify()).first_bad).toMatchObject({
      seq: 3,
      reason: 'the field "note" is one too many or missing',
    });
    await restore();
    await records.updateOne({ seq: 3 }, { $unset: { ip: '' } });
    expect((await log.verify()).first_bad).toMatchObject({
      seq: 3,
      reason: 'the field "ip" is one too many or missing',
    });
  });

  it.each([1, 5, COUNT])('drop: record %i', async (seq) => {
    await records.deleteOne({ seq });
    expect((await log.verify()).first_bad).toEqual({ seq, record_id: null, reason: 'the record is missing' });
  });

  it('drop: the tail, and everything', async () => {
    await records.deleteMany({ seq: { $gte: 9, $lte: 100 } });
    expect((await log.verify()).first_bad).toMatchObject({ seq: 9, reason: 'the record is missing' });
    await records.deleteMany({});
    expect((await log.verify()).first_bad).toMatchObject({ seq: 1, reason: 'the record is missing' });
  });

  it.each([0, -1, COUNT + 1, 2.5, 10_000, '7', null, false, { n: 5 }])('insert: a record on place %p', async (seq) => {
    await records.insertOne({ ...at(5), _id: 'aud_forged' as never, seq });
    expect((await log.verify()).first_bad).toMatchObject({ record_id: 'aud_forged' });
  });

  it('insert: a second record on a place, once the unique index was dropped', async () => {
    await records.dropIndex('place');
    await records.insertOne({ ...at(5), _id: 'aud_forged' as never });
    const { first_bad } = await log.verify();
    await restore();
    await log.audit.prepare();
    expect(first_bad).toMatchObject({ seq: 5, record_id: 'aud_forged' });
  });

  it('swap: two records change places', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: COUNT }), { minLength: 2, maxLength: 2 }),
        async ([a, b]) => {
          await records.deleteMany({ seq: { $in: [a, b] } });
          await records.insertMany([{ ...at(a!), seq: b }, { ...at(b!), seq: a }] as Document[]); // prettier-ignore
          const { first_bad } = await log.verify();
          await restore();
          const low = Math.min(a!, b!);
          expect(first_bad).toMatchObject({ seq: low, record_id: at(Math.max(a!, b!))['_id'] });
        },
      ),
      { numRuns: 15 },
    );
  });

  it('head: another hash, an earlier place, another time bound, no head', async () => {
    const heads = log.mongo.db.collection('audit_head');
    const head = (await heads.findOne({}))!;
    for (const changed of [
      { hash: 'a'.repeat(64) },
      { seq: 5, hash: at(5)['hash'] as string },
      { 'open.max_at': new Date(0) },
    ]) {
      await heads.updateOne({}, { $set: changed });
      expect((await log.verify()).ok).toBe(false);
      await heads.replaceOne({}, { ...head });
    }
    await heads.deleteMany({});
    expect((await log.verify()).first_bad).toMatchObject({ reason: 'its place lies outside the chain' });
    await heads.insertOne(head);
    expect((await log.verify()).ok).toBe(true);
  });
});

it('stops when its signal is aborted, and counts what is pending', async () => {
  await restore();
  await log.audit.log.append(draftOf());
  expect(await log.verify()).toMatchObject({ ok: true, pending: 1 });
  await expect(log.audit.verify(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
});
