// Plain records through the engine, on the real store: never a lost update, versions count by one, an undo restores exactly.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { KEPT_VERSIONS, Problem, resource, secret, type MutationId } from '@cloudlysis/contract';
import { eventually } from '../../testing/eventually.ts';
import fc from 'fast-check';
import { ObjectId } from 'mongodb';
import { textOfId } from '../kernel/bad-records.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import type { Ended } from '../jobs/engine/crash-harness.fixture.ts';
import { formOf } from './index.ts';
import { createRecordStore } from './record.store.ts';
import { BY, signs, startWall, type Key, type Sign, type Wall } from './records.fixture.ts';

let wall: Wall;
let count = 0;
const fresh = (tenant_id = 'acme'): Key => ({ tenant_id, sign_id: `s${(count += 1)}` });

beforeAll(async () => {
  wall = await startWall();
});
afterAll(async () => {
  await wall?.[Symbol.asyncDispose]();
});

const SIGN: Sign = { text: 'mind the gap', size: 3, colours: { ground: 'red' } };
const refused = (work: Promise<unknown>, code: string) => expect(work).rejects.toMatchObject({ code });

async function valueAt(key: Key): Promise<{ version: number; value: unknown }> {
  const stored = await wall.stored(key);
  return { version: stored?.version ?? 0, value: stored?.value ?? null };
}

it('NFR-07 a record is put, read, listed, written over and removed, and keeps its former versions', async () => {
  const key = fresh('tour');
  expect(await wall.put(key, SIGN, 0)).toMatchObject({ state: 'succeeded', proof: { facts: { version: 1 } } });
  const made = await wall.get(key);
  expect(made).toMatchObject({ ...key, ...SIGN, version: 1, changed: { by: BY }, history: [] });
  expect(await wall.put(key, { text: 'no exit', size: 1 }, 1)).toMatchObject({ state: 'succeeded' });
  const { history, ...now } = await wall.get(key);
  expect(now).toMatchObject({ text: 'no exit', size: 1, version: 2 });
  expect(now).not.toHaveProperty('colours');
  expect(history).toEqual([{ version: 1, value: SIGN, changed: (made as unknown as { changed: object }).changed }]);
  expect((await wall.list({ tenant_id: 'tour' })).items).toEqual([now]);
  expect(await wall.remove(key, 2)).toMatchObject({ state: 'succeeded' });
  await refused(wall.get(key), 'resource.unknown');
  expect((await wall.list({ tenant_id: 'tour' })).items).toEqual([]);
  await refused(wall.remove(key, 3), 'resource.unknown');
  expect(await wall.put(key, SIGN, 0)).toMatchObject({ state: 'succeeded' });
  const again = await wall.get(key);
  expect([again.version, ...again.history.map(({ version }) => version)]).toEqual([4, 3, 2, 1]);
  expect(again.history[0]!.value).toBeNull();
});

it('API-05 GEN-35 a plan says what was read, what would change line by line, whom it touches and how it is undone', async () => {
  const key = fresh();
  await wall.put(key, SIGN, 0);
  const input = { ...key, text: 'new', size: 3, colours: { ground: 'blue', edge: 'black' }, expected_version: 1, reason: 'a test' }; // prettier-ignore
  const plan = await wall.engine.plan('test.signs.put' as never, input);
  const path = `test.signs.acme/${key.sign_id}`;
  expect(plan.diff).toEqual([
    { op: 'replace', path: `${path}.text`, before: 'mind the gap', after: 'new' },
    { op: 'replace', path: `${path}.colours.ground`, before: 'red', after: 'blue' },
    { op: 'add', path: `${path}.colours.edge`, before: null, after: 'black' },
  ]);
  expect(plan.checks.map(({ id, status }) => [id, status])).toEqual([
    ['lane.free', 'pass'],
    ['record.version', 'pass'],
    ['record.differs', 'pass'],
  ]);
  expect(plan.blast_radius.map(({ kind, ids }) => [kind, ids])).toEqual([['sign', [`acme/${key.sign_id}`]], ['tenant', ['acme']]]); // prettier-ignore
  expect(plan.rollback).toMatch(/version before/);
  const same = await wall.engine.plan('test.signs.put' as never, { ...key, ...SIGN, expected_version: 1, reason: 'a test' }); // prettier-ignore
  expect(same.checks).toContainEqual(expect.objectContaining({ id: 'record.differs', status: 'warn' }));
  const gone = await wall.engine.plan('test.signs.remove' as never, { ...key, expected_version: 1, reason: 'a test' });
  expect(gone.diff).toEqual([{ op: 'remove', path, before: SIGN, after: null }]);
});

