import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BSON } from 'mongodb';
import { systemAmbient, type Ambient } from '../../kernel/ambient.ts';
import type { PendingRecord } from '../record/audit-record.ts';
import { AuditStore, Overtaken } from '../store/audit.store.ts';
import { place, SEGMENT_RECORDS, type Head } from '../record/chain.ts';
import { DEAD_AFTER_MS, Lease } from './lease.ts';
import { SWEEP_MS } from './sequencer.ts';
import { draftOf, testLog, type TestLog } from '../audit.fixture.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';

let log: TestLog;
beforeEach(async () => void (log = await testLog()));
afterEach(async () => log[Symbol.asyncDispose]());

const count = async (name: string): Promise<number> => log.mongo.db.collection(name).countDocuments({});
const head = async (): Promise<Head> => (await log.mongo.db.collection<Head>('audit_head').findOne({}))!;

async function until(condition: () => Promise<boolean>, ms = 60_000): Promise<void> {
  for (const end = performance.now() + ms; !(await condition()); await sleep(10)) {
    if (performance.now() > end) throw new Error('it did not come true in time');
  }
}

const waiting = async (store: AuditStore, limit: number): Promise<PendingRecord[]> =>
  (await store.waiting(limit)).map((raw) => BSON.deserialize(raw) as PendingRecord);

