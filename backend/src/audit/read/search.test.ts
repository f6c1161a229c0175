import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuditRecord } from '@cloudlysis/contract';
import { systemAmbient } from '../../kernel/ambient.ts';
import { draftOf, everyPage, operator, testLog, type TestLog } from '../audit.fixture.ts';

const JOB = 'job_00000000-0000-7000-8000-000000000001';
const START = Date.parse('2026-03-01T00:00:00.000Z');
let log: TestLog;
let wall = START;
let all: AuditRecord[];

const provenance = (n: number) => ({ requestId: `req_${n % 7}`, traceId: null, ip: '127.0.0.1', agent: null });

beforeAll(async () => {
  log = await testLog({ ...systemAmbient(), now: () => new Date(wall) });
  for (let n = 0; n < 120; n++) {
    // One clock in ten is an hour ahead: search by time must not care.
    wall = START + n * 60_000 + (n % 10 === 0 ? 3_600_000 : 0);
    await log.audit.log.append(
      draftOf({
        actor: `user:u${n % 5}@acme.test`,
        action: n % 2 ? 'scale.migrate' : 'tenants.pause',
        resource: `shard:${n % 3}`,
        tenantId: n % 4 === 3 ? null : `t${n % 4}`,
        outcome: n % 20 === 0 ? 'refused' : 'succeeded',
        jobId: n % 6 ? null : JOB,
        provenance: provenance(n),
      }),
    );
  }
  await log.placeAll();
  all = await everyPage(log, { limit: 200, to: '2026-03-02T00:00:00.000Z' });
});
afterAll(async () => log[Symbol.asyncDispose]());

describe('AUD-07 search', () => {
  it('shows everything newest first', () => {
    expect(all.map((record) => record.seq)).toEqual(Array.from({ length: 120 }, (_, n) => 120 - n));
  });

  it('UI-14 shows everything oldest first, page by page, also within a window of time', async () => {
    const oldest = await everyPage(log, { limit: 7, sort: 'seq', to: '2026-03-02T00:00:00.000Z' });
    // What follows are the records of the reads themselves.
    expect(oldest.slice(0, 120).map((record) => record.seq)).toEqual(Array.from({ length: 120 }, (_, n) => n + 1));
    const from = new Date(START + 40 * 60_000).toISOString();
    const to = new Date(START + 90 * 60_000).toISOString();
    const within = (await everyPage(log, { limit: 3, sort: 'seq', from, to, tenant_id: 't1' })).map(({ seq }) => seq);
    expect(within).toEqual(
      (await everyPage(log, { limit: 200, from, to, tenant_id: 't1' })).map(({ seq }) => seq).reverse(),
    );
  });

  const exact: [keyof AuditRecord, string][] = [
    ['actor', 'user:u3@acme.test'],
    ['action', 'tenants.pause'],
    ['resource', 'shard:2'],
    ['tenant_id', 't1'],
    ['outcome', 'refused'],
    ['job_id', JOB],
    ['request_id', 'req_4'],
  ];
  it.each(exact)('AUD-09 by %s', async (field, value) => {
    const expected = all.filter((record) => record[field] === value).map((record) => record.seq);
    expect(expected.length).toBeGreaterThan(0);
    expect((await everyPage(log, { [field]: value, limit: 7 })).map((record) => record.seq)).toEqual(expected);
  });

  it('by several fields and a window of time at once, whatever the clocks did', async () => {
    const from = new Date(START + 40 * 60_000).toISOString();
    const to = new Date(START + 90 * 60_000).toISOString();
    const within = all.filter((record) => record.at >= from && record.at < to);
    expect(within.length).toBeGreaterThan(40);
    expect(await everyPage(log, { from, to, limit: 9 })).toEqual(within);
    const narrow = within.filter((record) => record.tenant_id === 't2' && record.action === 'tenants.pause');
    expect(await everyPage(log, { from, to, tenant_id: 't2', action: 'tenants.pause', limit: 3 })).toEqual(narrow);
  });

  it('pages on without repeats or gaps while records arrive', async () => {
    const seen: number[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await log.call('audit.records.list', { query: { limit: 11, ...(cursor ? { cursor } : {}) } });
      seen.push(...page.items.map((record) => record.seq));
      cursor = page.next_cursor;
      await log.audit.log.append(draftOf());
    }
    expect(seen).toEqual(Array.from({ length: seen[0]! }, (_, n) => seen[0]! - n));
  });

  it('shows only the tenants of the caller', async () => {
    const visible = new Set(['t1', 't2', 'nobody']);
    const expected = all.filter((record) => record.tenant_id !== null && visible.has(record.tenant_id));
    expect(await everyPage(log, { limit: 8 }, visible)).toEqual(expected);
    const many = new Set([...visible, ...Array.from({ length: 40 }, (_, n) => `other-${n}`)]);
    expect(await everyPage(log, { limit: 8 }, many)).toEqual(expected);
    expect(await everyPage(log, { tenant_id: 't0' }, visible)).toEqual([]);
    expect((await everyPage(log, { tenant_id: 't1' }, visible)).length).toBe(30);
    expect(await everyPage(log, {}, new Set())).toEqual([]);
    const hidden = [all.find((record) => record.tenant_id === 't0'), all.find((record) => record.tenant_id === null)];
    for (const record of hidden) {
      const get = log.call('audit.records.get', { params: { record_id: record!.record_id }, visible });
      await expect(get).rejects.toMatchObject({ code: 'record.unknown' });
    }
    expect(await log.call('audit.records.get', { params: { record_id: expected[0]!.record_id }, visible })).toEqual(
      expected[0],
    );
  });

  it.each(['', 'x', 'MQ==', Buffer.from('-1').toString('base64url'), Buffer.from('1e300').toString('base64url')])(
    'refuses the cursor %p',
    async (cursor) => {
      await expect(log.call('audit.records.list', { query: { cursor } })).rejects.toMatchObject({
        code: 'cursor.invalid',
      });
    },
  );
});

describe('AUD-01 reads', () => {
  it('see what was written just before, on any replica, also while the holder is dead', async () => {
    const other = log.replica('replica-b');
    for (let n = 0; n < 5; n++) {
      const id = await other.log.append(draftOf({ resource: `fresh:${n}` }));
      const page = await log.call('audit.records.list', { query: { resource: `fresh:${n}` } });
      expect(page.items.map((record) => record.record_id)).toEqual([id]);
      const next = await other.log.append(draftOf());
      expect(await log.call('audit.records.get', { params: { record_id: next } })).toMatchObject({ record_id: next });
    }
  });

  it('leave one record a minute for one reader and one question', async () => {
    const reader = { ...operator, id: 'user:reader@acme.test' };
    const poll = async (query: Record<string, unknown>): Promise<unknown> =>
      log.call('audit.records.list', { query, principal: reader });
    for (let n = 0; n < 5; n++) await poll({ tenant_id: 't1', limit: n + 1 });
    await poll({ tenant_id: 't2' });
    await log.call('audit.verify', { principal: reader });
    await log.call('audit.verify', { principal: reader });
    const trail = await everyPage(log, { actor: reader.id });
    expect(trail.map((record) => [record.code, record.action, record.after])).toEqual([
      ['audit.verified', 'audit.verify', expect.objectContaining({ ok: true })],
      ['audit.read', 'audit.records.list', { tenant_id: 't2' }],
      ['audit.read', 'audit.records.list', { tenant_id: 't1' }],
    ]);
  });
});
