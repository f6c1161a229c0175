/** Placement from a file, for development (SCL-03): read anew at every call, and never written by us. */
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { z } from 'zod';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../../kernel/ambient.ts';
import { watchBoard } from './board-watch.ts';
import { keyMatcher } from './kv-source.ts';
import type { Board, Entry } from '../port/nats-port.ts';
import { createStaticSource } from './static-source.ts';

export interface StaticBoardOptions<T> {
  readonly file: string;
  readonly value: z.ZodType<T>;
  readonly unreadable: (key: string) => void;
  readonly ambient: Ambient;
  readonly logger: Logger;
}

export function createStaticBoard<T>({ file, value, unreadable, ambient, logger }: StaticBoardOptions<T>): Board<T> {
  const all = async (): Promise<Entry<T>[]> => {
    const entries: Entry<T>[] = [];
    for (const [key, raw] of Object.entries(await readEntries(file, unreadable))) {
      const parsed = value.safeParse(raw);
      if (parsed.success) entries.push({ key, value: parsed.data, kvRevision: 1 });
      else unreadable(key);
    }
    return entries;
  };
  const refuse = async (): Promise<never> => {
    throw new Problem('placement.read_only', `placement comes from the file ${file}: edit it and reload the nodes`);
  };
  return {
    get: async (key) => (await all()).find((entry) => entry.key === key) ?? null,
    put: refuse,
    delete: refuse,
    all,
    watch: (name, keys, apply) => {
      const matches = keyMatcher(keys);
      const read = async () => (await all()).filter(({ key }) => matches(key));
      return watchBoard({ name, source: createStaticSource(read, ambient), ambient, logger, apply });
    },
  };
}

/** @throws Problem `bus.unavailable` when the file cannot be read: nothing can then be said of any placement. */
async function readEntries(file: string, unreadable: (key: string) => void): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Problem('bus.unavailable', `the placement file ${file} cannot be read`, {}, error);
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    unreadable('*');
    return {};
  }
}
