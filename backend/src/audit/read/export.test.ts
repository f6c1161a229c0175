import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import { CloudEvent } from 'cloudevents';
import { AuditRecord, auditOperations } from '@cloudlysis/contract';
import { STORED_KEYS } from '../record/audit-record.ts';
import { BSON_VALUES, setField } from '../bson-values.fixture.ts';
import { GENESIS } from '../record/chain.ts';
import { draftOf, everyPage, testLog, type TestLog } from '../audit.fixture.ts';

const NASTY = ['=1+1', '+1', '-1', '@cmd', '\tx', '\rx', 'a,b', 'say "hi"', 'two\r\nlines', 'ünï😀', '’'];
const idOf = (n: number): string => `aud_00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
let log: TestLog;
let newestFirst: AuditRecord[];

beforeAll(async () => {
  log = await testLog();
  await log.fill(
    Array.from({ length: 33 }, (_, n) =>
      draftOf({ tenantId: `t${n % 3}`, reason: NASTY[n % NASTY.length]!, after: { n } }),
    ),
  );
  newestFirst = await everyPage(log, { limit: 200 });
});
afterAll(async () => log[Symbol.asyncDispose]());

async function exported(query: Record<string, unknown>, visible: 'all' | ReadonlySet<string> = 'all') {
  const answer = await log.call('audit.export', { query: { limit: undefined, ...query }, visible });
  return { ...answer, body: await text(answer.stream) };
}

/** RFC 4180, by its letter. */
function parseCsv(file: string): string[][] {
  const rows: string[][] = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r\n)/gy;
  for (let match = cell.exec(file); match; match = cell.exec(file)) {
    rows.at(-1)!.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

describe('AUD-08 an export parses back', () => {
  it('JSON Lines, oldest first, and its chain can be recomputed from the file alone', async () => {
    const { body, type, filename } = await exported({ format: 'jsonl' });
    const lines = body
      .trimEnd()
      .split('\n')
      .map((line) => AuditRecord.parse(JSON.parse(line)));
    expect(lines.slice(0, 33)).toEqual([...newestFirst].reverse().slice(0, 33));
    let hash = GENESIS;
    for (const { hash: stated, ...rest } of lines) {
      hash = createHash('sha256').update(hash + canonicalize({ v: 'count' in rest ? 2 : 1, ...rest })).digest('hex'); // prettier-ignore
      expect(stated).toBe(hash);
    }
    expect([type, filename]).toEqual([
      'application/x-ndjson',
      expect.stringMatching(/^audit-local-\d{4}-\d\d-\d\d\.jsonl$/),
    ]);
  });

  it('CSV per RFC 4180, without a cell that a spreadsheet would run', async () => {
    const { body } = await exported({ format: 'csv', tenant_id: 't1' });
    const [header, ...rows] = parseCsv(body);
    expect(header).toEqual(Object.keys(AuditRecord.shape));
    const expected = newestFirst.filter((record) => record.tenant_id === 't1').reverse();
    expect(rows).toHaveLength(expected.length);
    for (const [n, row] of rows.entries()) {
      const cells = Object.fromEntries(header!.map((name, column) => [name, row[column]!]));
      const { reason, seq, after, before } = expected[n]!;
      expect(cells).toMatchObject({
        seq: String(seq),
        after: JSON.stringify(after),
        before: before === null ? '' : before,
      });
      expect(cells['reason']).toBe(/^[=+\-@\t\r]/.test(reason!) ? `'${reason}` : reason);
      expect(row.filter((value) => /^[=+\-@\t\r]/.test(value))).toEqual([]);
    }
  });

  it('CloudEvents as a JSON batch of valid events', async () => {
    const { body, type } = await exported({ format: 'cloudevents', tenant_id: 't2' });
    const batch = JSON.parse(body) as Record<string, unknown>[];
    const expected = newestFirst.filter((record) => record.tenant_id === 't2').reverse();
    expect(batch.map((event) => event['data'])).toEqual(expected);
    for (const event of batch) expect(new CloudEvent(event).validate()).toBe(true);
    expect(auditOperations['audit.export'].streams).toContain(type);
    expect(JSON.parse((await exported({ format: 'cloudevents', tenant_id: 'nobody' })).body)).toEqual([]);
  });

  it('only what the caller may see', async () => {
    const { body } = await exported({ format: 'jsonl' }, new Set(['t0']));
    const tenants = body
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as AuditRecord).tenant_id);
    expect([tenants.length, new Set(tenants)]).toEqual([11, new Set(['t0'])]);
  });
});