/** What two writers do: each knows the version that it read last, and may be behind. */
const step = fc.oneof(
  fc.record({ does: fc.constant('read' as const), by: fc.nat(1) }),
  fc.record({ does: fc.constantFrom('put' as const, 'put' as const, 'remove' as const, 'undo' as const), by: fc.nat(1), text: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ does: fc.constant('race' as const), text: fc.constantFrom('x', 'y') }),
); // prettier-ignore

it('NFR-07 GEN-35 two writers lose no update, whatever they do: versions count by one, an undo restores exactly', async () => {
  const seen = { done: 0, stale: 0, undone: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 9 }), async (steps) => {
      const key = fresh();
      /** Every version there has been, from 0; `known` is what each writer read last: 0 where there was none. */
      const values: (Sign | null)[] = [null];
      const known = [0, 0];
      const last: ({ ended: Ended; made: number } | null)[] = [null, null];
      const now = (): number => (values.at(-1) === null ? 0 : values.length - 1);
      const attempt = async (by: number, expected: number, next: Sign | null): Promise<void> => {
        const before = now();
        const work = next ? wall.put(key, next, expected) : wall.remove(key, expected);
        const fits = expected === before && (next !== null || before > 0);
        const ended = await work.catch((error: Problem) => error.code);
        if (!fits) {
          expect(['version.stale', 'resource.unknown']).toContain(ended);
          seen.stale += 1;
          return;
        }
        expect(ended).toMatchObject({ state: 'succeeded', proof: { facts: { version: values.length } } });
        values.push(next);
        last[by] = { ended: ended as Ended, made: values.length - 1 };
        seen.done += 1;
      };
      for (const one of steps) {
        if (one.does === 'read') known[one.by] = now();
        else if (one.does === 'put')
          await attempt(one.by, known[one.by]!, { text: one.text, size: values.length % 10 });
        else if (one.does === 'remove') await attempt(one.by, known[one.by]!, null);
        else if (one.does === 'undo') {
          const mine = last[one.by];
          if (!mine) continue;
          const ended = await wall.undo(mine.ended).catch((error: Problem) => error.code);
          // Its own version, or after a removal that there is none.
          const fits = now() === (values[mine.made] === null ? 0 : mine.made);
          if (!fits || (values[mine.made - 1] === null && now() === 0))
            expect(['version.stale', 'resource.unknown']).toContain(ended); // prettier-ignore
          else {
            expect(ended).toMatchObject({ state: 'succeeded' });
            values.push(values[mine.made - 1]!);
            seen.undone += 1;
            last[one.by] = { ended: ended as Ended, made: values.length - 1 };
          }
        } else {
          const expected = now();
          const signsOf = (n: number): Sign => ({ text: `${one.text}${n}`, size: n });
          const ends = await Promise.all([0, 1].map((n) => wall.put(key, signsOf(n), expected).catch((error: Problem) => error.code))); // prettier-ignore
          const won = ends.flatMap((end, n) => (typeof end === 'object' && end.state === 'succeeded' ? [n] : []));
          expect(won).toHaveLength(1);
          const lost = ends[1 - won[0]!]!;
          if (typeof lost === 'object')
            expect(lost).toMatchObject({ state: 'failed', problem: { code: expect.stringMatching(/^(version|plan)\.stale$/) } }); // prettier-ignore
          else expect(['version.stale', 'plan.stale', 'preflight.blocked', 'lane.busy']).toContain(lost);
          values.push(signsOf(won[0]!));
        }
        expect(await valueAt(key)).toEqual({ version: values.length - 1, value: values.at(-1) });
      }
      const stored = await wall.stored(key);
      expect(stored?.history.map(({ version, value }) => [version, value]) ?? []).toEqual(
        values.slice(1, -1).map((value, at) => [at + 1, value]).reverse(),
      ); // prettier-ignore
    }),
    { numRuns: 8 },
  );
  expect(seen.done).toBeGreaterThan(0);
  expect(seen.stale + seen.undone).toBeGreaterThan(0);
}, 60_000);

