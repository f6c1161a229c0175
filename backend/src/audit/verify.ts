/** Walks the chain in small windows and names the first record that does not hold. */
import canonicalize from 'canonicalize';
import type { Verification } from '@cloudlysis/contract';
import { STORED_KEYS, type PlacedRecord } from './audit-record.ts';
import { EVERY_PLACE, type AuditStore } from './audit.store.ts';
import {
  emptySegment, firstOf, GENESIS, lastOf, linkHash, segmentOf, widened, type Head, type OpenSegment, type Segment,
} from './chain.ts'; // prettier-ignore

type Bad = NonNullable<Verification['first_bad']>;

/** 250 records hash in 5 ms, after which other requests have their turn. */
const WINDOW = 250;

/** Where the walk stands: the last place that held. */
interface Foothold {
  readonly seq: number;
  readonly hash: string;
  readonly open: OpenSegment;
}

/**
 * Recomputes every hash from the first kept record to the head. Records placed while it walks are left to the next
 * walk. @throws the signal's reason when it is aborted; Problem `audit.unavailable`
 */
export async function verifyChain(store: AuditStore, signal: AbortSignal): Promise<Verification> {
  const pending = await store.countPending();
  const head = (await store.head()) ?? { seq: 0, hash: GENESIS, open: emptySegment(GENESIS) };
  const dropped = await droppedPrefix(store, head.seq);
  let at: Foothold = dropped.start;
  let bad = dropped.bad;
  while (!bad && at.seq < head.seq) {
    signal.throwIfAborted();
    const segment = segmentOf(at.seq + 1);
    const last = Math.min(at.seq + WINDOW, lastOf(segment), head.seq);
    // One more than fits: two records on one place are told apart from one.
    const records = await store.records({}, { low: at.seq + 1, high: last }, 1, WINDOW + 1);
    ({ at, bad } = walk(at, records, last));
    if (bad || at.seq < lastOf(segment)) continue;
    const [sealed] = await store.segments({ low: segment, high: segment });
    bad = badSegment(at, segment, sealed);
    at = { ...at, open: emptySegment(at.hash) };
  }
  if (!bad && !(at.hash === head.hash && sameOpen(at.open, head.open))) bad = await badHead(store, head.seq);
  bad ??= await stray(store, dropped.start.seq);
  const checked = at.seq - dropped.start.seq;
  const named = bad ? { first_bad: bad } : {};
  return { ok: !bad, checked, ...named, head: { seq: head.seq, hash: head.hash }, pending };
}

function walk(from: Foothold, records: readonly PlacedRecord[], last: number): { at: Foothold; bad: Bad | undefined } {
  let at = from;
  for (const record of records) {
    const expected = at.seq + 1;
    const reason = record.seq === expected ? fault(at, record) : misplaced(record, expected, at);
    if (reason === 'missing') return { at, bad: missing(expected) };
    if (reason) return { at, bad: { seq: record.seq, record_id: String(record._id), reason } };
    at = { seq: expected, hash: record.hash, open: widened(at.open, record.at) };
  }
  return { at, bad: at.seq < last ? missing(at.seq + 1) : undefined };
}

const missing = (seq: number): Bad => ({ seq, record_id: null, reason: 'the record is missing' });

function misplaced(record: PlacedRecord, expected: number, at: Foothold): string {
  if (record.seq === at.seq) return 'a second record on one place';
  return Number.isInteger(record.seq) && record.seq > expected ? 'missing' : 'its place is not a whole number';
}

/** What is wrong with a record on its expected place; undefined when it holds. */
function fault(at: Foothold, record: PlacedRecord): string | undefined {
  const keys = Object.keys(record);
  const odd = keys.find((key) => !STORED_KEYS.includes(key)) ?? STORED_KEYS.find((key) => !keys.includes(key));
  if (odd !== undefined) return `the field ${JSON.stringify(odd)} is one too many or missing`;
  if (record.segment !== segmentOf(record.seq)) return 'it names another segment';
  if (record.prev !== at.hash) return 'it does not follow from the record before it';
  try {
    if (![record.before, record.after].every(isCanonical)) return 'its before or after image is not canonical';
    if (linkHash(at.hash, record) !== record.hash) return 'its content does not match its hash';
  } catch {
    return 'it cannot be read';
  }
  return undefined;
}

