// A live local copy of some keys of a KV bucket that does not trust its watch: every second it is compared with the bucket.
import { ambient } from './ambient.ts';
import { isMissing } from './bus.ts';
import {
  emptied,
  lostUnmarked,
  sameBucket,
  sameMark,
  type BucketEntry,
  type BucketMark,
  type BucketStream,
  type Reading,
} from './bucket-stream.ts';

/** How long a copy may be wrong without anybody knowing. */
const CHECK_MS = 1000;
/** Delivered and not yet handled: what is under way is waited for this long before the watch is held for deaf. */
const UNDER_WAY_MS = 200;
/** In a bucket that keeps changing, what was taken away unmarked is found at the latest by then. */
const FULL_READ_EVERY_MS = 60_000;

export interface Mirrored {
  keys(): Iterable<string>;
  /** `undefined`: the key is gone. `anew`: this bucket says it for the first time, whatever one before it said. */
  apply(key: string, value: unknown, anew: boolean): unknown;
  /** The key is gone and nobody meant it: a purge, its age, a bucket that was lost. As `apply` of undefined unless told. */
  missing?(key: string): void;
}

export interface FollowerState {
  bucket: string;
  /** Since when this copy cannot be vouched for; null while it is known to be like the bucket. */
  behind_since: string | null;
  checked_at: string | null;
  detail: string | null;
}

export const HEAL_CAUSES = ['unread', 'bucket', 'consumer', 'deaf', 'unmarked', 'period'] as const;
export type HealCause = (typeof HEAL_CAUSES)[number];

export class KvMirror {
  private readonly source: BucketStream;
  private readonly into: Mirrored;
  private readonly healed: (cause: HealCause) => void;
  private readonly stopping = new AbortController();
  private reading: Reading | undefined;
  /** Sequence of the last entry of each key in this bucket, marks included; a bucket made anew begins with none. */
  private seqs = new Map<string, number>();
  /** Keys of a bucket before this one that this one says nothing about. */
  private kept = new Set<string>();
  private mark: BucketMark | undefined;
  /** The highest sequence that this bucket told; the mark is a second old. */
  private heard = 0;
  private full: { mark: BucketMark; at: number } | undefined;
  private turn: Promise<void> = Promise.resolve();
  private readonly waiting: { reload?: Promise<void>; heal?: Promise<void> } = {};
  private loop: Promise<void> | undefined;
  private behindSince: string | null = ambient.iso();
  private checkedAt: string | null = null;
  private detail: string | null = 'not read yet';

  constructor(source: BucketStream, into: Mirrored, healed: (cause: HealCause) => void = () => undefined) {
    this.source = source;
    this.into = into;
    this.healed = healed;
  }

  state(): FollowerState {
    const { behindSince, checkedAt, detail } = this;
    const { bucket } = this.source;
    // A comparison that does not come to an end vouches for nothing.
    const overdue = behindSince === null && this.inDoubt;
    return overdue
      ? { bucket, behind_since: checkedAt, checked_at: checkedAt, detail: 'it was not compared since' }
      : { bucket, behind_since: behindSince, checked_at: checkedAt, detail };
  }

  /** Not known to be like the bucket: what it does not have may be there all the same. */
  get inDoubt(): boolean {
    return this.behindSince !== null || ambient.now() - Date.parse(this.checkedAt ?? '') > 3 * CHECK_MS;
  }

  /** The bucket as far as it is known now, to tell it from another one. */
  private get known(): BucketMark | undefined {
    return this.mark && { ...this.mark, last: Math.max(this.mark.last, this.heard) };
  }

  /** Takes the bucket as it is: also what a bucket made anew does not have is gone then. */
  reload(): Promise<void> {
    return this.next('reload');
  }

  /** Reads the bucket again; of a bucket made anew it learns, and keeps what that one does not know. */
  heal(): Promise<void> {
    return this.next('heal');
  }

  /** Asks the bucket for one key now; for a node that was told it is behind. */
  async refresh(key: string): Promise<void> {
    const [known, then, bucket] = [this.seqs.get(key), this.mark, this.known];
    const [mark, entry] = await Promise.all([this.source.mark(), this.source.get(key)]);
    if (!mark) return;
    if (!sameBucket(bucket, mark) || emptied(then, mark)) return this.heal();
    // What was heard last is no longer there, and something older is the last again.
    if (entry && known !== undefined && entry.seq < known && known <= mark.last) return this.heal();
    if (entry) this.take(entry);
    // Seen in this bucket and no longer in it, unless the watch told more meanwhile.
    else if (known !== undefined && this.seqs.get(key) === known) this.vanished(key);
  }

  stop(): void {
    this.stopping.abort();
    this.reading?.stop();
    this.reading = undefined;
  }

  /** One after the other; who comes while one waits to begin shares it, since that one sees all that is there now. */
  private next(what: 'reload' | 'heal'): Promise<void> {
    const { waiting } = this;
    const shared = waiting[what];
    if (shared) return shared;
    const begun = this.turn.then(() => {
      delete waiting[what];
      return this.follow(what === 'reload');
    });
    waiting[what] = begun;
    this.turn = begun.catch(() => undefined);
    return begun;
  }

