/** What becomes of a document in the inbox that is no record: it is kept, byte by byte, and the chain tells of it. */
import { createHash } from 'node:crypto';
import { Binary, BSON } from 'mongodb';
import { pendingRecord, type PendingRecord } from './audit-record.ts';
import { SET_ASIDE } from './record-shape.ts';

/** A document may have 16 MiB, and what holds it must be no larger. */
const PIECE_BYTES = 8 * 1024 * 1024;

export interface Piece {
  /** `<record that tells of it>/<number, from 0>`. */
  readonly _id: string;
  readonly bytes: Binary;
}

export interface Odd {
  /** `_id` of the document, in its own BSON type. */
  readonly foundId: unknown;
  readonly event: PendingRecord;
  readonly pieces: readonly Piece[];
}

/** What the chain says of it, as the record's `after`. */
export interface Told {
  readonly bytes: number;
  readonly sha256: string;
  readonly pieces: number;
}

export const sha256 = (...parts: readonly Uint8Array[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

export const pieceId = (recordId: string, n: number): string => `${recordId}/${n}`;

/** `id` and `at` are the event's. */
export function setAside(raw: Uint8Array, reason: string, id: string, at: Date, environment: string): Odd {
  const foundId = idOf(raw);
  const pieces: Piece[] = [];
  for (let from = 0; from < raw.byteLength; from += PIECE_BYTES)
    pieces.push({ _id: pieceId(id, pieces.length), bytes: new Binary(raw.subarray(from, from + PIECE_BYTES)) });
  const told: Told = { bytes: raw.byteLength, sha256: sha256(raw), pieces: pieces.length };
  const event = pendingRecord(
    {
      code: SET_ASIDE, action: 'audit.chain', actor: 'system:audit', resource: 'audit:inbox', outcome: 'failed',
      after: { ...told, reason, found_id: shown(foundId) },
    },
    id, at, environment,
  ); // prettier-ignore
  return { foundId, event, pieces };
}

/** The `_id` of whatever stands in a collection; undefined when its bytes cannot be read. */
export function idOf(raw: Uint8Array): unknown {
  try {
    return BSON.deserialize(raw, { promoteValues: false, bsonRegExp: true, validation: { utf8: false } })['_id'];
  } catch {
    return undefined;
  }
}

/** An id for people: text as it is, anything else as extended JSON; never long. */
export const shown = (id: unknown): string =>
  (typeof id === 'string' ? id : (BSON.EJSON.stringify({ id }, { relaxed: false }) ?? '').slice(6, -1)).slice(0, 200);

/** @returns null when it is none that `setAside` made */
export function toldBy(after: unknown): Told | null {
  try {
    const { bytes, sha256, pieces } = JSON.parse(String(after)) as Told;
    return Number.isInteger(pieces) && pieces >= 1 && pieces <= 4 ? { bytes, sha256, pieces } : null;
  } catch {
    return null;
  }
}
