/** A bucket of NATS KV as a board: compare-and-swap on the bucket's revision, and values that are checked when read. */
import { Kvm, type KV } from '@nats-io/kv';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Ambient } from '../../../kernel/ambient.ts';
import { isWrongSequence, type Link } from '../port/connection.ts';
import { watchBoard } from './board-watch.ts';
import { entriesFrom, createKvSource } from './kv-source.ts';
import type { Board, Entry } from '../port/nats-port.ts';

const MAX_ENTRIES = 1_000_000;

export interface KvBoardOptions<T> {
  readonly bucket: string;
  readonly value: z.ZodType<T>;
  /** Runs one call with its deadline; makes the bucket first when it is gone. */
  readonly call: <R>(what: string, work: (link: Link) => Promise<R>) => Promise<R>;
  /** Told of every value that is not what the platform contract says. */
  readonly unreadable: (key: string) => void;
  /** Whatever text is there counts as this value. */
  readonly always?: T;
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly checkMs?: number | undefined;
}

/** An entry as the bucket holds it; `value` undefined where it is deleted or unreadable. */
interface Raw<T> {
  readonly value: T | undefined;
  readonly kvRevision: number;
}

export function createKvBoard<T>(options: KvBoardOptions<T>): Board<T> {
  const { bucket, value: schema, call, unreadable, always, ambient, logger, checkMs } = options;
  const parsed = (key: string, text: string): T | undefined => {
    if (always !== undefined) return always;
    const value = schema.safeParse(jsonOrUndefined(text));
    if (!value.success) unreadable(key);
    return value.data;
  };
  const read = async (link: Link, key: string): Promise<Raw<T> | null> => {
    const entry = await (await open(link, bucket)).get(key);
    if (!entry) return null;
    const value = entry.operation === 'PUT' ? parsed(key, entry.string()) : undefined;
    return { value, kvRevision: entry.revision };
  };
  return {
    get: (key) =>
      call(`reading ${key}`, async (link) => {
        const raw = await read(link, key);
        return raw?.value === undefined ? null : { key, value: raw.value, kvRevision: raw.kvRevision };
      }),
    put: (key, value, expected) =>
      call(`writing ${key}`, async (link) => {
        let previousSeq = expected;
        if (expected === 0) {
          // Deleted or unreadable counts as absent, yet the swap must be on what is really there.
          const raw = await read(link, key);
          if (raw?.value !== undefined) return false;
          previousSeq = raw?.kvRevision ?? 0;
        }
        return swapped(await open(link, bucket), key, JSON.stringify(value), previousSeq);
      }),
    delete: (key) => call(`deleting ${key}`, async (link) => (await open(link, bucket)).delete(key)),
    all: () => call(`reading bucket ${bucket}`, (link) => readAll(link, bucket, parsed)),
    watch: (name, keys, apply) => {
      const source = createKvSource({ bucket, keys, ambient, call, parsed });
      return watchBoard({ name, source, ambient, logger, checkMs, apply });
    },
  };
}

/** Never by direct get: a replica that lags would hand out a revision that is no longer the last. */
const open = ({ js }: Link, bucket: string): Promise<KV> => new Kvm(js).open(bucket, { allow_direct: false });

async function swapped(kv: KV, key: string, text: string, previousSeq: number): Promise<boolean> {
  try {
    await kv.put(key, text, { previousSeq });
    return true;
  } catch (error) {
    if (isWrongSequence(error)) return false;
    throw error;
  }
}

/** A key that changes during the walk is met again at its new place, so the later reading wins. */
async function readAll<T>(
  link: Link,
  bucket: string,
  parsed: (key: string, text: string) => T | undefined,
): Promise<Entry<T>[]> {
  const entries = new Map<string, Entry<T>>();
  for await (const { key, seq, meaning } of entriesFrom(link, bucket, 1, MAX_ENTRIES)) {
    const value = meaning.text === null ? undefined : parsed(key, meaning.text);
    if (value === undefined) entries.delete(key);
    else entries.set(key, { key, value, kvRevision: seq });
  }
  return [...entries.values()];
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
