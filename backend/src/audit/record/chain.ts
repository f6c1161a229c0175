/**
 * The hash chain, pure: how records get their places and what each place must look like.
 *
 *   hash(n) = hex SHA-256( hash(n-1) as 64 hex characters || RFC 8785 JSON of {"v":1, …the wire record without hash} )
 *   hash(0) = 64 zeros (genesis)
 *
 * A record with a `count` is of form 2 and says {"v":2, …}: form 1 has no such field, and older records stay as they are.
 *
 * Only fields of the contract are covered, so whoever holds a whole JSON Lines export can recompute the chain without
 * us. Whoever can rewrite the entire store can also recompute it: therefore the head of each sealed segment is logged
 * when it is written, and the log (Loki) is the witness outside the store.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { hashedPart, type PendingRecord, type PlacedRecord } from './audit-record.ts';

export const GENESIS = '0'.repeat(64);

/**
 * Records per segment. Retention will drop whole sealed segments; search uses their time bounds to find a time window
 * without trusting that clocks run in step, and then reads at most this many records in vain (40 ms on the embedded store).
 */
export const SEGMENT_RECORDS = 1_000;

/** Head of the chain: the one document every placing compares and swaps. `holder`, `fence` and `beat` are the lease. */
export interface Head {
  readonly _id: 'head';
  readonly seq: number;
  readonly hash: string;
  readonly open: OpenSegment;
  readonly holder: string | null;
  readonly fence: number;
  readonly beat: number;
}

export interface OpenSegment {
  /** Hash before its first record. */
  readonly prev: string;
  readonly min_at: Date | null;
  readonly max_at: Date | null;
}

export interface Segment {
  readonly segment: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly prev: string;
  readonly hash: string;
  readonly min_at: Date;
  readonly max_at: Date;
  /** For retention, which does not exist yet: until it does, a segment that says it was dropped is a forgery. */
  readonly dropped_at: Date | null;
}

export const emptySegment = (prev: string): OpenSegment => ({ prev, min_at: null, max_at: null });
export const segmentOf = (seq: number): number => Math.floor((seq - 1) / SEGMENT_RECORDS) + 1;
export const firstOf = (segment: number): number => (segment - 1) * SEGMENT_RECORDS + 1;
export const lastOf = (segment: number): number => segment * SEGMENT_RECORDS;

export function canonicalForm(record: PendingRecord & { readonly seq: number }): string {
  return canonicalize({ v: record.v, ...hashedPart(record) }) as string;
}

export const linkHash = (prev: string, record: PendingRecord & { readonly seq: number }): string =>
  createHash('sha256').update(prev).update(canonicalForm(record)).digest('hex');

type Tip = Pick<Head, 'seq' | 'hash' | 'open'>;

export interface Placing {
  readonly records: readonly PlacedRecord[];
  readonly sealed: readonly Segment[];
  readonly tip: Tip;
}

/** Gives each pending record the next place, sealing every segment that becomes full. */
export function place(tip: Tip, pending: readonly PendingRecord[]): Placing {
  const records: PlacedRecord[] = [];
  const sealed: Segment[] = [];
  let { seq, hash, open } = tip;
  for (const record of pending) {
    const prev = hash;
    seq += 1;
    hash = linkHash(prev, { ...record, seq });
    records.push({ ...record, seq, segment: segmentOf(seq), prev, hash });
    open = widened(open, record.at);
    if (seq < lastOf(segmentOf(seq))) continue;
    sealed.push(sealedSegment(open, seq, hash));
    open = emptySegment(hash);
  }
  return { records, sealed, tip: { seq, hash, open } };
}

export const widened = (open: OpenSegment, at: Date): OpenSegment => ({
  prev: open.prev,
  min_at: open.min_at === null || at < open.min_at ? at : open.min_at,
  max_at: open.max_at === null || at > open.max_at ? at : open.max_at,
});

function sealedSegment(open: OpenSegment, seq: number, hash: string): Segment {
  const segment = segmentOf(seq);
  const { prev, min_at, max_at } = open;
  if (min_at === null || max_at === null) throw new Error(`segment ${segment} is sealed without a record`);
  return {
    segment,
    first_seq: firstOf(segment),
    last_seq: seq,
    prev,
    hash,
    min_at,
    max_at,
    dropped_at: null,
  };
}
