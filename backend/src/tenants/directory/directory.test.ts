import { expect, it } from '@jest/globals';
import { PLACED_KINDS, TenantState, type Placement, type Tenant, type TenantSort } from '@cloudlysis/contract';
import fc from 'fast-check';
import type { Visible } from '../../call/principal.ts';
import { NO_PLACE } from '../../kernel/paging.ts';
import { Directory, type Observations } from './directory.ts';
import { tenantFault } from './stored-tenant.ts';
import type { TenantQuery } from './tenant-query.ts';
import { completeMetadata, newTenant, recordAfter, type TenantRecord } from './tenants.ts';

const T0 = new Date('2026-11-21T09:00:00.000Z');
const plans = ['free', 'pro', 'enterprise'] as const;
const moment = { jobId: 'job_2', reason: 'INC-42', now: T0, coolingDays: 30, flagRevision: 2 };

/** Every 10th is paused, every 50th archived; plan and shard go round. */
function tenant(index: number): TenantRecord {
  const name = `Company ${index}`;
  const metadata = { ...completeMetadata({ name }, 'dev'), plan: plans[index % 3]! };
  const live = { ...newTenant(idOf(index), metadata, 'job_1', T0), phase: 'live' as const };
  if (index % 50 === 0) return recordAfter('tenants.archive', live, moment);
  return index % 10 === 0 ? recordAfter('tenants.pause', live, moment) : live;
}
const idOf = (index: number): string => `t-${String(index).padStart(5, '0')}`;
const placementsOf = (id: string, index: number): Placement[] =>
  PLACED_KINDS.map((kind) => ({ tenant_id: id, kind, shard_id: `${kind[0]}${(index % 2) + 1}`, revision: 1 }));

function filled(count: number): Directory {
  const directory = new Directory('dev', T0);
  for (let index = 0; index < count; index += 1) directory.put(tenant(index));
  for (let index = 0; index < count; index += 1) directory.place(idOf(index), placementsOf(idOf(index), index));
  return directory;
}

function everything(directory: Directory, query: Partial<TenantQuery> = {}, visible: Visible = 'all'): Tenant[] {
  const items: Tenant[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = directory.page({ limit: 200, ...query, ...(cursor ? { cursor } : {}) }, visible);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return items;
}

const seen = (fields: Partial<Observations>): Observations => ({
  now: T0,
  jobs: new Map(),
  reports: new Map(),
  lags: new Map(),
  ...fields,
});

it('NFR-09 10 000 tenants are paged once each, in order', () => {
  const ids = everything(filled(10_000)).map(({ tenant_id }) => tenant_id);
  expect(ids).toEqual(Array.from({ length: 10_000 }, (_, index) => idOf(index)));
});

it('NFR-08 TEN-02 whatever ids foreign tenants have, every order goes through to its end', () => {
  const odd = ['', ' ', 'a b', '1 b', '2020-01-01 x', '\u0000', '😀'];
  const directory = filled(3);
  for (const [n, _id] of odd.entries()) directory.put({ ...tenant(n), _id });
  for (const sort of ['tenant_id', '-tenant_id', 'updated_at', '-updated_at'] as const) {
    const ids = everything(directory, { sort, limit: 1 }).map(({ tenant_id }) => tenant_id);
    expect(ids.toSorted()).toEqual([...odd, idOf(0), idOf(1), idOf(2)].sort());
  }
  const [stored, bound] = [tenant(1), 'x'.repeat(300)];
  expect([tenantFault({ ...stored, _id: bound }), tenantFault({ ...stored, _id: bound.repeat(2) })]).toEqual([null, `_id: ${NO_PLACE}`]);
}); // prettier-ignore

it('TEN-02 tenants added, removed and changed between two pages make neither gap nor repeat', () => {
  const directory = filled(1_000);
  const seenIds: string[] = [];
  let added = 0;
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = directory.page({ limit: 37, ...(cursor ? { cursor } : {}) }, 'all');
    seenIds.push(...page.items.map(({ tenant_id }) => tenant_id));
    cursor = page.next_cursor;
    const last = seenIds.at(-1)!;
    directory.put({ ...tenant(1), _id: `${last}-new`, version: 1 });
    directory.put({ ...tenant(1), _id: `a-${(added += 1)}` });
    directory.remove(last);
  }
  expect(new Set(seenIds).size).toBe(seenIds.length);
  expect(seenIds.toSorted()).toEqual(seenIds);
  for (let index = 0; index < 1_000; index += 1) expect(seenIds).toContain(idOf(index));
});

