// Every collection against every fault a document can have (a field missing, a field of another type, an id of another
// type), all at once: every read answers 200 or names the record, and nobody who sees some tenants only is told of it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { allOperations } from '@cloudlysis/contract';
import { BSONRegExp, ObjectId, type Document } from 'mongodb';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { eventually } from '../backend/testing/eventually.ts';
import { carryOut } from './journey.ts';

let stack: Stack;
let scoped: string;
beforeAll(async () => {
  stack = await startStack({
    tenants: ['acme', 'globex'],
    assignments: [{ principal: 'user:one@b.test', role: 'operator', scope: { kind: 'tenant', tenant_id: 'globex' } }],
  });
  scoped = await stack.token({ email: 'one@b.test' });
  await updated('first');
  const note = { text: 'beside bad records', expected_version: 0, reason: 'to be read beside them' };
  await carryOut(stack.as('owner'), 'notes.put', { params: { tenant_id: 'acme' }, body: note });
});
afterAll(() => stack?.stop());

const API = '/admin/v1';
interface Told {
  status: number;
  text: string;
  body: any;
}
async function ask(path: string, token = stack.bearer('owner'), body?: object): Promise<Told> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(stack.url() + API + path, { headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) }); // prettier-ignore
  const text = await response.text();
  return {
    status: response.status,
    text,
    body: text.startsWith('{') && !text.includes('\n') ? JSON.parse(text) : null,
  };
}

async function updated(name: string, idempotencyKey = randomUUID()): Promise<string> {
  const { version } = (await ask('/tenants/acme')).body;
  const { job } = await stack.as('owner').submit('tenants.update', {
    params: { tenant_id: 'acme' }, body: { metadata: { name }, version, reason: 'beside bad records' }, idempotencyKey, wait: 20,
  } as never); // prettier-ignore
  expect(job).toMatchObject({ state: 'succeeded' });
  return (job as { job_id: string }).job_id;
}

const VALUES: readonly unknown[] = [
  7,
  'text',
  null,
  [],
  {},
  [{ a: 1 }],
  new Date(0),
  new ObjectId('0123456789abcdef01234567'),
  new BSONRegExp('(?i)no pattern of JavaScript'),
];

/** Every way a document of this form can be none; each with an id of its own. */
function garbageOf(good: Document, idOf: (n: number) => string, own: (n: number) => Document): Document[] {
  const fields = Object.keys(good).filter((field) => field !== '_id');
  const forms = fields.flatMap((field) => [{ omit: field, put: {} }, ...VALUES.map((value) => ({ omit: field, put: { [field]: value } }))]); // prettier-ignore
  const made = forms.map(({ omit, put }, n) => {
    const { [omit]: _, ...rest } = { ...good, ...own(n) };
    return { ...rest, ...put, _id: idOf(n) };
  });
  return [...made, ...[new ObjectId(), 7, { a: 1 }, new Date(1), { a: new BSONRegExp('(') }].map((_id, n) => ({ ...good, ...own(forms.length + n), _id }))]; // prettier-ignore
}

const hex = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

async function poison(): Promise<Record<string, Document[]>> {
  const { db } = stack;
  const one = async (collection: string): Promise<Document> => (await db.collection(collection).findOne({}))!;
  const record = await one('audit_records');
  const drain = { shard_id: 'a1', tenant_id: 'acme', wanted: 'drained', job_id: `job_${hex(1)}`, by: 'user:a@b.test', reason: 'why', since: new Date(), told_again: { at: new Date(), times: 1 }, version: 1 }; // prettier-ignore
  const job = await one('jobs');
  const made: Record<string, Document[]> = {
    jobs: garbageOf(job, (n) => `job_${hex(n)}`, (n) => ({ order: job['order'] + n, idempotency: `g${n}`, plan_id: `g${n}` })),
    tenants: garbageOf(await one('tenants'), (n) => `bad-${n}`, () => ({})),
    shards: garbageOf(await one('shards'), (n) => `odd-${n}`, () => ({ endpoint: 'http://127.0.0.1:9' })),
    placements: garbageOf(await one('placements'), (n) => `aggregate.bad-${n}`, (n) => ({ tenant_id: `bad-${n}` })),
    notes: garbageOf(await one('notes'), (n) => `bad-${n}`, (n) => ({ key: { tenant_id: `bad-${n}` } })),
    drains: garbageOf(drain, (n) => `a1/bad-${n}`, (n) => ({ tenant_id: `bad-${n}` })),
    audit_records: garbageOf(record, (n) => `aud_${hex(n)}`, (n) => ({ seq: 1 + (n + 1) / 1_000 })),
    audit_segments: [{ _id: new ObjectId() }, { _id: 's', segment: 'first' }, { _id: 7, segment: 0.5 }],
    assignments: [{ _id: 'x' }, { _id: 7, principal: 7 }, { _id: new ObjectId(), principal: 'user:x', role: 'king', scope: [] }],
    revocations: [{ _id: new ObjectId() }, { _id: 'jti:x', until: 'never' }],
    replicas: [{ _id: 7 }, { _id: 'ghost', boot: {}, beat: 'x' }, { _id: 'ghost2', boot: 'x', beat: 1 }],
    job_values: [{ _id: 'x', packed: 7 }],
    job_secrets: [{ _id: 'x', fields: 7, at: 7 }, { _id: 7 }, { _id: job._id, fields: [{ name: 'x' }] }],
    sessions: [{ _id: 'ghost', ids: 7 }, { _id: 'ghost2', ids: [7] }],
  }; // prettier-ignore
  for (const [collection, documents] of Object.entries(made)) {
    const inserted = await db.collection(collection).insertMany(documents, { ordered: false }).catch((error: any) => error.result); // prettier-ignore
    // An index may refuse what equals another garbage document.
    expect([collection, inserted.insertedCount >= documents.length / 2]).toEqual([collection, true]);
  }
  // One in its place: what lies between two places is none of the chain's, and verification names it.
  await db.collection('audit_records').updateOne({ _id: record._id }, { $set: { before: '{' } });
  return made;
}

