/** Walks the records by place and recomputes every hash; what does not hold is named, and the walk goes on behind it. */
import type { PlacedRecord } from '../record/audit-record.ts';
import {
  emptySegment,
  GENESIS,
  lastOf,
  linkHash,
  segmentOf,
  widened,
  type Head,
  type OpenSegment,
} from '../record/chain.ts';
import type { Faults } from './faults.ts';
import { isCanonical, placedShape, SET_ASIDE } from '../record/record-shape.ts';
import { idOf, shown } from '../record/set-aside.ts';
import { misfit, numberOf, plain, typed, typeName, type Typed } from '../record/stored-shape.ts';
import type { Mark } from '../record/witness.ts';

/** A segment as its records say it is; null where they do not say. */
export interface WalkedSegment {
  readonly segment: number;
  readonly last: number;
  readonly hash: string | null;
  readonly open: OpenSegment | null;
}

export class RecordWalk {
  readonly #faults: Faults;
  readonly #mark: Mark;
  /** The last place that was seen, and what the next record may follow from: nothing is known of it behind a gap. */
  #seq = 0;
  #hashes: readonly (string | null)[] | null = [GENESIS];
  #open: OpenSegment | null = emptySegment(GENESIS);
  #checked = 0;
  /** Filled as the walk passes them, for the caller to take. */
  readonly segments: WalkedSegment[] = [];
  readonly asides: PlacedRecord[] = [];

  constructor(faults: Faults, mark: Mark) {
    this.#faults = faults;
    this.#mark = mark;
  }

  get checked(): number {
    return this.#checked;
  }

  /** The next document by place. */
  see(raw: Uint8Array): void {
    const doc = readable(raw);
    const key = doc?.['seq'];
    const seq = numberOf(key);
    const id = shown(doc?.['_id'] ?? idOf(raw));
    if (doc === null) return this.#faults.add('record', `after ${this.#seq}`, this.#seq, id, 'it cannot be read');
    if (seq === null || !Number.isInteger(seq))
      return this.#faults.add('record', placeOf(key), seq ?? this.#seq, id, `its place is not a whole number (${typeName(key)})`); // prettier-ignore
    if (seq <= this.#seq) return this.#faults.add('record', String(seq), seq, id, 'a second record on one place');
    this.reach(seq - 1);
    this.#checked += 1;
    const reason = this.#wrong(doc, raw, seq);
    if (reason) this.#faults.add('record', String(seq), seq, id, reason);
    this.#advance(raw, seq, !reason);
  }

  /** Everything up to `seq` should have been seen by now. */
  reach(seq: number): void {
    const first = this.#seq + 1;
    if (seq < first) return;
    this.#faults.add('record', seq === first ? `${seq}` : `${first}–${seq}`, first, null, 'the record is missing');
    this.#seq = seq;
    this.#hashes = null;
    this.#open = null;
  }

  /** At the end: does the head say what the records say? */
  meets(head: Pick<Head, 'seq' | 'hash' | 'open'>, lastId: string | null): void {
    const holds =
      (this.#hashes === null || this.#hashes[0] === head.hash) &&
      (this.#open === null || sameOpen(this.#open, head.open));
    if (!holds) this.#faults.add('head', '', head.seq, lastId, 'the head of the chain does not match its last record');
  }

  #wrong(doc: Typed, raw: Uint8Array, seq: number): string | undefined {
    const odd = misfit(doc, raw, placedShape(doc));
    if (odd) return odd;
    const record = plain<PlacedRecord>(raw);
    if (record.segment !== segmentOf(seq)) return 'it names another segment';
    if (this.#hashes !== null && !this.#hashes.includes(record.prev))
      return 'it does not follow from the record before it';
    try {
      if (![record.before, record.after].every(isCanonical)) return 'its before or after image is not canonical';
      if (linkHash(record.prev, record) !== record.hash) return 'its content does not match its hash';
    } catch {
      return 'it cannot be read';
    }
    if (seq === this.#mark.seq && record.hash !== this.#mark.hash)
      return 'it is not the record that this replica placed here, or saw placed';
    if (record.code === SET_ASIDE) this.asides.push(record);
    return undefined;
  }

  /** Behind a record that does not hold, the next may follow from what it states or from what it should state. */
  #advance(raw: Uint8Array, seq: number, holds: boolean): void {
    const record = plain<PlacedRecord>(raw);
    this.#seq = seq;
    const stated = typeof record.hash === 'string' ? record.hash : null;
    this.#hashes = holds ? [stated] : [stated, recomputed(record)];
    this.#open =
      this.#open !== null && record.at instanceof Date && !Number.isNaN(record.at.getTime())
        ? widened(this.#open, record.at)
        : null;
    if (seq !== lastOf(segmentOf(seq))) return;
    this.segments.push({ segment: segmentOf(seq), last: seq, hash: holds ? stated : null, open: this.#open });
    this.#open = holds && stated !== null ? emptySegment(stated) : null;
  }
}

function recomputed(record: PlacedRecord): string | null {
  try {
    return linkHash(record.prev, record);
  } catch {
    return null;
  }
}

function readable(raw: Uint8Array): Typed | null {
  try {
    return typed(raw);
  } catch {
    return null;
  }
}

const placeOf = (key: unknown): string => {
  const n = numberOf(key);
  return n === null ? `(${typeName(key)})` : String(n);
};

const sameInstant = (a: Date | null, b: Date | null): boolean => a?.getTime() === b?.getTime();
export const sameOpen = (a: OpenSegment, b: OpenSegment): boolean =>
  a.prev === b.prev && sameInstant(a.min_at, b.min_at) && sameInstant(a.max_at, b.max_at);