const isCanonical = (json: string | null): boolean => json === null || canonicalize(JSON.parse(json)) === json;

function badSegment(at: Foothold, segment: number, sealed: Segment | undefined): Bad | undefined {
  const bad = (reason: string): Bad => ({ seq: at.seq, record_id: null, reason: `segment ${segment}: ${reason}` });
  if (!sealed) return bad('its head is missing');
  const holds =
    sealed.hash === at.hash &&
    sameOpen(at.open, sealed) &&
    sealed.first_seq === firstOf(segment) &&
    sealed.last_seq === at.seq;
  return holds ? undefined : bad('its recorded head does not match its records');
}

/** The other side may have been tampered with, so it can be anything. */
const sameInstant = (a: Date | null, b: unknown): boolean =>
  (b instanceof Date ? b.getTime() : b) === (a?.getTime() ?? null);
const sameOpen = (a: OpenSegment, b: OpenSegment | undefined): boolean =>
  a.prev === b?.prev && sameInstant(a.min_at, b.min_at) && sameInstant(a.max_at, b.max_at);

async function badHead(store: AuditStore, seq: number): Promise<Bad> {
  const [record] = await store.records({}, { low: seq, high: seq }, 1, 1);
  return { seq, record_id: record?._id ?? null, reason: 'the head of the chain does not match its last record' };
}

/** Skips what retention dropped: those segments' recorded heads must still link up, from genesis to the first kept one. */
async function droppedPrefix(store: AuditStore, headSeq: number): Promise<{ start: Foothold; bad: Bad | undefined }> {
  let hash = GENESIS;
  let seq = 0;
  let bad: Bad | undefined;
  for (let low = 1; lastOf(low) <= headSeq && !bad; low += WINDOW) {
    const segments = await store.segments({ low, high: low + WINDOW - 1 });
    const dropped = segments.filter((segment) => segment.dropped_at !== null);
    for (const segment of dropped) {
      const links =
        segment.first_seq === seq + 1 && segment.prev === hash && segment.last_seq === lastOf(segment.segment);
      if (!links) bad ??= { seq: seq + 1, record_id: null, reason: 'the heads of the dropped segments do not link up' };
      ({ hash, last_seq: seq } = segment);
    }
    if (dropped.length < WINDOW) break;
  }
  return { start: { seq, hash, open: emptySegment(hash) }, bad };
}

/** A record outside the walked places: before the first, beyond the head, or with no number for a place. */
async function stray(store: AuditStore, first: number): Promise<Bad | undefined> {
  const [below] = await store.records({}, { low: EVERY_PLACE.$gte, high: first }, 1, 1);
  if (below) return beyond(below);
  const before = await headSeq(store);
  const count = await store.countRecords();
  // Read after the count: what was placed meanwhile is not astray.
  const after = await headSeq(store);
  const [above] = await store.records({}, { low: after + 1, high: EVERY_PLACE.$lte }, -1, 1);
  if (above && above.seq > (await headSeq(store))) return beyond(above);
  const counted = count === null || (count >= before - first && count <= after - first);
  const unplaced = (await store.misplaced()) ?? (counted ? null : await store.unplaced());
  return unplaced ? { seq: 0, record_id: String(unplaced._id), reason: 'its place is not a number' } : undefined;
}

const headSeq = async (store: AuditStore): Promise<number> => ((await store.head()) as Head | null)?.seq ?? 0;

const beyond = (record: PlacedRecord): Bad => ({
  seq: record.seq,
  record_id: String(record._id),
  reason: 'its place lies outside the chain',
});