/** Reads without a stream, with what they name filled in. */
const paths = (ids: Readonly<Record<string, string>>): string[] =>
  allOperations()
    .filter(({ method, streams }) => method === 'GET' && !streams)
    .map(({ path }) => path.replace(/\{(\w+)\}|:(\w+)/g, (_, a, b) => ids[a ?? b] ?? 'x'));

describe('records of every collection that cannot be read', () => {
  let bad: Record<string, Document[]>;
  const textIds = (collection: string): string[] =>
    bad[collection]!.map(({ _id }) => _id).filter((id): id is string => typeof id === 'string');
  beforeAll(async () => {
    bad = await poison();
    await eventually('the copies have seen them', async () => (await ask('/tenants?limit=200')).body?.unreadable?.length > 10); // prettier-ignore
  });

  it('NFR-07 NFR-08 every read answers, and lists name what they leave out', async () => {
    const { job_id } = (await ask('/jobs')).body.items[0];
    const { record_id } = (await ask('/audit/records')).body.items[0];
    const answers: [string, Told][] = [];
    for (const path of paths({ tenant_id: 'acme', shard_id: 'a1', job_id, record_id })) answers.push([path, await ask(path)]); // prettier-ignore
    expect(answers.length).toBeGreaterThan(10);
    expect(answers.filter(([, { status }]) => status !== 200).map(([path, { status, text }]) => [path, status, text])).toEqual([]); // prettier-ignore
    for (const path of [
      '/jobs?limit=200',
      '/tenants',
      '/scale/shards',
      '/scale/placements',
      '/scale/drains',
      '/scale/drift',
      '/notes',
    ])
      // prettier-ignore
      expect([path, (await ask(path)).body.unreadable?.length > 0]).toEqual([path, true]);
  });

  it('NFR-08 a get of each answers or names it, and so do cancel and retry', async () => {
    const asked = [
      ...textIds('jobs').map((id) => `/jobs/${id}`),
      ...textIds('tenants').map((id) => `/tenants/${id}`),
      ...textIds('notes').map((id) => `/notes/${id}`),
      ...textIds('audit_records').map((id) => `/audit/records/${id}`),
    ];
    const wrong: unknown[] = [];
    let named = 0;
    for (const path of asked) {
      const { status, body } = await ask(path);
      if (status === 502 && body.code === 'record.unreadable') named += 1;
      else if (status !== 200 && status !== 404) wrong.push([path, status, body]);
    }
    for (const id of textIds('jobs').filter((_, n) => n % 5 === 0))
      for (const verb of ['cancel', 'retry']) {
        const { status, body } = await ask(`/jobs/${id}/${verb}:preflight`, undefined, { reason: 'to see it' });
        if (status === 500 || status === 503) wrong.push([id, verb, status, body]);
      }
    expect(wrong).toEqual([]);
    expect(named).toBeGreaterThan(100);
  });

  it('AUD-05 an export has every other record', async () => {
    for (const format of ['jsonl', 'csv', 'cloudevents']) {
      const { status, text } = await ask(`/audit/export?format=${format}`);
      expect([format, status, text.includes('beside bad records')]).toEqual([format, 200, true]);
    }
  });

  it('NFR-01 who sees some tenants is told of none of them', async () => {
    const gets = textIds('jobs').filter((_, n) => n % 5 === 0);
    for (const id of gets) expect((await ask(`/jobs/${id}`, scoped)).status).toBe(404);
  });

  it('API-05 changes go on; a job that cannot be shown is answered by its ticket, also to the same key', async () => {
    const key = randomUUID();
    const body = {
      metadata: { name: 'twice' },
      version: (await ask('/tenants/acme')).body.version,
      reason: 'sent twice',
    };
    const send = () =>
      fetch(`${stack.url()}${API}/tenants/acme`, {
        method: 'PATCH', body: JSON.stringify(body),
        headers: { authorization: `Bearer ${stack.bearer('owner')}`, 'content-type': 'application/json', 'idempotency-key': key, prefer: 'wait=20' },
      }); // prettier-ignore
    const first = (await (await send()).json()) as { job_id: string };
    await stack.db.collection<{ _id: string }>('jobs').updateOne({ _id: first.job_id }, { $set: { created_at: 'yesterday', steps: 7 } as never }); // prettier-ignore
    const again = await send();
    expect([again.status, await again.json()]).toEqual([202, { job_id: first.job_id, state: 'succeeded' }]);
  });

  it('NFR-07 the replica goes on, and starts again beside all of it, its own registration and sessions included', async () => {
    const { db, backend } = stack;
    const named = { _id: { $not: /^ghost/, $type: 'string' } } as object;
    await db.collection('replicas').updateMany(named, { $set: { boot: 7, beat: 'x' } });
    await eventually('it is registered again', async () => typeof (await db.collection('replicas').findOne(named))?.['boot'] === 'string'); // prettier-ignore
    expect(backend.log()).not.toMatch(/sweep failed|recorded revocations could not be read/);
    await db.collection('sessions').updateMany(named, { $set: { ids: 7 } });
    await backend.kill();
    await backend.start();
    await updated('after the start');
    expect((await ask('/jobs')).status).toBe(200);
    expect(backend.log()).not.toMatch(/sweep failed|recorded revocations could not be read/);
  });
});