it('NFR-07 a change that dies after any call ends as asked, once; cancelled then, it never was', async () => {
  for (const isCancelled of [false, true]) {
    let died = 0;
    for (let limit = 0; ; limit += 1) {
      const key = fresh('dying');
      await wall.put(key, SIGN, 0);
      const verbs = limit % 2 === 0 ? 'put' : 'remove';
      const script = { deaths: [limit], cancelled: isCancelled };
      const ended = await (verbs === 'put' ? wall.put(key, { text: 'new', size: 1 }, 1, script) : wall.remove(key, 1, script)); // prettier-ignore
      const after = await wall.stored(key);
      if (isCancelled && ended.died > 0) {
        expect(ended.state).toBe('cancelled');
        expect(after).toMatchObject({ version: 1, value: SIGN, history: [] });
      } else {
        expect(ended).toMatchObject({ state: 'succeeded', problem: null });
        expect(after).toMatchObject({ version: 2, changed: { job_id: ended.jobId }, history: [{ version: 1, value: SIGN }] }); // prettier-ignore
        expect(after!.value).toEqual(verbs === 'put' ? { text: 'new', size: 1 } : null);
      }
      if (ended.died === 0) break;
      died += 1;
    }
    expect(died).toBeGreaterThan(2);
  }
}, 60_000);

it('NFR-07 what somebody else wrote between plan and end is not written over, also outside of any job', async () => {
  const key = fresh();
  await wall.put(key, SIGN, 0);
  const meddle = async (): Promise<void> => {
    await wall.mongo.db.collection<{ _id: string }>('test_signs').updateOne(
      { _id: `acme/${key.sign_id}` },
      { $set: { 'value.text': 'theirs' }, $inc: { version: 1 } },
    ); // prettier-ignore
  };
  const ended = await wall.put(key, { text: 'mine', size: 1 }, 1, { before: meddle });
  expect(ended).toMatchObject({ state: 'failed', problem: { code: 'verify.failed' } });
  expect(await valueAt(key)).toMatchObject({ version: 2, value: { text: 'theirs' } });
});

it('NFR-07 a write whose answer was lost is written once, and of two at once over one version one is refused', async () => {
  const key = fresh();
  const store = createRecordStore(wall.mongo, 'test_signs', formOf(signs));
  const write = (by: string, expected: number) =>
    wall.mongo.transaction((session) =>
      store.swap(key, { value: { ...SIGN, text: by }, changed: { at: new Date(), by, job_id: by } }, expected, session),
    );
  for (let version = 0; version < 4; version += 1) {
    const ends = await Promise.allSettled([write('a', version), write('b', version)]);
    const lost = ends.filter((end) => end.status === 'rejected');
    expect(lost).toMatchObject([{ reason: { code: 'version.stale' } }]);
    const won = ends[0]!.status === 'fulfilled' ? 'a' : 'b';
    await write(won, version);
    expect(await wall.stored(key)).toMatchObject({ version: version + 1, value: { text: won } });
    expect((await wall.stored(key))!.history).toHaveLength(version);
  }
});

it('NFR-07 AUD-01 an end whose answer was lost is written once, and stands whatever somebody else wrote since', async () => {
  const key = fresh();
  await wall.put(key, SIGN, 0);
  const store = createRecordStore(wall.mongo, 'test_signs', formOf(signs));
  const jobs = wall.mongo.db.collection<{ _id: string }>('jobs');
  const mongo = wall.mongo as { transaction: Mongo['transaction'] };
  const whole = mongo.transaction;
  let [lost, later] = [0, 0];
  mongo.transaction = async (work) => {
    const result = await whole(work);
    later += lost;
    if (lost > 0 || !(await jobs.findOne({ 'input.text': 'mine', state: 'succeeded' } as never))) return result;
    lost = 1;
    const theirs = { value: { ...SIGN, text: 'theirs' }, changed: { at: new Date(), by: BY, job_id: 'job_of_theirs' } };
    await whole((session) => store.swap(key, theirs, 2, session));
    throw new Problem('store.unavailable');
  };
  try {
    const { jobId } = await wall.put(key, { text: 'mine', size: 1 }, 1);
    await eventually('it was asked for again', async () => later > 0);
    expect(await jobs.findOne({ _id: jobId })).toMatchObject({ state: 'succeeded', problem: null });
    const records = await wall.mongo.db.collection('audit_inbox').find({ job_id: jobId }).toArray();
    expect(records.map(({ code }) => code as string).sort()).toEqual(['job.submitted', 'job.succeeded']);
    expect(await valueAt(key)).toMatchObject({ version: 3, value: { text: 'theirs' } });
  } finally {
    mongo.transaction = whole;
  }
});