/** An id of the form that the service gives. */
const idOf = (n: number): string => `aud_00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** An observer whose clock the test holds. */
const held = (clock: { ms: number }): Ambient => ({ ...systemAmbient(), monotonic: () => clock.ms });

describe('NFR-07 the sequencer', () => {
  it('places what was appended, woken and not polled', async () => {
    const system = systemAmbient();
    const asleep = Promise.withResolvers<void>();
    // A sweep that never comes: who is not woken sleeps for good.
    const sleep: Ambient['sleep'] = (ms, signal) => {
      if (ms !== SWEEP_MS) return system.sleep(ms, signal);
      asleep.resolve();
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const audit = log.replica('replica-w', { ...system, sleep });
    audit.start();
    await asleep.promise;
    await audit.log.append(draftOf());
    await until(async () => (await count('audit_records')) === 1);
    expect(await count('audit_inbox')).toBe(0);
    await audit.stop();
  });

  it('two at once, one of them replaced: no gap, no double, nothing lost', async () => {
    const replicas = [log.audit, log.replica('replica-b')];
    for (const replica of replicas) replica.start();
    const ids: string[] = [];
    const write = async (n: number): Promise<void> => {
      for (let i = 0; i < 60; i++) ids.push(await replicas[n % 2]!.log.append(draftOf()));
    };
    const settle = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await Promise.all(replicas.map((replica) => replica.settle()));
    };
    await Promise.all([write(0), write(1), write(2), settle()]);
    await replicas[0]!.stop();
    await write(1);
    await replicas[1]!.settle();
    await until(async () => (await count('audit_inbox')) === 0);
    await replicas[1]!.stop();
    const placed = await log.mongo.db.collection('audit_records').find({}).sort({ seq: 1 }).toArray();
    expect(placed.map((record) => record['seq'])).toEqual(Array.from({ length: 240 }, (_, n) => n + 1));
    expect(new Set(placed.map((record) => String(record._id)))).toEqual(new Set(ids));
    expect(await log.verify()).toMatchObject({ ok: true, checked: 240, pending: 0 });
  });

  it('one that stalled between reading and writing cannot write', async () => {
    const store = new AuditStore(log.mongo, log.ambient);
    for (let n = 0; n < 5; n++) await log.audit.log.append(draftOf());
    const stale = await head();
    const batch = await waiting(store, 3);
    await log.placeAll();
    await expect(store.commit(stale, place(stale, batch))).rejects.toThrow(Overtaken);
    const lease = new Lease(store, log.ambient, 'replica-b');
    const before = await head();
    await log.audit.log.append(draftOf());
    const next = await waiting(store, 1);
    await lease.keep();
    await expect(store.commit(before, place(before, next))).rejects.toThrow(Overtaken);
    await log.placeAll();
    expect(await log.verify()).toMatchObject({ ok: true, checked: 6, pending: 0 });
  });

  it('a batch that fails half-way leaves nothing half', async () => {
    const store = new AuditStore(log.mongo, log.ambient);
    for (let n = 0; n < 4; n++) await log.audit.log.append(draftOf());
    const before = await head();
    const batch = await waiting(store, 4);
    const { records, ...placing } = place(before, batch);
    const clash = records.map((record, n) => (n === 3 ? { ...record, seq: 1 } : record));
    await expect(store.commit(before, { ...placing, records: clash })).rejects.toThrow(/duplicate/i);
    expect([await count('audit_records'), await count('audit_inbox'), await head()]).toEqual([0, 4, before]);
    await log.placeAll();
    expect(await log.verify()).toMatchObject({ ok: true, checked: 4 });
  });

  it('a record that the driver inserted a second time has one place', async () => {
    await log.audit.log.append(draftOf());
    const inbox = log.mongo.db.collection('audit_inbox');
    const [repeated] = await inbox.find({}).toArray();
    await log.placeAll();
    await inbox.insertOne(repeated!);
    await log.audit.log.append(draftOf());
    await log.placeAll();
    expect(await log.verify()).toMatchObject({ ok: true, checked: 2, pending: 0 });
  });

  it('seals a segment when it is full, in the same transaction, and verify knows its head', async () => {
    const inbox = log.mongo.db.collection('audit_inbox');
    await log.audit.log.append(draftOf());
    const [pattern] = await inbox.find({}).toArray();
    const more = Array.from({ length: SEGMENT_RECORDS + 50 }, (_, n) => ({ ...pattern, _id: idOf(n) as never }));
    await inbox.insertMany(more);
    await log.placeAll();
    const segments = log.mongo.db.collection('audit_segments');
    expect(await segments.find({}).toArray()).toMatchObject([
      { segment: 1, first_seq: 1, last_seq: 1_000, dropped_at: null },
    ]);
    expect(await log.verify()).toMatchObject({ ok: true, checked: 1_051 });
    await segments.updateOne({}, { $set: { hash: '0'.repeat(64) } });
    expect((await log.verify()).first_bad).toMatchObject({ seq: 1_000 });
  });

  it('AUD-01 a segment that was taken out is named, whatever its head says: there is no retention yet', async () => {
    const inbox = log.mongo.db.collection('audit_inbox');
    await log.audit.log.append(draftOf());
    const [pattern] = await inbox.find({}).toArray();
    await inbox.insertMany(
      Array.from({ length: SEGMENT_RECORDS + 10 }, (_, n) => ({ ...pattern, _id: idOf(n) as never })),
    );
    await log.placeAll();
    const segments = log.mongo.db.collection('audit_segments');
    await segments.updateOne({ segment: 1 }, { $set: { dropped_at: new Date(0) } });
    expect((await log.verify()).first_bad).toMatchObject({ reason: expect.stringMatching(/segment 1: .*dropped/) });
    // In parts: a thousand at once took a loaded machine longer than the driver waits.
    for (let seq = 1; seq <= SEGMENT_RECORDS; seq += 100)
      await log.mongo.db.collection('audit_records').deleteMany({ seq: { $gte: seq, $lt: seq + 100 } });
    const { ok, first_bad, faults } = await log.verify();
    expect({ ok, first_bad }).toMatchObject({ ok: false, first_bad: { seq: 1, reason: 'the record is missing' } });
    expect(faults!.map(({ place }) => place)).toEqual(['record 1–1000', 'segment 1']);
    await segments.deleteMany({});
    expect((await log.verify()).faults!.map(({ place }) => place)).toEqual(['record 1–1000', 'segment 1']);
  });
});

describe('NFR-07 the lease', () => {
  it('goes over when the holder was seen dead on the observer’s own clock, however wall clocks stand', async () => {
    const clock = { ms: 0 };
    const store = new AuditStore(log.mongo, log.ambient);
    const a = new Lease(store, { ...log.ambient, now: () => new Date(0) }, 'replica-a');
    const b = new Lease(store, { ...held(clock), now: () => new Date(4e12) }, 'replica-b');
    expect([await a.keep(), await b.keep()]).toEqual([true, false]);
    clock.ms = DEAD_AFTER_MS - 1;
    expect(await b.keep()).toBe(false);
    await a.keep();
    clock.ms = DEAD_AFTER_MS + 1;
    // It beat meanwhile: the count starts anew.
    expect(await b.keep()).toBe(false);
    clock.ms += DEAD_AFTER_MS;
    expect(await b.keep()).toBe(true);
    expect(await a.keep()).toBe(false);
    expect((await head()).fence).toBe(2);
  });

  it('is handed back at stop, with the inbox empty', async () => {
    log.audit.start();
    await until(async () => (await head()).holder === 'replica-a');
    await Promise.all(Array.from({ length: 30 }, async () => log.audit.log.append(draftOf())));
    const started = stopwatch();
    await log.audit.stop();
    expect(started()).toBeLessThan(1_500);
    expect([(await head()).holder, await count('audit_inbox')]).toEqual([null, 0]);
  });
});
