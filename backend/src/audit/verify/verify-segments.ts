/** Holds the recorded head of every sealed segment against what its records say. */
import { firstOf, lastOf, type Segment } from '../record/chain.ts';
import type { Faults } from './faults.ts';
import type { Batches } from '../store/raw-reads.ts';
import { segmentShape } from '../record/record-shape.ts';
import { sameOpen, type WalkedSegment } from './verify-records.ts';
import { misfit, numberOf, plain, safely, typed, typeName } from '../record/stored-shape.ts';

export class SegmentWalk {
  readonly #faults: Faults;
  readonly #documents: AsyncIterator<Uint8Array>;
  #next: Uint8Array | null | undefined;
  /** The last number that was accounted for. */
  #done = 0;

  /** `batches` ascend by number. */
  constructor(faults: Faults, batches: Batches) {
    this.#faults = faults;
    this.#documents = eachOf(batches)[Symbol.asyncIterator]();
  }

  /** The next segment that was walked to its end; those before it that were not are named as they stand in the store. */
  async expect(walked: WalkedSegment): Promise<void> {
    await this.#pass(walked.segment - 1, null);
    await this.#pass(walked.segment, walked);
  }

  /** All up to `last` should have been there. */
  async reach(last: number): Promise<void> {
    await this.#pass(last, null);
  }

  async #pass(upTo: number, walked: WalkedSegment | null): Promise<void> {
    for (let raw = await this.#peek(); raw !== null; raw = await this.#peek()) {
      const number = numberIn(raw);
      if (number !== null && number > upTo) break;
      this.#next = undefined;
      this.#judge(raw, number, walked);
    }
    this.#missing(upTo);
  }

  #judge(raw: Uint8Array, number: number | null, walked: WalkedSegment | null): void {
    if (number === null || !Number.isInteger(number)) return this.#bad(number, 'its number is not a whole one');
    if (number <= this.#done) return this.#bad(number, 'it is there twice');
    this.#missing(number - 1);
    this.#done = number;
    const odd = misfit(typed(raw), raw, segmentShape(typed(raw)));
    if (odd) return this.#bad(number, odd);
    const sealed = plain<Segment>(raw);
    // Until retention exists nothing may be dropped, whatever a segment says of itself.
    if (sealed.dropped_at !== null)
      return this.#bad(number, 'it says that its records were dropped, and no record in the chain says so');
    const placed = sealed.first_seq === firstOf(number) && sealed.last_seq === lastOf(number);
    const matches =
      walked === null ||
      ((walked.hash === null || sealed.hash === walked.hash) &&
        (walked.open === null || sameOpen(walked.open, sealed)));
    if (!placed || !matches) this.#bad(number, 'its recorded head does not match its records');
  }

  #missing(upTo: number): void {
    const first = this.#done + 1;
    if (upTo < first) return;
    const which = upTo === first ? `segment ${first}: its head is missing` : `segments ${first}–${upTo}: their heads are missing`; // prettier-ignore
    this.#faults.add('segment', upTo === first ? `${first}` : `${first}–${upTo}`, lastOf(first), null, which);
    this.#done = upTo;
  }

  #bad(number: number | null, reason: string): void {
    const name = number === null ? '?' : String(number);
    this.#faults.add('segment', name, number === null ? null : lastOf(number), null, `segment ${name}: ${reason}`);
  }

  async #peek(): Promise<Uint8Array | null> {
    if (this.#next === undefined) {
      const { done, value } = await this.#documents.next();
      this.#next = done ? null : value;
    }
    return this.#next;
  }
}

async function* eachOf(batches: Batches): AsyncGenerator<Uint8Array> {
  for await (const batch of batches) yield* batch;
}

const numberIn = (raw: Uint8Array): number | null => numberOf(safely(raw)['segment']);

/** A segment outside the numbers that were walked. */
export function astray(faults: Faults, raw: Uint8Array): void {
  const key = safely(raw)['segment'];
  const number = numberOf(key);
  const name = number === null ? `(${typeName(key)})` : String(number);
  const seq = number === null ? null : Math.min(Number.MAX_SAFE_INTEGER, lastOf(number));
  faults.add(
    'segment',
    name,
    seq,
    null,
    `segment ${name}: ${number === null ? 'its number is not a number' : 'it lies outside the chain'}`,
  );
}