it('GEN-35 the undo of a removal brings back what it removed, and is refused once anything was put since', async () => {
  const key = fresh();
  await wall.put(key, SIGN, 0);
  const removal = await wall.remove(key, 1);
  const said = async (words: string): Promise<void> => {
    const refusal = {
      code: 'version.stale',
      message: `acme/${key.sign_id} ${words}: it had been removed at version 2`,
    };
    await expect(wall.undo(removal)).rejects.toMatchObject(refusal);
  };
  await wall.put(key, { text: 'closed', size: 1 }, 0);
  await said('is at version 3');
  const later = await wall.remove(key, 3);
  await said('was removed at version 4');
  const { operation, params, body } = later.undo!;
  const { checks } = await wall.engine.plan(operation as MutationId, { ...params, ...(body as object) });
  expect(checks).toContainEqual(
    expect.objectContaining({ id: 'record.version', detail: 'it was removed at version 4' }),
  );
  const undone = await wall.undo(later);
  expect(undone).toMatchObject({
    state: 'succeeded',
    proof: { checks: [{ id: 'record.version', detail: 'it was removed at version 4' }, {}] },
  });
  expect(await valueAt(key)).toMatchObject({ version: 5, value: { text: 'closed' } });
  await refused(wall.undo(later), 'version.stale');
});

it('API-16 former versions are bounded, and the newest are those that are kept', async () => {
  const key = fresh();
  await wall.put(key, SIGN, 0);
  const versions = Array.from({ length: KEPT_VERSIONS + 4 }, (_, n) => n + 1);
  const stored = (await wall.stored(key))!;
  const history = versions.toReversed().map((version) => ({ version, value: SIGN, changed: stored.changed }));
  await wall.mongo.db.collection<{ _id: string }>('test_signs').updateOne({ _id: stored._id }, { $set: { version: versions.length + 1, history } }); // prettier-ignore
  expect(await wall.put(key, { text: 'new', size: 1 }, versions.length + 1)).toMatchObject({ state: 'succeeded' });
  const kept = (await wall.get(key)).history.map(({ version }) => version);
  expect(kept).toHaveLength(KEPT_VERSIONS);
  expect(kept[0]).toBe(versions.length + 1);
});

it('API-16 a list goes page by page through what its reader may see, and names what cannot be read', async () => {
  const keys = ['one', 'two'].flatMap((tenant_id) => Array.from({ length: 3 }, () => fresh(tenant_id)));
  const stored = {
    value: SIGN,
    version: 1,
    changed: { at: new Date(), by: BY, job_id: 'job_00000000-0000-4000-8000-000000000001' },
    history: [],
  };
  const signsThere = wall.mongo.db.collection<{ _id: string }>('test_signs');
  await signsThere.insertMany(keys.map((key) => ({ ...stored, _id: `${key.tenant_id}/${key.sign_id}`, key })));
  const walked: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await wall.list({ limit: 2, ...(cursor ? { cursor } : {}) }, new Set(['one']));
    walked.push(...page.items.map(({ sign_id }) => sign_id));
    cursor = page.next_cursor;
  }
  expect(walked).toEqual(keys.slice(0, 3).map(({ sign_id }) => sign_id).sort()); // prettier-ignore
  expect((await wall.list({ tenant_id: 'two' }, new Set(['one']))).items).toEqual([]);
  expect((await wall.list({ sign_id: keys[4]!.sign_id })).items).toMatchObject([keys[4]!]);
  await signsThere.updateOne({ _id: `one/${keys[0]!.sign_id}` }, { $set: { version: 'seven' } } as never);
  const { items, unreadable } = await wall.list({ tenant_id: 'one' });
  expect(items).toHaveLength(2);
  expect(unreadable).toEqual([expect.objectContaining({ id: `one/${keys[0]!.sign_id}` })]);
  await refused(wall.put(keys[0]!, SIGN, 1), 'record.unreadable');
  await refused(wall.list({ cursor: 'x' }), 'cursor.invalid');
});

