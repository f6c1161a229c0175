import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Binary, BSON, BSONRegExp, Double, Long, ObjectId, type Collection, type Document } from 'mongodb';
import { Verification } from '@cloudlysis/contract';
import { COUNTED_KEYS, STORED_KEYS } from './record/audit-record.ts';
import { draftOf, testLog, type TestLog } from './audit.fixture.ts';
import { AuditStore } from './store/audit.store.ts';
import { BSON_VALUES, setField } from './bson-values.fixture.ts';
import { Faults } from './verify/faults.ts';
import { AuditSearch } from './read/search.ts';
import { HEAD, readWaiting, waitingShape } from './record/record-shape.ts';
import { misfit, typed } from './record/stored-shape.ts';
import { RecordWalk } from './verify/verify-records.ts';
import { SegmentWalk } from './verify/verify-segments.ts';

const COUNT = 31;
const NAMES = ['audit_records', 'audit_segments', 'audit_head', 'audit_inbox', 'audit_set_aside'];
const idOf = (n: number): string => `aud_00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

let log: TestLog;
let world: Map<string, Document[]>;
const of = (name: string): Collection<Document> => log.mongo.db.collection(`audit_${name}`);
const docs = (name: string): Document[] => world.get(`audit_${name}`)!;
const record = (seq: number): Document => docs('records').find((one) => one['seq'] === seq)!;

const repeated = { count: 231, first: new Date(1_700_000_000_000), last: new Date(1_700_000_900_000) };
beforeAll(async () => {
  log = await testLog();
  await of('inbox').insertOne({ _id: 'garbage' as never, words: 'no record' });
  await log.fill(
    Array.from({ length: COUNT - 1 }, (_, n) =>
      draftOf({ reason: `because ${n}`, after: { n }, ...(n === 28 ? { repeated } : {}) }),
    ),
  );
  await log.audit.log.append(draftOf({ reason: 'it waits' }));
  world = new Map();
  for (const name of NAMES) world.set(name, await log.mongo.db.collection(name).find({}).toArray());
});
afterAll(async () => log[Symbol.asyncDispose]());

async function restore(...names: string[]): Promise<void> {
  for (const name of names) {
    const again = async (): Promise<unknown> => docs(name).length > 0 && of(name).insertMany(docs(name).map((one) => ({ ...one }))); // prettier-ignore
    await of(name).deleteMany({});
    await again().catch(async () => {
      // The embedded store can keep an index entry of a key that was an array.
      await of(name).drop();
      await log.audit.prepare();
      await again();
    });
  }
}

/** As another replica sees it, which has placed nothing itself; and its answer is one that the contract knows. */
async function verdict(): Promise<Verification> {
  const found = await log.replica('fresh').verify(new AbortController().signal);
  return Verification.parse(JSON.parse(JSON.stringify(found)));
}
/** As a list shows it, without leaving a record of the looking. */
async function shown(): Promise<number[]> {
  const search = new AuditSearch(new AuditStore(log.mongo, log.ambient));
  const { items } = await search.page({ filter: {}, visible: 'all' }, { limit: 50, cursor: undefined });
  return items.map(({ seq }) => seq);
}
const WHOLE = Array.from({ length: COUNT }, (_, n) => COUNT - n);
const placesOf = ({ faults = [] }: Verification): string[] => faults.map(({ place }) => place);

it('AUD-01 the world of these tests holds: records, one that waits, one that was set aside', async () => {
  expect(await verdict()).toMatchObject({ ok: true, checked: COUNT, pending: 1, set_aside: 1 });
});

describe('AUD-01 every field of every document, to every BSON type, is named with its place', () => {
  const kinds = Object.entries(BSON_VALUES);
  const inParts = <T>(all: readonly T[], size: number): T[][] =>
    Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
  /** Where each costs a look at the whole log: the nearest to what is right, and the farthest from it. */
  const some = [
    'the same as a double',
    'the same as text',
    'null',
    'an object',
    'a date',
    'a pattern that JavaScript does not know',
    'nothing',
  ];
  const few = kinds.filter(([name]) => some.includes(name));
  const fewer = kinds.filter(([name]) => ['the same as a double', 'the same as text', 'a date', 'nothing'].includes(name)); // prettier-ignore

  /** In place of one record, between those before it and the one behind it, as verification walks them. */
  function walked(seq: number, doc: Document): readonly (string | null)[] {
    const faults = new Faults();
    const walk = new RecordWalk(faults, { seq: 0, hash: '' });
    for (let n = 1; n <= Math.min(seq + 1, COUNT); n++) walk.see(BSON.serialize(n === seq ? doc : record(n)));
    return faults.list.map(({ record_id }) => record_id);
  }

  it.each([...STORED_KEYS.map((key) => [key, false]), ...[...COUNTED_KEYS, 'v'].map((key) => [key, true])] as [
    string,
    boolean,
  ][])('records: %s, counted %s, in the walk that verification does', (field, counted) => {
    const doc = counted ? docs('records').find(({ count }) => count === 231)! : record(2);
    const seq = doc['seq'] as number;
    expect(walked(seq, doc)).toEqual([]);
    let tried = 0;
    for (const [name, value] of [...kinds, ['another form', () => (counted ? 1 : 2)]] as typeof kinds) {
      const made = value(doc[field]);
      const other: Document = { ...doc, [field]: made };
      if (made === undefined) delete other[field];
      if (Buffer.from(BSON.serialize(other)).equals(BSON.serialize(doc))) continue;
      tried += 1;
      const named = walked(seq, other);
      const right = field === '_id' ? [expect.any(String)] : expect.arrayContaining([doc['_id']]);
      expect([name, named]).toEqual([name, right]);
    }
    expect(tried).toBeGreaterThan(kinds.length - 4);
  });

  it('records: every field to the nearest and the farthest, in the store', async () => {
    const cases = STORED_KEYS.filter((key) => key !== '_id').flatMap((field) => few.map(([, value]) => ({ field, value }))); // prettier-ignore
    // One without its place leaves a gap beside it, and no more than 15 faults are named of a collection.
    const parts = [
      ...inParts(
        cases.filter(({ field }) => field !== 'seq'),
        13,
      ),
      ...inParts(
        cases.filter(({ field }) => field === 'seq'),
        5,
      ),
    ];
    for (const part of parts) {
      const touched: Document[] = [];
      for (const [n, { field, value }] of part.entries()) {
        const doc = record(2 * n + 2);
        if (await setField(of('records'), doc, field, value(doc[field]))) touched.push(doc);
      }
      const { ok, faults = [] } = await verdict();
      for (const doc of touched) await of('records').replaceOne({ _id: doc['_id'] as never }, doc);
      expect(ok).toBe(false);
      expect(faults.map(({ record_id }) => record_id)).toEqual(expect.arrayContaining(touched.map(({ _id }) => String(_id)))); // prettier-ignore
      expect(touched.length).toBeGreaterThan(part.length / 2);
    }
    expect((await verdict()).ok).toBe(true);
  }, 120_000);

  it('records: _id', async () => {
    for (const [name, value] of few) {
      const doc = record(4);
      const _id = value(doc['_id']);
      if (_id === undefined || Array.isArray(_id)) continue;
      await of('records').deleteOne({ seq: 4 });
      const there = await of('records').insertOne({ ...doc, _id: _id as never }).then(() => true, () => false); // prettier-ignore
      const found = await verdict();
      await restore('records');
      expect([name, placesOf(found)]).toEqual([name, there ? ['record 4'] : expect.anything()]);
    }
  });

  it.each(['_id', 'seq', 'hash', 'open', 'open.prev', 'open.min_at', 'open.max_at', 'holder', 'fence', 'beat', 'more'])(
    'the head: %s',
    async (field) => {
      for (const [name, value] of fewer) {
        const [doc] = docs('head');
        const now = field.split('.').reduce<unknown>((at, key) => (at as Document)?.[key], doc);
        let changed: boolean;
        if (field === '_id') {
          const _id = value('head');
          if (_id === undefined || Array.isArray(_id)) continue;
          await of('head').deleteMany({});
          changed = await of('head').insertOne({ ...doc, _id: _id as never }).then(() => true, () => false); // prettier-ignore
        } else changed = await setField(of('head'), doc!, field, value(now));
        const found = await verdict();
        await restore('head');
        // The lease is nobody's claim about the past: another holder, or another count, is as good.
        const isLease = ['holder', 'fence', 'beat'].includes(field) && found.ok;
        if (changed && !isLease) expect([name, found.ok, placesOf(found)]).toEqual([name, false, expect.arrayContaining(['head'])]); // prettier-ignore
      }
    },
    120_000,
  );

  it('the head: every field to every type', () => {
    const [head] = docs('head');
    for (const field of ['_id', 'seq', 'hash', 'open', 'open.prev', 'open.min_at', 'open.max_at'])
      for (const [name, value] of kinds) {
        const open = { ...(head!['open'] as Document) };
        const doc: Document = { ...head, open };
        const [at, key] = field.startsWith('open.') ? [open, field.slice(5)] : [doc, field];
        // Another time or none is of the right form; that it is another than the records say, the walk finds.
        if (['min_at', 'max_at'].includes(key) && ['a date', 'null'].includes(name)) continue;
        const made = value(at[key]);
        at[key] = made;
        if (made === undefined) delete at[key];
        const raw = BSON.serialize(doc);
        expect([field, name, misfit(typed(raw), raw, HEAD)]).toEqual([field, name, expect.any(String)]);
      }
  });

  it('the inbox: every field', async () => {
    const [waiting] = docs('inbox');
    const fields = [...Object.keys(waiting!), 'seq', 'more'];
    for (const field of fields)
      for (const [name, value] of kinds) {
        const doc: Document = { ...waiting, [field]: value(waiting![field]) };
        if (doc[field] === undefined) delete doc[field];
        const same = Buffer.from(BSON.serialize(doc)).equals(BSON.serialize(waiting!));
        const read = readWaiting(BSON.serialize(doc), waitingShape(['local']));
        if (!same && !readable(field, name, waiting!)) expect([field, name, read]).toEqual([field, name, { reason: expect.any(String) }]); // prettier-ignore
      }
    const cases = fields.flatMap((field) => fewer.map(([name, value]) => ({ field, name, value })));
    for (let from = 0; from < cases.length; from += 14) {
      const made = cases.slice(from, from + 14).flatMap(({ field, name, value }, n) => {
        const _id = field === '_id' ? value(waiting!['_id']) : idOf(from + n);
        if (_id === undefined || Array.isArray(_id)) return [];
        const doc: Document = { ...waiting, _id, ...(field === '_id' ? {} : { [field]: value(waiting![field]) }) };
        return [{ doc, may: readable(field, name, waiting!) }];
      });
      for (const { doc } of made) for (const key of Object.keys(doc)) if (doc[key] === undefined) delete doc[key];
      await of('inbox').insertMany(made.map(({ doc }) => doc) as never[], { ordered: false }).catch(() => undefined); // prettier-ignore
      const there = (await of('inbox').find({}).toArray()).map(({ _id }) => shownId(_id));
      const ids = made.filter(({ may, doc }) => !may && there.includes(shownId(doc['_id']))).map(({ doc }) => shownId(doc['_id'])); // prettier-ignore
      expect(ids.length).toBeGreaterThan(1);
      const found = await verdict();
      await restore('inbox');
      const named = (found.faults ?? []).map(({ record_id }) => record_id);
      expect(named).toEqual(expect.arrayContaining(ids));
      expect(found.pending).toBeGreaterThan(1);
    }
  }, 120_000);

  it.each(['_id', 'bytes', 'more'])('what was set aside: %s', async (field) => {
    for (const [name, value] of few) {
      const [piece] = docs('set_aside');
      const made = value(piece![field]);
      if (field === '_id') {
        if (made === undefined || Array.isArray(made)) continue;
        await of('set_aside').deleteMany({});
        if (!(await of('set_aside').insertOne({ ...piece, _id: made as never }).then(() => true, () => false))) continue; // prettier-ignore
      } else if (!(await setField(of('set_aside'), piece!, field, made))) continue;
      const found = await verdict();
      await restore('set_aside');
      expect([name, found.ok]).toEqual([name, false]);
      expect(placesOf(found).join()).toMatch(/set aside/);
    }
  });

  it('segments: every field', async () => {
    const at = new Date(1_700_000_000_000);
    const sealed = {
      segment: 1,
      first_seq: 1,
      last_seq: 1000,
      prev: '0'.repeat(64),
      hash: 'a'.repeat(64),
      min_at: at,
      max_at: at,
      dropped_at: null,
    };
    const walked = { segment: 1, last: 1000, hash: sealed.hash, open: { prev: sealed.prev, min_at: at, max_at: at } };
    const judged = async (...them: Document[]): Promise<readonly string[]> => {
      const faults = new Faults();
      const walk = new SegmentWalk(faults, (async function* () { yield them.map((one) => BSON.serialize(one)); })()); // prettier-ignore
      await walk.expect(walked);
      await walk.reach(1);
      return faults.list.map(({ place }) => place);
    };
    expect(await judged({ _id: new ObjectId(), ...sealed })).toEqual([]);
    expect(await judged({ _id: new ObjectId(), ...sealed, sealed_at: at })).toEqual([]);
    for (const field of [...Object.keys(sealed), 'more'])
      for (const [name, value] of kinds) {
        const made = value(sealed[field as keyof typeof sealed]);
        const doc: Document = { _id: new ObjectId(), ...sealed, [field]: made };
        if (made === undefined) delete doc[field];
        if (made === sealed[field as keyof typeof sealed] || (field === 'more' && made === undefined)) continue;
        expect([field, name, await judged(doc)]).toEqual([
          field,
          name,
          [expect.stringMatching(/^segment /), ...(field === 'segment' ? [expect.anything()] : [])].slice(
            0,
            (await judged(doc)).length || 1,
          ),
        ]);
      }
    expect(await judged({ _id: 1, ...sealed }, { _id: 2, ...sealed })).toEqual(['segment 1']);
  });
});

/** Whether a waiting document may have such a value there. */
function readable(field: string, name: string, waiting: Document): boolean {
  const nullable = ['on_behalf_of', 'tenant_id', 'reason', 'problem', 'before', 'after', 'job_id', 'request_id', 'trace_id', 'ip', 'agent']; // prettier-ignore
  if (name === 'null') return nullable.includes(field);
  if (name === 'nothing') return !(field in waiting);
  if (name === 'a date') return field === 'at';
  const isText = name === 'the same as text' || name === 'a date as text';
  const free = ['action', 'actor', 'on_behalf_of', 'resource', 'reason', 'problem', 'request_id', 'trace_id', 'ip', 'agent', 'code']; // prettier-ignore
  return isText && free.includes(field);
}

const shownId = (id: unknown): string =>
  typeof id === 'string' ? id : BSON.EJSON.stringify({ id }, { relaxed: false }).slice(6, -1).slice(0, 200);

describe('AUD-01 documents where none may be', () => {
  it.each([
    ['between two windows', 250.5], ['between two records', 6.5], ['before the first', 0], ['negative', -7],
    ['beyond the head', COUNT + 1], ['far beyond', 9_007_199_254_740_000], ['no number', NaN], ['infinity', Infinity],
  ] as const)('records: %s', async (_, seq) => {
    await of('records').insertOne({ ...record(5), _id: idOf(1) as never, seq });
    const found = await verdict();
    const list = await shown();
    await restore('records');
    expect(found.first_bad).toMatchObject({ record_id: idOf(1) });
    expect(list).toEqual(WHOLE);
  }); // prettier-ignore

  it('segments with a number that is taken, to come, or none', async () => {
    const segment = {
      first_seq: 1,
      last_seq: 1000,
      prev: '0'.repeat(64),
      hash: '0'.repeat(64),
      min_at: new Date(0),
      max_at: new Date(0),
      dropped_at: null,
    };
    const numbers = [1, 2, 7_000, 0, -1, 1.5, '1', null, NaN, true, new Date(0), { n: 1 }, new BSONRegExp('(?i)x')]; // prettier-ignore
    for (const number of numbers) {
      await of('segments').insertOne({ ...segment, segment: number });
      const found = await verdict();
      await restore('segments');
      expect([number, placesOf(found)]).toEqual([number, [expect.stringMatching(/^segment /)]]);
    }
  });

  it('a second head, a doubled place, a piece that nothing tells of', async () => {
    await of('head').insertOne({ ...docs('head')[0], _id: 'another' as never });
    expect(placesOf(await verdict())).toEqual(['head']);
    await restore('head');
    await of('records').dropIndex('place');
    await of('records').insertOne({ ...record(5), _id: idOf(1) as never });
    expect((await verdict()).first_bad).toMatchObject({ seq: 5, record_id: idOf(1) });
    await restore('records');
    await log.audit.prepare();
    for (const _id of [`${String(record(3)['_id'])}/0`, `${String(docs('set_aside')[0]!['_id']).slice(0, -1)}1`, 7]) {
      await of('set_aside').insertOne({ _id: _id as never, bytes: new Binary(Buffer.from('x')) });
      expect(placesOf(await verdict())).toEqual([`set aside ${typeof _id === 'string' ? _id : '{"$numberInt":"7"}'}`]);
      await restore('set_aside');
    }
  });

  it('waiting: a copy of a placed record with other words, one of another environment, one with a place', async () => {
    const { seq, segment, prev, hash, ...content } = record(9);
    expect([seq, segment, prev, hash]).toHaveLength(4);
    // The very same one is what a driver's retry leaves, and is dropped.
    await of('inbox').insertOne(content as never);
    expect(await verdict()).toMatchObject({ ok: true, pending: 2 });
    for (const forged of [{ ...content, reason: 'other words' }, { ...content, environment: 'another' }, record(9)]) {
      await restore('inbox');
      await of('inbox').insertOne(forged as never);
      expect(placesOf(await verdict())).toEqual([`inbox ${String(content['_id'])}`]);
    }
    await restore('inbox');
  });
});

describe('AUD-01 what was taken away', () => {
  it('all of a collection', async () => {
    for (const name of ['records', 'head', 'set_aside'] as const) {
      await of(name).drop();
      const found = await verdict();
      await log.audit.prepare();
      await restore(name);
      expect([name, found.ok]).toEqual([name, false]);
    }
    expect((await verdict()).ok).toBe(true);
  });

  it('the tail, with the head moved back to fit: so does every replica that only saw it placed, whoever places on', async () => {
    await using its = await testLog();
    await its.fill([draftOf(), draftOf()]);
    const before = await its.mongo.db.collection('audit_head').findOne({});
    const beside = its.replica('beside');
    its.audit.start();
    beside.start();
    const last = await its.audit.log.append(draftOf());
    await its.placeAll();
    expect((await beside.verify(new AbortController().signal)).ok).toBe(true);
    expect(beside.moved()).toBeNull();
    await its.audit.stop();
    const [records, heads] = [its.mongo.db.collection('audit_records'), its.mongo.db.collection('audit_head')];
    const [kept, there] = [await records.findOne({ _id: last as never }), await heads.findOne({})];
    // It looks once a second, also when nobody asks.
    const tells = async (wanted: string | null): Promise<void> => {
      for (let n = 0; n < 800 && beside.moved() !== wanted; n++) await its.ambient.sleep(25);
      expect(beside.moved()).toBe(wanted);
    };
    const cut = async (): Promise<void> => {
      await records.deleteOne({ _id: last as never });
      await heads.replaceOne({}, { ...before, _id: undefined } as never);
      await tells('the head stood at record 3 and was moved back to 2');
    };
    await cut();
    // Put back as it was, it is the chain that was seen.
    await records.insertOne(kept!);
    await heads.replaceOne({}, { ...there, _id: undefined } as never);
    await tells(null);
    expect((await beside.verify(new AbortController().signal)).ok).toBe(true);
    await cut();
    // Continued beyond the mark it is whole again, for everybody who did not see it.
    await its.fill([draftOf(), draftOf(), draftOf()]);
    const told = await beside.verify(new AbortController().signal);
    expect([told.ok, told.faults?.some(({ reason }) => /moved back to 2/.test(reason))]).toEqual([false, true]);
    expect((await its.replica('fresh').verify(new AbortController().signal)).ok).toBe(true);
    await beside.stop();
  });

  it('the tail, with the head moved back to fit: the replica that placed it knows, and the jobs know', async () => {
    const cut = record(COUNT)['_id'] as string;
    const jobs = [{ jobId: 'job_1', recordId: cut, ended: null }, { jobId: 'job_2', recordId: record(2)['_id'], ended: 'succeeded' }]; // prettier-ignore
    const at = docs('records').slice(0, COUNT - 1).map((one) => (one['at'] as Date).getTime()); // prettier-ignore
    await of('records').deleteOne({ seq: COUNT });
    await of('set_aside').deleteMany({ _id: new RegExp(cut) as never });
    const open = { prev: '0'.repeat(64), min_at: new Date(Math.min(...at)), max_at: new Date(Math.max(...at)) };
    await of('head').updateOne({}, { $set: { seq: COUNT - 1, hash: record(COUNT - 1)['hash'], open } });
    const unaware = await verdict();
    const aware = await log.verify();
    const { createAudit } = await import('./index.ts');
    const withJobs = createAudit({
      mongo: log.mongo,
      ambient: log.ambient,
      replicaId: 'c',
      environment: 'local',
      jobs: async function* () {
        yield jobs;
      },
    });
    const told = await withJobs.verify(new AbortController().signal);
    await restore('records', 'set_aside', 'head');
    // Consistent in itself: from the log alone it cannot be told.
    expect(unaware.ok).toBe(true);
    expect(aware.first_bad!.reason).toMatch(/moved back/);
    expect(placesOf(told)).toEqual(['job job_1', 'job job_2', 'job job_2 end']);
  });
});

it('AUD-01 any one change to the store is found, unless nothing that counts was changed', async () => {
  const values = fc.constantFrom(...Object.values(BSON_VALUES));
  const target = fc.constantFrom('records', 'head', 'set_aside');
  const deed = fc.oneof(
    fc.record({ deed: fc.constant('set' as const), field: fc.constantFrom(...STORED_KEYS, 'open', 'bytes', 'x', 'fence'), value: values }), // prettier-ignore
    fc.record({ deed: fc.constantFrom('delete' as const, 'double' as const, 'swap' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(target, fc.nat(), deed, async (name, which, todo) => {
      const doc = docs(name)[which % docs(name).length]!;
      let changed = true;
      if (todo.deed === 'set') {
        fc.pre(todo.field !== '_id' && !(name === 'head' && ['fence', 'holder', 'beat'].includes(todo.field)));
        changed = await setField(of(name), doc, todo.field, todo.value(doc[todo.field]));
      } else if (todo.deed === 'delete') await of(name).deleteOne({ _id: doc['_id'] as never });
      else if (todo.deed === 'double')
        await of(name).insertOne({ ...doc, _id: idOf(1) as never, ...(name === 'records' ? { seq: COUNT + 2 } : {}) }); // prettier-ignore
      else {
        fc.pre(name === 'records');
        const other = record((which % (COUNT - 1)) + 2 === doc['seq'] ? 1 : (which % (COUNT - 1)) + 2);
        await of(name).deleteMany({ seq: { $in: [doc['seq'], other['seq']] } });
        await of(name).insertMany([{ ...doc, seq: other['seq'] }, { ...other, seq: doc['seq'] }] as Document[]); // prettier-ignore
      }
      const found = await verdict();
      await restore(name);
      expect(found.ok).toBe(!changed);
    }),
    { numRuns: 20 },
  );
}, 120_000);

it('AUD-01 appending while verifying is no forgery', async () => {
  await using busy = await testLog();
  await busy.fill(Array.from({ length: 20 }, () => draftOf()));
  busy.audit.start();
  let writing = true;
  const writer = (async () => {
    while (writing) await busy.audit.log.append(draftOf());
  })();
  const found: Verification[] = [];
  for (let n = 0; n < 6; n++) found.push(await busy.verify());
  writing = false;
  await writer;
  expect(found.filter(({ ok }) => !ok)).toEqual([]);
  expect(found.at(-1)!.checked).toBeGreaterThan(found[0]!.checked);
});

it('AUD-01 what list and export show has a whole place, also behind a page full of others', async () => {
  const forged = Array.from({ length: 60 }, (_, n) => ({ ...record(5), _id: idOf(n) as never, seq: new Double(7 + (n + 1) / 100) })); // prettier-ignore
  const last = { ...record(5), _id: idOf(77) as never, seq: Long.fromNumber(COUNT + 5) };
  // On a loaded machine the driver asks a second time, and then they are there already.
  await of('records')
    .insertMany([...forged, last], { ordered: false })
    .catch((error: unknown) => expect(error).toMatchObject({ code: 11_000 }));
  expect(await of('records').countDocuments({})).toBe(COUNT + 61);
  const list = await shown();
  await restore('records');
  expect(list).toEqual(WHOLE);
});