describe('AUD-08 an export is itself recorded', () => {
  it('before its first byte, and with its count at the end', async () => {
    const { stream } = await log.call('audit.export', { query: { limit: undefined, format: 'csv', tenant_id: 't0' } });
    const [begun] = await everyPage(log, { action: 'audit.export' });
    expect(begun).toMatchObject({
      code: 'audit.exported',
      outcome: 'requested',
      after: { format: 'csv', filter: { tenant_id: 't0' }, tenants: 'all' },
    });
    await text(stream);
    const [ended] = await everyPage(log, { action: 'audit.export' });
    expect(ended).toMatchObject({
      code: 'audit.export_finished',
      outcome: 'succeeded',
      after: { records: 11, export_id: begun!.record_id },
    });
  });

  it('as cancelled when the client goes away, with nothing more read', async () => {
    const inbox = log.mongo.db.collection('audit_inbox');
    await log.audit.log.append(draftOf());
    const [pattern] = await inbox.find({}).toArray();
    // In parts, and with ids of the service: a loaded machine does not answer 2 500 at once in time.
    for (let from = 0; from < 2_500; from += 250)
      await inbox.insertMany(Array.from({ length: 250 }, (_, n) => ({ ...pattern, _id: idOf(from + n) as never })));
    await log.placeAll();
    const { stream } = await log.call('audit.export', { query: { limit: undefined, format: 'jsonl' } });
    await stream[Symbol.asyncIterator]().next();
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    const last = async (): Promise<AuditRecord | undefined> => (await everyPage(log, { action: 'audit.export' }))[0];
    const ended = await last();
    expect(ended).toMatchObject({ code: 'audit.export_finished', outcome: 'cancelled' });
    expect((ended!.after as { records: number }).records).toBeLessThanOrEqual(1_500);
  });
});

it('AUD-08 an export of which nobody reads a byte has its end on record, too', async () => {
  const { stream } = await log.call('audit.export', { query: { limit: undefined, format: 'csv' } });
  stream.destroy();
  await new Promise((resolve) => stream.once('close', resolve));
  const [ended, begun] = await everyPage(log, { action: 'audit.export' });
  expect(ended).toMatchObject({ code: 'audit.export_finished', outcome: 'cancelled', after: { records: 0 } });
  expect((ended!.after as { export_id: string }).export_id).toBe(begun!.record_id);
});

describe('AUD-05 AUD-08 records that cannot be read', () => {
  const values = [
    'the same as text',
    'null',
    'an object',
    'an array of itself',
    'a date',
    'a pattern that JavaScript does not know',
    'nothing',
  ];
  const fields = STORED_KEYS.filter((field) => !['_id', 'seq'].includes(field));
  const total = 2 * fields.length * values.length;
  let poor: TestLog;
  let touched: Set<string>;
  beforeAll(async () => {
    poor = await testLog();
    await poor.audit.log.append(draftOf());
    const inbox = poor.mongo.db.collection('audit_inbox');
    const [pattern] = await inbox.find({}).toArray();
    await inbox.insertMany(Array.from({ length: total - 1 }, (_, n) => ({ ...pattern, _id: idOf(n) as never }))); // prettier-ignore
    await poor.placeAll();
    const records = poor.mongo.db.collection('audit_records');
    const all = await records.find({}).sort({ seq: 1 }).toArray();
    touched = new Set();
    for (const [n, field] of fields.entries())
      for (const [k, name] of values.entries()) {
        const doc = all[2 * (n * values.length + k)]!;
        await setField(records, doc, field, BSON_VALUES[name]!(doc[field]));
        touched.add(String(doc._id));
      }
  }, 120_000);
  afterAll(async () => poor[Symbol.asyncDispose]());

  const idsIn = {
    jsonl: (body: string) => body.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown),
    cloudevents: (body: string) => (JSON.parse(body) as { data: unknown }[]).map(({ data }) => data),
    csv: (body: string) => parseCsv(body).slice(1).map(([record_id]) => ({ record_id })),
  } as const; // prettier-ignore

  it.each(['jsonl', 'cloudevents', 'csv'] as const)(
    'are left out of %s, every other is there, and the end record says what it lacks',
    async (format) => {
      const whole = await poor.call('audit.export', { query: { limit: undefined, format } });
      const found = idsIn[format](await text(whole.stream)) as AuditRecord[];
      if (format !== 'csv') for (const record of found) expect(AuditRecord.parse(record)).toEqual(record);
      await poor.placeAll();
      const records = poor.mongo.db.collection('audit_records');
      const end = (await records.find({ code: 'audit.export_finished' }).sort({ seq: -1 }).limit(1).toArray())[0]!;
      const after = JSON.parse(end['after'] as string) as {
        records: number;
        lacking: number;
        unreadable: { id: string; reason: string }[];
      };
      expect(end).toMatchObject({ outcome: 'failed' });
      expect(after.records).toBe(found.length);
      expect(after.lacking).toBeGreaterThan(touched.size / 2);
      expect(after.lacking).toBeLessThanOrEqual(touched.size);
      expect(after.unreadable).toHaveLength(50);
      for (const { id, reason } of after.unreadable)
        expect([touched.has(id), reason]).toEqual([true, expect.any(String)]);
      const ids = new Set(found.map(({ record_id }) => record_id));
      for (let n = 0; n < total - 1; n++) if (!touched.has(idOf(n))) expect(ids).toContain(idOf(n));
    },
    60_000,
  );
});
