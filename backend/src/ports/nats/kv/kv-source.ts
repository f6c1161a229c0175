/**
 * A KV bucket as the source of a checked copy, followed without a consumer: four times a second the bucket's stream says in
 * 0.3 ms how far it is, and what came since is read. So there is nothing on the server that could vanish or be forgotten.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StreamState } from '@nats-io/jetstream';
import type { Ambient } from '../../../kernel/ambient.ts';
import type { Changes, Source } from '../../../copies/index.ts';
import type { Link } from '../port/connection.ts';
import { directRead } from '../streams/direct-read.ts';
import { meaningOf, type Meaning } from './kv-meaning.ts';

export interface KvSourceOptions<T> {
  readonly bucket: string;
  /** As in KV: `>` for all, `*` for one part of a key. */
  readonly keys: string;
  readonly ambient: Ambient;
  readonly call: <R>(what: string, work: (link: Link) => Promise<R>) => Promise<R>;
  /** Undefined where the text is not what the platform contract says. */
  readonly parsed: (key: string, text: string) => T | undefined;
}

/** What a bucket says of a key; of one that was taken away, that it was. */
export interface KvValue<T> {
  readonly value: T | undefined;
  /** Somebody took it away on purpose: it is not merely missing. */
  readonly isDeleted: boolean;
  readonly kvRevision: number;
}

const POLL_MS = 250;
const MAX_ENTRIES = 1_000_000;
/** More new entries than this are read with everything else. */
const MAX_NEW = 5_000;
const AT_ONCE = 16;

/** How far a bucket is. Equal marks mean the same content. */
interface Mark {
  /** A bucket made anew counts from one again. */
  readonly created: string;
  readonly last: number;
  /** Falls when keys vanish without a word: by age, a purge, a restored backup. */
  readonly subjects: number;
}

export function createKvSource<T>(options: KvSourceOptions<T>): Source<KvValue<T>> {
  const { bucket, keys, call, parsed } = options;
  const matches = keyMatcher(keys);
  const valueOf = (key: string, meaning: Meaning, kvRevision: number): KvValue<T> => ({
    value: meaning.text === null ? undefined : parsed(key, meaning.text),
    isDeleted: meaning.isDeleted,
    kvRevision,
  });
  /** Every key of the bucket, those that do not match included, to know when one vanishes. */
  const present = new Set<string>();
  const all = async (link: Link): Promise<[string, KvValue<T>][]> => {
    const found = new Map<string, KvValue<T>>();
    const there = new Set<string>();
    // A key that changes during the walk is met again at its new place, so the later reading wins.
    for await (const { key, meaning, seq } of entriesFrom(link, bucket, 1, MAX_ENTRIES)) {
      there.add(key);
      if (matches(key)) found.set(key, valueOf(key, meaning, seq));
    }
    for (const key of present) if (!there.has(key)) present.delete(key);
    for (const key of there) present.add(key);
    return [...found];
  };
  return {
    all: () => call(`reading bucket ${bucket}`, all),
    some: (wanted) =>
      call(`reading ${wanted.length} keys of ${bucket}`, async (link) => {
        const found: [string, KvValue<T>][] = [];
        const left = [...wanted];
        const readOn = async (): Promise<void> => {
          for (let key = left.pop(); key !== undefined; key = left.pop()) {
            // From the leader, never from a replica that may lag.
            const message = await link.jsm.streams.getMessage(`KV_${bucket}`, { last_by_subj: `$KV.${bucket}.${key}` });
            if (message) found.push([key, valueOf(key, meaningOf(message), message.seq)]);
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, readOn));
        return found;
      }),
    follow: (changes, signal) => poll({ ...options, matches, present }, changes, signal),
    isSame: (one, other) => isDeepStrictEqual(one, other),
  };
}

interface Polled extends Omit<KvSourceOptions<unknown>, 'keys' | 'parsed'> {
  matches(key: string): boolean;
  readonly present: Set<string>;
}

async function poll(polled: Polled, changes: Changes, signal: AbortSignal): Promise<void> {
  const { bucket, ambient, call, present } = polled;
  const look = (): Promise<Mark> =>
    call(`looking at bucket ${bucket}`, async ({ jsm }) => {
      const { created, state } = await jsm.streams.info(`KV_${bucket}`);
      return { created: String(created), last: state.last_seq, subjects: (state as StreamState).num_subjects ?? 0 };
    });
  let seen = await look();
  changes.opened();
  let unlike: Mark | null = null;
  while (!signal.aborted) {
    await ambient.sleep(POLL_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const now = await look();
    if (now.created !== seen.created) changes.doubt('the bucket was made anew');
    else if (now.last < seen.last || now.last - seen.last > MAX_NEW)
      changes.doubt('much of the bucket changed at once');
    else if (now.last > seen.last) {
      const read = await readNew(polled, seen.last + 1);
      changes.changed(read.keys);
      // A replica that lags does not have it yet: the next look asks for it again.
      if (read.last < now.last && unlike?.last !== now.last) {
        unlike = now;
        continue;
      }
    } else if (now.subjects !== present.size) {
      // Twice in a row: a write may have come between the two numbers.
      if (unlike && sameMark(unlike, now)) changes.doubt('keys went away without a word');
      unlike = unlike && sameMark(unlike, now) ? null : now;
      continue;
    }
    seen = now;
    unlike = null;
  }
}

const sameMark = (one: Mark, other: Mark): boolean => isDeepStrictEqual(one, other);

async function readNew(
  { bucket, call, matches, present }: Polled,
  from: number,
): Promise<{ keys: string[]; last: number }> {
  return call(`reading what is new in ${bucket}`, async (link) => {
    const keys = new Set<string>();
    let last = from - 1;
    for await (const { key, seq } of entriesFrom(link, bucket, from, MAX_NEW)) {
      present.add(key);
      if (matches(key)) keys.add(key);
      last = seq;
    }
    return { keys: [...keys], last };
  });
}

interface KvMessage {
  readonly key: string;
  readonly seq: number;
  readonly meaning: Meaning;
}

export async function* entriesFrom(link: Link, bucket: string, from: number, limit: number): AsyncGenerator<KvMessage> {
  const prefix = `$KV.${bucket}.`;
  for await (const message of directRead(link, `KV_${bucket}`, `${prefix}>`, from, limit))
    yield { key: message.subject.slice(prefix.length), seq: message.seq, meaning: meaningOf(message) };
}

/** Which keys a pattern of KV names. */
export function keyMatcher(pattern: string): (key: string) => boolean {
  if (pattern === '>') return () => true;
  const parts = pattern
    .split('.')
    .map((part) => (part === '*' ? '[^.]+' : part === '>' ? '.+' : part.replace(/[^\w-]/g, '\\$&')));
  const expression = new RegExp(`^${parts.join('\\.')}$`);
  return (key) => expression.test(key);
}
