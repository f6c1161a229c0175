import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { wireRecord, pendingRecord, type PendingRecord } from './audit-record.ts';
import type { AuditDraft } from './audit-log.ts';
import { canonicalForm, emptySegment, GENESIS, place, SEGMENT_RECORDS, segmentOf } from './chain.ts';

const START = { seq: 0, hash: GENESIS, open: emptySegment(GENESIS) };

const anyText = fc.string({ unit: 'binary', maxLength: 80 });
const anyDate = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true });
const anyDraft = fc.record({
  code: anyText,
  action: anyText,
  actor: anyText,
  resource: anyText,
  tenantId: fc.option(anyText),
  outcome: fc.constantFrom('requested', 'succeeded', 'failed', 'refused', 'cancelled', 'compensated'),
  reason: fc.option(anyText),
  before: fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true, withSparseArray: true }),
  after: fc.jsonValue(),
  repeated: fc.option(fc.record({ count: fc.integer({ min: 1 }), first: anyDate, last: anyDate }), { nil: undefined }),
});
const anyPending: fc.Arbitrary<PendingRecord> = fc
  .tuple(anyDraft, fc.uuid({ version: 7 }), anyDate)
  .map(([draft, id, at]) => pendingRecord(draft as AuditDraft, `aud_${id}`, at, 'local'));

/** RFC 8785 by its letter, written a second time: sorted keys by UTF-16 code units, ECMAScript numbers and strings. */
function secondOpinion(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(secondOpinion).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${secondOpinion(inner)}`).join(',')}}`;
}

it('AUD-01 any draft has a canonical form, and an export is enough to recompute the chain', () => {
  fc.assert(
    fc.property(fc.array(anyPending, { minLength: 1, maxLength: 12 }), (pending) => {
      const { records, tip } = place(START, pending);
      let hash = GENESIS;
      for (const [index, record] of records.entries()) {
        const { hash: stated, ...line } = JSON.parse(JSON.stringify(wireRecord(record))) as Record<string, unknown>;
        expect(canonicalForm(record)).toBe(secondOpinion({ v: 'count' in line ? 2 : 1, ...line }));
        hash = createHash('sha256')
          .update(hash + secondOpinion({ v: 'count' in line ? 2 : 1, ...line }))
          .digest('hex');
        expect([stated, record.seq]).toEqual([hash, index + 1]);
      }
      expect(tip).toMatchObject({ seq: pending.length, hash });
    }),
    { numRuns: 300 },
  );
});

it('one place is one hash: a record, a place or a predecessor that differs gives another', () => {
  fc.assert(
    fc.property(anyPending, anyText, (record, reason) => {
      fc.pre(record.reason !== reason);
      const one = place(START, [record]).tip.hash;
      expect(place(START, [{ ...record, reason: reason.toWellFormed() }]).tip.hash).not.toBe(one);
      expect(place({ ...START, seq: 1 }, [record]).tip.hash).not.toBe(one);
      expect(place({ ...START, hash: one }, [record]).tip.hash).not.toBe(one);
    }),
  );
});

it('placing in any batches gives the same chain and the same segments', () => {
  const record = (n: number): PendingRecord =>
    pendingRecord(
      { code: 'c', action: 'a', actor: 'system:test', resource: 'r', outcome: 'succeeded' },
      `aud_${n}`,
      new Date(n),
      'local',
    );
  const pending = Array.from({ length: 2 * SEGMENT_RECORDS + 5 }, (_, n) => record(n));
  const once = place(START, pending);
  let tip: Parameters<typeof place>[0] = START;
  const sealed = [];
  for (let from = 0; from < pending.length; from += 130) {
    const placing = place(tip, pending.slice(from, from + 130));
    tip = placing.tip;
    sealed.push(...placing.sealed);
  }
  expect({ tip, sealed }).toEqual({ tip: once.tip, sealed: once.sealed });
  expect(sealed.map((segment) => [segment.segment, segment.first_seq, segment.last_seq])).toEqual([[1, 1, 1_000], [2, 1_001, 2_000]]); // prettier-ignore
  expect(sealed[1]).toMatchObject({ prev: sealed[0]!.hash, min_at: new Date(1_000), max_at: new Date(1_999) });
  expect([1, 1_000, 1_001].map(segmentOf)).toEqual([1, 1, 2]);
});
