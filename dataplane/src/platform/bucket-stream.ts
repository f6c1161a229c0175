// A KV bucket's stream as a follower sees it: a cheap mark of its state, one key, and all of it with what comes after.
import { DeliverPolicy, type JsMsg, type StreamInfo } from '@nats-io/jetstream';
import { within } from './ambient.ts';
import { isMissing, type Bus } from './bus.ts';
import { keyOf, meaningOf, type Meaning } from './kv-entry.ts';

const FULL_READ_MS = 5000;

/** What can be had with one small question. Two equal marks mean the same content. */
export interface BucketMark {
  /** When the bucket was made: sequences count anew in a bucket made anew, so it comes before them in any order. */
  created: string;
  last: number;
  /** Sequence of the oldest message that is left. */
  first: number;
  /** Falls when keys vanish without a mark. */
  subjects: number;
  messages: number;
  deleted: number;
}

export interface BucketEntry {
  key: string;
  seq: number;
  meaning: Meaning;
}

/** A live reading: what the bucket held when it began, and everything since. */
export interface Reading {
  mark: BucketMark;
  entries: BucketEntry[];
  /** How many messages came; one that delivers is not deaf. */
  received(): number;
  /** 'current': all that the server has for it was received; 'gone': the server forgot the consumer. */
  standing(): Promise<'current' | 'late' | 'gone'>;
  stop(): void;
}

export class BucketStream {
  readonly bucket: string;
  private readonly bus: Bus;
  private readonly stream: string;
  private readonly subjects: string[];

  constructor(bus: Bus, bucket: string, keys: string[]) {
    this.bus = bus;
    this.bucket = bucket;
    this.stream = `KV_${bucket}`;
    this.subjects = keys.map((key) => `$KV.${bucket}.${key}`);
  }

  /** Undefined when there is no such bucket. */
  async mark(): Promise<BucketMark | undefined> {
    try {
      return markOf(await this.bus.jsm.streams.info(this.stream));
    } catch (err) {
      if (isMissing(err)) return undefined;
      throw err;
    }
  }

  /** From the stream's leader, never from a copy that may lag. */
  async get(key: string): Promise<BucketEntry | undefined> {
    try {
      const found = await this.bus.jsm.streams.getMessage(this.stream, { last_by_subj: `$KV.${this.bucket}.${key}` });
      return found ? { key, seq: found.seq, meaning: meaningOf(found.header, found.data) } : undefined;
    } catch (err) {
      if (isMissing(err)) return undefined;
      throw err;
    }
  }

  /**
   * Reads all keys and goes on. One consumer does both, so nothing can fall between; of a bucket with history it is
   * handed the last entry of a key alone, so that a deleted key cannot come back.
   */
  async read(later: (entry: BucketEntry) => void): Promise<Reading> {
    const before = await this.bus.jsm.streams.info(this.stream);
    const filter_subjects = this.subjects.length === 1 ? this.subjects[0]! : this.subjects;
    const consumer = await this.bus.js.consumers.getPushConsumer(this.stream, {
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subjects,
    });
    const entries: BucketEntry[] = [];
    let received = 0;
    // By the consumer's own count and name: the client makes a new one when it thinks that it missed something.
    let last = { consumer: '', delivered: 0 };
    const whole = Promise.withResolvers<void>();
    let complete = (await consumer.info(true)).num_pending === 0;
    if (complete) whole.resolve();
    const messages = await consumer.consume({
      callback: (message: JsMsg) => {
        received++;
        last = { consumer: message.info.consumer, delivered: message.info.deliverySequence };
        const entry = this.entryOf(message);
        if (complete) return entry && later(entry);
        if (entry) entries.push(entry);
        complete = message.info.pending === 0;
        if (complete) whole.resolve();
      },
    });
    const stop = (): void => {
      messages.stop();
      // Left alone it would stand for five minutes.
      void consumer.delete().catch(() => undefined);
    };
    try {
      await within(FULL_READ_MS, `reading bucket ${this.bucket}`, whole.promise);
      const after = await this.bus.jsm.streams.info(this.stream);
      if (after.created !== before.created) throw new Error(`bucket ${this.bucket} was made anew while it was read`);
    } catch (err) {
      stop();
      throw err;
    }
    const standing: Reading['standing'] = async () => {
      try {
        const { name, num_pending, delivered } = await consumer.info();
        const got = last.consumer === name ? last.delivered : 0;
        return num_pending === 0 && delivered.consumer_seq <= got ? 'current' : 'late';
      } catch (err) {
        if (isMissing(err)) return 'gone';
        throw err;
      }
    };
    return { mark: markOf(before), entries, received: () => received, standing, stop };
  }

  private entryOf(message: JsMsg): BucketEntry | undefined {
    const key = keyOf(this.bucket, message.subject);
    return key === undefined ? undefined : { key, seq: message.seq, meaning: meaningOf(message.headers, message.data) };
  }
}

const markOf = ({ created, state }: StreamInfo): BucketMark => ({
  created,
  last: state.last_seq,
  first: state.first_seq,
  subjects: state.num_subjects ?? 0,
  messages: state.messages,
  deleted: state.num_deleted ?? 0,
});

/** Same bucket, nothing written since, and yet something is missing: it was taken away without a mark. */
export const lostUnmarked = (then: BucketMark, now: BucketMark): boolean =>
  now.subjects < then.subjects ||
  (now.last === then.last && (now.messages !== then.messages || now.deleted !== then.deleted));

/** One whose end went back is another one: the server was put back to an older copy of its store, and counts again. */
export const sameBucket = (then: BucketMark | undefined, now: BucketMark): boolean =>
  then?.created === now.created && now.last >= then.last;

/** Nothing is left of what was there: a purge of the whole, which is a loss; whoever means one key says so with a mark. */
export const emptied = (then: BucketMark | undefined, now: BucketMark): boolean =>
  then !== undefined && then.messages > 0 && now.first > then.last;

export const sameMark = (a: BucketMark, b: BucketMark): boolean =>
  a.created === b.created && a.last === b.last && a.messages === b.messages && a.deleted === b.deleted;