it('TEN-02 search, state, plan and shard filter alone and together', () => {
  const directory = filled(1_000);
  const count = (query: Partial<TenantQuery>): number => everything(directory, query).length;
  expect(count({ search: 'COMPANY 99' })).toBe(11);
  expect(count({ search: 't-0099' })).toBe(10);
  expect(count({ state: 'archived' })).toBe(20);
  expect(count({ state: 'suspended' })).toBe(80);
  expect(count({ state: 'active' })).toBe(900);
  expect(count({ plan: 'pro' })).toBe(333);
  expect(count({ shard_id: 'p2' })).toBe(500);
  expect(count({ shard_id: 'p9' })).toBe(0);
  const both = everything(directory, { plan: 'pro', shard_id: 'a1', limit: 7 });
  expect(both.map(({ tenant_id }) => tenant_id)).toEqual(
    Array.from({ length: 1_000 }, (_, index) => index)
      .filter((index) => index % 3 === 1 && index % 2 === 0)
      .map(idOf),
  );
});

const FOUND: [string, string][] = [
  ['Straße 9', 'STRASSE'], ['STRASSE', 'straße'], ['Ａｃｍｅ', 'acme'], ['Acme', 'ＡＣ'], ['Ａ', 'a'], ['ﬁnance', 'FIN'],
  ['Café', 'cafe\u0301'], ['Cafe\u0301', 'CAFÉ'], ['Ac\u200bme', 'acme'], ['Acme', 'ac\u200bme'], ['So\u00adft', 'soft'],
  ['ΟΔΟΣΑ', 'οδος'], ['οδος', 'ΟΔΟΣ'], ['A\u00a0B', 'a b'], ['A  B', 'a b'], ['Acme', '  acme '], ['Kelvin', '\u212aelvin'],
  ['Åland', '\u212bLAND'], ['ǅ', 'ǆ'], ['a.*b', 'a.*'], ['constructor', 'CONSTRUCTOR'], ['x (y', '(Y'],
]; // prettier-ignore

it.each(FOUND)('TEN-02 %j is found by %j: case, width, spelling and outer blanks do not count', (name, search) => {
  const directory = new Directory('dev', T0);
  const one = tenant(1);
  directory.put({ ...one, metadata: { ...one.metadata, name } });
  directory.put({ ...tenant(2), metadata: { ...one.metadata, name: 'something else' } });
  expect(everything(directory, { search }).map(({ tenant_id }) => tenant_id)).toEqual([idOf(1)]);
});

it('TEN-02 every part of a name, in any case and either spelling, finds its tenant', () => {
  const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const some = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
  const spelt = fc.constantFrom<(text: string) => string>(
    (text) => text.toUpperCase(),
    (text) => text.toLowerCase(),
    (text) => text.normalize('NFD'),
    (text) => text.normalize('NFKC'),
    (text) => ` ${text}\u200b`,
  );
  const one = tenant(1);
  fc.assert(
    fc.property(some, fc.nat(11), fc.integer({ min: 1, max: 12 }), spelt, (name, from, length, spell) => {
      const parts = [...letters.segment(name)].map(({ segment }) => segment);
      const directory = new Directory('dev', T0);
      directory.put({ ...one, metadata: { ...one.metadata, name } });
      const search = spell(parts.slice(from, from + length).join(''));
      expect(everything(directory, { search })).toHaveLength(1);
    }),
    { numRuns: 1_000 },
  );
});

const shuffled = (count: number, updates: readonly number[]): Directory => {
  const directory = filled(count);
  // Several tenants share an instant, so that the id must decide between them.
  for (const [at, index] of updates.entries()) {
    const updated_at = new Date(T0.getTime() + (at % 7) * 1_000);
    const { record } = directory.get(idOf(index))!;
    directory.put({ ...record, updated_at, version: record.version + 1 });
  }
  return directory;
};
const SORTS = ['tenant_id', '-tenant_id', 'updated_at', '-updated_at'] as const satisfies readonly TenantSort[];

