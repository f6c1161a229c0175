/** The exact shape of every document the log keeps, and reading a waiting one out of its bytes. */
import canonicalize from 'canonicalize';
import { BSON } from 'mongodb';
import { Outcome } from '@cloudlysis/contract';
import { BOUNDS, type COUNTED_KEYS, type PendingRecord } from './audit-record.ts';
import { MAX_IMAGE_BYTES } from './redact.ts';
import {
  counter,
  HASH,
  misfit,
  numberOf,
  oneOf,
  orNull,
  plain,
  text,
  time,
  typed,
  typeName,
  whole,
  within,
  type Rule,
  type Shape,
  type Typed,
} from './stored-shape.ts';

/** Code of the record that tells of a waiting document which could not be read. */
export const SET_ASIDE = 'audit.set_aside';

/** What a stored record has beside its place. */
const CONTENT = {
  _id: text(),
  v: whole(1),
  code: text(),
  action: text(),
  actor: text(),
  on_behalf_of: orNull(text()),
  resource: text(),
  tenant_id: orNull(text()),
  environment: text(),
  outcome: oneOf(Outcome.options),
  reason: orNull(text()),
  problem: orNull(text()),
  before: orNull(text()),
  after: orNull(text()),
  job_id: orNull(text()),
  request_id: orNull(text()),
  trace_id: orNull(text()),
  ip: orNull(text()),
  agent: orNull(text()),
  at: time,
} satisfies Record<Exclude<keyof PendingRecord, (typeof COUNTED_KEYS)[number]>, unknown>;
const COUNTED = { count: whole(1), first_at: time, last_at: time } satisfies Record<(typeof COUNTED_KEYS)[number], unknown>; // prettier-ignore

const version =
  (wanted: number): Rule =>
  (value) =>
    whole(1)(value) ?? (Number(value) === wanted ? undefined : `is ${String(value)}`);

/** The shape by the form that a document says it is of. */
const ofForm = (shape: Shape): ((doc: Typed) => Shape) => {
  const forms = [
    { ...shape, v: version(1) },
    { ...shape, ...COUNTED, v: version(2) },
  ] as const;
  return (doc) => forms[numberOf(doc['v']) === 2 ? 1 : 0];
};

/** Its texts are covered by its hash; here only that each field is of its type. */
export const placedShape = ofForm({ ...CONTENT, seq: whole(1), segment: whole(1), prev: HASH, hash: HASH });

/** Nothing covers what waits, so it must be what `pendingRecord` could have made, down to lengths and forms. */
export const waitingShape = (environments: readonly string[]): ((doc: Typed) => Shape) =>
  ofForm({
    ...CONTENT,
    _id: text(40, /^aud_[0-9a-f-]{36}$/),
    // Those are placed by the sequencer itself, beside what they tell of.
    code: (value) => (value === SET_ASIDE ? 'is the sequencer’s own' : text(BOUNDS.code)(value)),
    action: text(BOUNDS.action),
    actor: text(BOUNDS.actor),
    on_behalf_of: orNull(text(BOUNDS.actor)),
    resource: text(BOUNDS.resource),
    tenant_id: orNull(text(63, /^[a-z0-9][a-z0-9-]*$/)),
    environment: (value) =>
      environments.includes(value as string)
        ? undefined
        : `is not ${environments.map((id) => JSON.stringify(id)).join(' or ')}: another log's`,
    reason: orNull(text(BOUNDS.reason)),
    problem: orNull(text(BOUNDS.problem)),
    before: orNull(image),
    after: orNull(image),
    job_id: orNull(text(64, /^job_[0-9a-f-]{36}$/)),
    request_id: orNull(text(BOUNDS.requestId)),
    trace_id: orNull(text(BOUNDS.traceId)),
    ip: orNull(text(BOUNDS.ip)),
    agent: orNull(text(BOUNDS.agent)),
  });

function image(value: unknown): string | undefined {
  const wrong = text(MAX_IMAGE_BYTES)(value);
  if (wrong) return wrong;
  try {
    if (isCanonical(value as string)) return undefined;
  } catch {
    // Said below: text that is no JSON, or deeper than can be walked.
  }
  return 'is no canonical JSON';
}

/** No image is null and never the text of it. @throws for what is no JSON */
export const isCanonical = (json: string | null): boolean =>
  json === null || (json !== 'null' && canonicalize(JSON.parse(json)) === json);

const OPEN: Shape = { prev: HASH, min_at: orNull(time), max_at: orNull(time) };
export const HEAD: Shape = {
  _id: oneOf(['head']), seq: whole(0), hash: HASH, open: within(OPEN), holder: orNull(text()), fence: counter, beat: counter,
}; // prettier-ignore
const SEALED: Shape = {
  _id: () => undefined,
  segment: whole(1),
  first_seq: whole(1),
  last_seq: whole(1),
  prev: HASH,
  hash: HASH,
  min_at: time,
  max_at: time,
  dropped_at: orNull(time),
};
/** Versions before 0.2 wrote when a segment was sealed. Nothing covers it and nobody reads it. */
export const segmentShape = (doc: object): Shape => ('sealed_at' in doc ? { ...SEALED, sealed_at: time } : SEALED);

/** A piece of a document that was set aside. */
export const PIECE: Shape = {
  _id: text(64),
  bytes: (value) => (value instanceof BSON.Binary && value.sub_type === 0 ? undefined : `is ${typeName(value)}`),
};

/** The record in a waiting document, or why there is none. */
export function readWaiting(
  raw: Uint8Array,
  shape: (doc: Typed) => Shape,
): { record: PendingRecord } | { reason: string } {
  try {
    const doc = typed(raw);
    const reason = misfit(doc, raw, shape(doc));
    return reason === undefined ? { record: plain<PendingRecord>(raw) } : { reason };
  } catch {
    return { reason: 'its bytes cannot be read' };
  }
}
