/** What verification found: the first of every kind of place, and how many in all, however many an attacker makes. */
import type { Verification } from '@cloudlysis/contract';

export type Fault = NonNullable<Verification['faults']>[number];

/** Of each collection; six of them stay below the 100 of the contract. */
const NAMED = 15;

export class Faults {
  readonly #named = new Map<string, Fault[]>();
  readonly #places = new Set<string>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  get list(): readonly Fault[] {
    return [...this.#named.values()].flat();
  }

  /** `where` is the collection in a word, `place` the place in it, `seq` the place in the chain that is nearest. */
  add(where: string, place: string, seq: number | null, recordId: string | null, reason: string): void {
    const named = this.#named.get(where) ?? [];
    const key = `${where}\n${place}\n${recordId}\n${reason}`;
    if (this.#places.has(key)) return;
    this.#total += 1;
    if (named.length >= NAMED) return;
    this.#places.add(key);
    this.#named.set(where, named);
    const finite = seq !== null && Number.isFinite(seq) ? seq : 0;
    named.push({ place: `${where} ${place}`.trim(), seq: finite, record_id: recordId, reason });
  }
}
