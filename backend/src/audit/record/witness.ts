/** What this process itself has placed or seen placed, kept outside the store: a chain that was cut and continued is known by it. */
import type { Head } from './chain.ts';

export interface Mark {
  readonly seq: number;
  readonly hash: string;
}

type Tip = Pick<Head, 'seq' | 'hash'>;

/** What of the store no failover takes back. */
export interface Sight {
  readonly committedHead: () => Promise<Tip | null>;
  /** Of the record at a place; null where there is none. */
  readonly committedHash: (seq: number) => Promise<string | null>;
}

/** For one life of one replica. Across lives the jobs are the witness, and the heads of segments in the log outside. */
export class Witness {
  #mark: Mark = { seq: 0, hash: '' };
  #moved: string | null = null;

  /** The last place that this process has given, or seen given. */
  get mark(): Mark {
    return this.#mark;
  }

  /** Why the chain cannot be the one that this process wrote to; null when nothing speaks against it. */
  get moved(): string | null {
    return this.#moved;
  }

  /** After a commit: `from` is the head it began at. A chain that was moved is measured by the mark from before. */
  placed(from: Tip, to: Tip): void {
    this.#moved ??= contradiction(this.#mark, from);
    if (this.#moved === null) this.#mark = { seq: to.seq, hash: to.hash };
  }

  /** Another replica may place meanwhile, so the head is judged by what was known before. */
  async look({ committedHead, committedHash }: Sight): Promise<void> {
    const before = this.#mark;
    const head = await committedHead();
    // That there is none, or none that can be read, is said by whoever needs it.
    if (!Number.isSafeInteger(head?.seq) || typeof head?.hash !== 'string') return;
    if (this.#moved === null) this.#moved = contradiction(before, head);
    // Put back as it was, and perhaps continued from there, it is the chain that was seen.
    else if (head.seq >= before.seq && (await committedHash(before.seq)) === before.hash) this.#moved = null;
    if (this.#moved === null && head.seq > this.#mark.seq) this.#mark = { seq: head.seq, hash: head.hash };
  }
}

/** What a head says against a mark that was there before it was read. */
export function contradiction(mark: Mark, head: Tip): string | null {
  if (head.seq < mark.seq) return `the head stood at record ${mark.seq} and was moved back to ${head.seq}`;
  return head.seq === mark.seq && mark.seq > 0 && head.hash !== mark.hash
    ? `record ${mark.seq} had another hash`
    : null;
}
