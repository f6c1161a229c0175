import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Document } from 'mongodb';
import { Registry } from 'prom-client';
import { systemAmbient } from '../kernel/ambient.ts';
import { draftOf, testLog, type TestLog } from './audit.fixture.ts';
import { pendingRecord } from './record/audit-record.ts';
import { BSON_VALUES } from './bson-values.fixture.ts';
import { auditLag, createAudit } from './index.ts';
import { readWaiting, waitingShape } from './record/record-shape.ts';
import { BSON } from 'mongodb';

let log: TestLog;
beforeEach(async () => void (log = await testLog()));
afterEach(async () => log[Symbol.asyncDispose]());

const of = (name: string) => log.mongo.db.collection<Document>(`audit_${name}`);
const records = (): Promise<Document[]> => of('records').find({}).sort({ seq: 1 }).toArray();

describe('NFR-07 AUD-01 what is no record in the inbox', () => {
  it('does not stop the chain: it is kept, on record, and counted', async () => {
    const registry = new Registry();
    const audit = createAudit({
      mongo: log.mongo,
      ambient: log.ambient,
      replicaId: 'b',
      environment: 'local',
      registry,
    });
    const first = await log.audit.log.append(draftOf());
    const garbage = { _id: 'garbage' as never, at: 'yesterday', nested: { deep: [1, 2, 3] } };
    await of('inbox').insertOne(garbage);
    const second = await log.audit.log.append(draftOf());
    await audit.settle();
    const placed = await records();
    expect(placed.map(({ _id }) => String(_id)).slice(0, 2)).toEqual([first, second]);
    expect(placed[2]).toMatchObject({ code: 'audit.set_aside', actor: 'system:audit', outcome: 'failed' });
    expect(JSON.parse(placed[2]!['after'] as string)).toMatchObject({ found_id: 'garbage', pieces: 1 });
    const [piece] = await of('set_aside').find({}, { promoteBuffers: true }).toArray();
    expect(BSON.deserialize(piece!['bytes'] as Buffer)).toEqual(garbage);
    expect(await log.verify()).toMatchObject({ ok: true, checked: 3, pending: 0, set_aside: 1 });
    expect(await registry.metrics()).toMatch(/cp_audit_set_aside_total 1/);
    const { setAside } = await audit.freshness();
    expect(setAside).toMatchObject({ documents: 1 });
    expect(Math.abs(setAside!.newestAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it('whatever it is: all records are chained in order, and each foreign document is on record once', async () => {
    const value = fc.oneof(fc.constantFrom(...Object.values(BSON_VALUES)).map((make) => make(3)), fc.string(), fc.object()); // prettier-ignore
    const good = fc.constant(null);
    const foreign = fc.oneof(
      fc.dictionary(fc.string({ minLength: 1 }).filter((key) => !/[.$\0]|^_id$|__proto__/.test(key)), value, { maxKeys: 4 }),
      // Nearly a record.
      fc.record({ almost: fc.constantFrom('at', 'actor', 'v', 'outcome', 'before', 'environment', 'more'), value }),
    ); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(good, foreign), { minLength: 1, maxLength: 12 }), async (line) => {
        await using its = await testLog();
        const inbox = its.mongo.db.collection<Document>('audit_inbox');
        const ids: string[] = [];
        let odd = 0;
        for (const one of line) {
          if (one === null) ids.push(await its.audit.log.append(draftOf()));
          else {
            const base =
              'almost' in one
                ? {
                    ...pendingRecord(draftOf(), its.ambient.id('aud'), new Date(), 'local'),
                    [String(one['almost'])]: one['value'],
                  }
                : one;
            const fits = 'record' in readWaiting(BSON.serialize(base), waitingShape(['local']));
            const there = await inbox.insertOne({ ...base } as never).then(() => true, () => false); // prettier-ignore
            if (there && fits) ids.push(String((base as Document)['_id']));
            else if (there) odd += 1;
          }
        }
        for (let n = 0; n < 20 && (await inbox.countDocuments({})) > 0; n++) await its.audit.settle();
        const placed = await its.mongo.db.collection<Document>('audit_records').find({}).sort({ seq: 1 }).toArray();
        const told = placed.filter(({ code }) => code === 'audit.set_aside');
        expect(await inbox.countDocuments({})).toBe(0);
        expect(placed.flatMap(({ _id, code }) => (code === 'audit.set_aside' ? [] : [String(_id)]))).toEqual(ids);
        expect(told).toHaveLength(odd);
        expect(await its.mongo.db.collection('audit_set_aside').countDocuments({})).toBe(odd);
        expect(await its.verify()).toMatchObject({ ok: true, checked: ids.length + odd });
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  it('another record with the id of a placed one is set aside, the same one is dropped', async () => {
    const id = await log.audit.log.append(draftOf({ reason: 'the first' }));
    const [first] = await of('inbox').find({}).toArray();
    await log.placeAll();
    await of('inbox').insertOne({ ...first!, reason: 'another' });
    await log.audit.log.append(draftOf());
    await log.placeAll();
    await of('inbox').insertOne(first!);
    await log.audit.log.append(draftOf());
    await log.placeAll();
    const placed = await records();
    expect(placed.map(({ code }) => code as string).sort()).toEqual(['audit.set_aside', ...Array(3).fill('job.submitted')]); // prettier-ignore
    expect(placed.find(({ code }) => code === 'audit.set_aside')!['after']).toContain(id);
    expect(await log.verify()).toMatchObject({ ok: true, checked: 4, set_aside: 1 });
  });

  it('with any value for its time or in its id: the lease is kept, lists answer, and the chain goes on', async () => {
    const values = Object.entries(BSON_VALUES);
    await of('inbox').insertMany(values.map(([name, value]) => ({ _id: name as never, at: value(3) })));
    await of('inbox').insertMany(values.map(([, value], n) => ({ _id: { n, value: value(3) } as never })));
    const id = await log.audit.log.append(draftOf());
    expect((await log.audit.freshness()).waiting).toBe(2 * values.length + 1);
    log.audit.start();
    for (let n = 0; n < 1_200 && (await of('inbox').countDocuments({})) > 0; n++) await log.ambient.sleep(25);
    const [head] = await of('head').find({}).toArray();
    expect(head).toMatchObject({ seq: 2 * values.length + 1, holder: 'replica-a' });
    const { items } = await log.call('audit.records.list', { query: { limit: 200 } });
    expect(items.filter(({ record_id }) => record_id === id)).toHaveLength(1);
    expect(await log.verify()).toMatchObject({ ok: true, set_aside: 2 * values.length });
  });

  it('a large one, and more of them than a batch holds, stand in nobody’s way', async () => {
    await of('inbox').insertOne({ _id: 'large' as never, words: 'x'.repeat(9_000_000) });
    await of('inbox').insertMany(Array.from({ length: 130 }, (_, n) => ({ _id: n as never, n })));
    const id = await log.audit.log.append(draftOf());
    for (let n = 0; n < 40 && (await of('inbox').countDocuments({})) > 0; n++) await log.audit.settle();
    expect((await records()).filter(({ _id }) => String(_id) === id)).toHaveLength(1);
    expect(await of('set_aside').countDocuments({})).toBe(132);
    expect(await log.verify()).toMatchObject({ ok: true, checked: 132, set_aside: 131 });
  });
});

describe('UI-01 whether the log keeps up', () => {
  const clock = { ms: 0 };
  const start = Date.now();
  const ambient = { ...systemAmbient(), monotonic: () => clock.ms, now: () => new Date(start + clock.ms) };

  it.each([['text', 'soon'], ['nothing', undefined], ['the far future', new Date('2999-01-01')]])(
    'is judged on what lies there, also when it says %s of its time',
    async (_, at) => {
      clock.ms = 0;
      const audit = createAudit({ mongo: log.mongo, ambient, replicaId: 'c', environment: 'local' });
      await of('inbox').insertOne({ _id: 'x' as never, ...(at === undefined ? {} : { at }) });
      expect(auditLag(await audit.freshness(), ambient.now())).toBeNull();
      clock.ms = 31_000;
      const freshness = await audit.freshness();
      expect(freshness.waiting).toBe(1);
      expect(auditLag(freshness, ambient.now())).toMatch(/have waited 31 s/);
    },
  ); // prettier-ignore

  it('is judged by count, too', () => {
    const waiting = { seq: 1, waitingSince: new Date(start), blocked: null, setAside: null };
    expect(auditLag({ ...waiting, waiting: 5_000 }, new Date(start))).toBeNull();
    expect(auditLag({ ...waiting, waiting: 5_001 }, new Date(start))).toBe('5001 audit records wait for their place');
    expect(auditLag({ ...waiting, waiting: 10_001 }, new Date(start))).toMatch(/more than 10000/);
  });

  it('a place that is taken is said, and named by verify', async () => {
    await log.fill([draftOf()]);
    const [first] = await records();
    await of('records').insertOne({ ...first!, _id: 'forged' as never, seq: 2 });
    await log.audit.log.append(draftOf());
    log.audit.start();
    for (let n = 0; n < 200 && (await log.audit.freshness()).blocked === null; n++) await log.ambient.sleep(25);
    expect((await log.audit.freshness()).blocked).toMatch(/place is taken/);
    expect((await log.verify()).first_bad).toMatchObject({ seq: 2, record_id: 'forged' });
  });
});

it('AUD-01 whatever a feature hands in waits in a form that is read again', () => {
  const any = fc.anything({ withDate: true, withBigInt: true, withNullPrototype: true });
  const words = fc.string({ unit: 'binary', maxLength: 700, size: 'max' });
  fc.assert(
    fc.property(words, words, fc.option(words), any, any, (actor, resource, reason, before, after) => {
      const draft = draftOf({
        actor,
        resource,
        reason,
        before,
        after,
        problem: reason,
        provenance: { requestId: actor, traceId: resource, ip: actor, agent: resource },
      });
      const record = pendingRecord(draft, systemAmbient().id('aud'), new Date(), 'local');
      expect(readWaiting(BSON.serialize(record), waitingShape(['local']))).toEqual({ record });
    }),
    { numRuns: 300 },
  );
});