it('UI-14 TEN-02 every order is total: each tenant once, whatever was changed and however long a page is', () => {
  const updates = fc.array(fc.nat(59), { maxLength: 80 });
  fc.assert(
    fc.property(updates, fc.constantFrom(...SORTS), fc.integer({ min: 1, max: 70 }), (changed, sort, limit) => {
      const directory = shuffled(60, changed);
      const items = everything(directory, { sort, limit });
      const key = ({ tenant_id, updated_at }: Tenant): string =>
        sort.endsWith('updated_at') ? `${updated_at} ${tenant_id}` : tenant_id;
      const expected = items.map(key).toSorted();
      expect(items.map(key)).toEqual(sort.startsWith('-') ? expected.toReversed() : expected);
      expect(new Set(items.map(({ tenant_id }) => tenant_id)).size).toBe(60);
    }),
  );
});

it('UI-14 TEN-02 the total counts what matches and may be seen, on whichever page it is asked', () => {
  const directory = filled(1_000);
  const total = (query: Partial<TenantQuery>, visible: Visible = 'all'): number =>
    directory.page({ limit: 3, ...query }, visible).total;
  expect(total({})).toBe(1_000);
  expect(total({ state: 'suspended' })).toBe(80);
  expect(total({ search: 'company 99', sort: '-updated_at' })).toBe(11);
  expect(total({}, new Set([idOf(7), 'elsewhere']))).toBe(1);
  const cursor = directory.page({ limit: 50, state: 'suspended' }, 'all').next_cursor!;
  expect(total({ state: 'suspended', cursor })).toBe(80);
});

it('TEN-02 a cursor of one order is refused by another', () => {
  const directory = filled(10);
  const cursor = directory.page({ limit: 3, sort: '-updated_at' }, 'all').next_cursor!;
  expect(() => directory.page({ limit: 3, cursor }, 'all')).toThrow(
    expect.objectContaining({ code: 'cursor.invalid' }),
  );
  expect(directory.page({ limit: 3, sort: '-updated_at', cursor }, 'all').items).toHaveLength(3);
});

it('TEN-02 a caller sees the tenants of their scopes and no others, whatever they filter by', () => {
  const directory = filled(1_000);
  const mine = new Set([idOf(7), idOf(500), 'elsewhere']);
  expect(everything(directory, { limit: 1 }, mine).map(({ tenant_id }) => tenant_id)).toEqual([idOf(7), idOf(500)]);
  expect(everything(directory, { search: 'company 7' }, mine).map(({ tenant_id }) => tenant_id)).toEqual([idOf(7)]);
  expect(everything(directory, {}, new Set())).toEqual([]);
});

it('TEN-02 a cursor that is not one of ours is refused', () => {
  const directory = filled(3);
  for (const cursor of ['', 'x', 'MTI', Buffer.from('{"a":1}').toString('base64url'), `${'A'.repeat(400)}`]) {
    expect(() => directory.page({ limit: 1, cursor }, 'all')).toThrow(
      expect.objectContaining({ code: 'cursor.invalid' }),
    );
  }
});

it('NFR-07 a record that was restored at a lower version is taken as it is', () => {
  const directory = filled(3);
  directory.put({ ...tenant(1), version: 2, job_id: 'job_9' });
  directory.put({ ...tenant(1), metadata: { ...tenant(1).metadata, name: 'Before' } });
  expect(directory.get(idOf(1))?.record).toMatchObject({ version: 1, job_id: 'job_1' });
  expect(everything(directory, { search: 'before' }).map(({ tenant_id }) => tenant_id)).toEqual([idOf(1)]);
});

it('TEN-04 since stays while a cause lasts, and calm begins when the last cause has gone', () => {
  const directory = filled(2);
  const at = (minute: number): Date => new Date(T0.getTime() + minute * 60_000);
  const statusOf = () => directory.page({ limit: 1, cursor: undefined, search: idOf(1) }, 'all').items[0]!.status;
  const down = {
    problem: { reason: 'unreachable (timeout)', since: at(1) },
    draining: null,
    drainingTenants: new Map(),
    ordered: [],
  };
  for (const minute of [1, 2, 3]) {
    directory.observe(seen({ now: at(minute), reports: new Map([['a2', down]]) }));
    expect(statusOf()).toMatchObject({ state: 'degraded', since: at(1).toISOString() });
  }
  for (const minute of [4, 5]) {
    directory.observe(seen({ now: at(minute) }));
    expect(statusOf()).toMatchObject({ state: 'active', since: at(4).toISOString() });
  }
});

it('TEN-04 every listed tenant has one of the seven states and a sentence', () => {
  for (const { status } of everything(filled(200))) {
    expect(TenantState.options).toContain(status.state);
    expect(status.reason).not.toBe('');
  }
});