  private async follow(absentIsGone: boolean): Promise<void> {
    if (this.stopping.signal.aborted) return;
    let reading: Reading | undefined = undefined;
    const early: BucketEntry[] = [];
    // Captured before anything is read: a reading that waited for its turn must not pass for an older bucket.
    const { mark: then, known } = this;
    const began = ambient.ticks();
    const got = await this.source
      .read((entry) => {
        if (!reading) early.push(entry);
        else if (this.reading === reading) this.take(entry);
      })
      .catch((err: unknown) => {
        if (absentIsGone || !isMissing(err)) throw err;
      });
    // Kept as it is, and said.
    if (!got) return this.doubt(GONE);
    const before = this.reading;
    this.reading = reading = got;
    before?.stop();
    const same = sameBucket(known, got.mark);
    this.adopt(got, same, !absentIsGone && (!same || emptied(then, got.mark)), absentIsGone);
    for (const entry of early) this.take(entry);
    this.full = { mark: got.mark, at: began };
    this.vouch();
    this.loop ??= this.keepChecking();
    if (this.stopping.signal.aborted) this.stop();
  }

  /** The whole at one moment, ordered against everything else by bucket first and sequence second. */
  private adopt({ mark, entries }: Reading, same: boolean, isLoss: boolean, absentIsGone: boolean): void {
    if (!same) [this.seqs, this.heard] = [new Map(), 0];
    const before = this.kept;
    this.kept = new Set();
    const there = new Set(entries.map(({ key }) => key));
    for (const key of [...this.into.keys()]) {
      if (there.has(key)) continue;
      // Kept over every further reading, too: that the bucket is read once more decides nothing about what was lost.
      if (isLoss || (!absentIsGone && before.has(key))) {
        this.kept.add(key);
        this.seqs.delete(key);
        continue;
      }
      // Written since the reading began: a look-up knew it before this did.
      if ((this.seqs.get(key) ?? 0) > mark.last) continue;
      this.seqs.delete(key);
      this.vanished(key);
    }
    for (const entry of entries) this.take(entry, mark);
    this.mark = mark;
  }

  /** `whole`: it is the last of its key in a reading that began there, so what was known before and is not in it was taken out. */
  private take({ key, seq, meaning }: BucketEntry, whole?: BucketMark): void {
    const known = this.seqs.get(key);
    if (known !== undefined && (whole ? seq < known && known > whole.last : seq <= known)) return;
    this.seqs.set(key, seq);
    this.heard = Math.max(this.heard, seq);
    this.kept.delete(key);
    if (meaning.gone && meaning.aged) this.vanished(key);
    else this.into.apply(key, meaning.gone ? undefined : meaning.value, known === undefined || seq < known);
  }

  private vanished(key: string): void {
    if (this.into.missing) this.into.missing(key);
    else this.into.apply(key, undefined, false);
  }

  private async keepChecking(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await ambient.sleep(CHECK_MS, signal);
      if (!signal.aborted) await this.check().catch((err: unknown) => this.doubt((err as Error).message));
    }
  }

  private async check(): Promise<void> {
    const { reading, mark: then, known } = this;
    const now = await this.source.mark();
    // Kept as it is: a bucket that was lost says nothing about what was in it.
    if (!now) return this.doubt(GONE);
    const cause = !known || sameBucket(known, now) ? await this.causeOfDoubt(reading, then, now) : 'bucket';
    // Somebody read it all meanwhile.
    if (this.reading !== reading) return;
    if (!cause) {
      this.mark = now;
      return this.vouch();
    }
    this.doubt(WORDS[cause]);
    await this.heal();
    this.healed(cause);
  }

  private async causeOfDoubt(
    reading: Reading | undefined,
    then: BucketMark | undefined,
    now: BucketMark,
  ): Promise<HealCause | undefined> {
    if (!reading || !then) return 'unread';
    if (lostUnmarked(then, now)) return 'unmarked';
    const standing = await this.settled(reading);
    if (standing !== 'current') return standing === 'gone' ? 'consumer' : 'deaf';
    const { full } = this;
    const due = full && ambient.ticks() - full.at > FULL_READ_EVERY_MS && !sameMark(full.mark, now);
    return due ? 'period' : undefined;
  }

  private async settled(reading: Reading): Promise<'current' | 'late' | 'gone'> {
    const end = ambient.ticks() + UNDER_WAY_MS;
    for (;;) {
      const received = reading.received();
      const standing = await reading.standing();
      if (standing !== 'late') return standing;
      // While it delivers it is not deaf, however much there is.
      if (ambient.ticks() > end && reading.received() === received) return standing;
      await ambient.sleep(UNDER_WAY_MS / 4, this.stopping.signal);
    }
  }

  private doubt(detail: string): void {
    this.behindSince ??= ambient.iso();
    this.detail = detail;
  }

  private vouch(): void {
    this.checkedAt = ambient.iso();
    const { size } = this.kept;
    if (size > 0) return this.doubt(`the bucket was lost or emptied and does not have ${size} keys that are kept here`);
    this.behindSince = null;
    this.detail = null;
  }
}

const GONE = 'the bucket is gone';
const WORDS = {
  unread: 'not read yet',
  bucket: 'the bucket was made anew',
  consumer: 'the server forgot the watch',
  deaf: 'the watch does not deliver',
  unmarked: 'keys went away without a mark',
  period: 'it is time for a full read',
} satisfies Record<HealCause, string>;