it('NFR-08 API-16 whatever ids and values foreign documents have, a list goes through to its end and names each of them', async () => {
  const signsThere = wall.mongo.db.collection<{ _id: unknown }>('test_signs');
  const own = ['a', 'b', 'c', 'd'].map((sign_id) => ({ tenant_id: 'foreign', sign_id }));
  for (const key of own) await wall.put(key, SIGN, 0);
  await wall.remove(own[3]!, 1);
  const { _id, value, ...rest } = (await wall.stored(own[0]!))!;
  const odd = [7, -1, true, new Date(1), new ObjectId(), {}, { a: 'b' }, '', 'foreign', 'foreign/a b', `foreign/a${'x'.repeat(2_000)}`];
  const valueless = { ...rest, key: own[0]!, _id: 'foreign/bb' };
  await signsThere.insertMany([valueless, ...odd.map((id) => ({ ...rest, value, _id: id }))]);
  for (const limit of [1, 2, 50]) {
    const [seen, named] = [[] as string[], new Set<string>()];
    for (let cursor: string | null | undefined, pages = 0; cursor !== null && pages < 20; pages += 1) {
      const page = await wall.list({ tenant_id: 'foreign', limit, ...(cursor ? { cursor } : {}) });
      seen.push(...page.items.map(({ sign_id }) => sign_id));
      for (const { id } of page.unreadable) named.add(id);
      cursor = page.next_cursor;
      expect((cursor ?? '').length).toBeLessThanOrEqual(512);
    }
    expect([limit, seen, [...named].sort()]).toEqual([limit, ['a', 'b', 'c'], ['foreign/bb', ...odd.map(textOfId)].sort()]);
  }
}); // prettier-ignore

it('NFR-08 a record whose fields do not fit the contract fails no list; it is named, and can be written over or removed', async () => {
  const signsThere = wall.mongo.db.collection<{ _id: string }>('test_signs');
  const unfit = [{ ...SIGN, size: 'nine' }, { ...SIGN, shade: 'of an earlier version' }, {}, { text: SIGN.text }];
  const keys = unfit.map(() => fresh('unfit'));
  for (const key of keys) await wall.put(key, SIGN, 0);
  for (const [n, key] of keys.entries())
    await signsThere.updateOne({ _id: `unfit/${key.sign_id}` }, { $set: { value: unfit[n] } } as never);
  const { items, unreadable } = await wall.list({ tenant_id: 'unfit' });
  expect([items, unreadable.map(({ id }) => id)]).toEqual([[], keys.map((key) => `unfit/${key.sign_id}`).sort()]);
  for (const [n, key] of keys.entries()) {
    await refused(wall.get(key), 'record.unreadable');
    const ended = n % 2 ? await wall.put(key, SIGN, 1) : await wall.remove(key, 1);
    expect(ended).toMatchObject({ state: 'succeeded' });
    expect(await valueAt(key)).toMatchObject({ version: 2 });
  }
  expect((await wall.list({ tenant_id: 'unfit' })).unreadable).toEqual([]);
});

it('SEC-01 a plain record has neither a secret nor a field whose name is taken, and says whose tenant it is', () => {
  const spec = signs.spec;
  const of =
    (value: object, key: object = spec.key) =>
    () =>
      resource('x', { ...spec, key, value } as never);
  expect(of({ token: secret({ min: 1, max: 20 }) })).toThrow(/secret/);
  for (const name of ['version', 'history', 'reason', 'expected_version', 'sign_id', 'cursor'])
    expect(of({ [name]: spec.value.text })).toThrow(name);
  expect(of(spec.value, { sign_id: spec.key.sign_id })).toThrow(/tenant/);
});
