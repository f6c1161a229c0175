/** A static file as the source of a checked copy: read once a second, because nobody announces that it was edited. */
import { isDeepStrictEqual } from 'node:util';
import type { Ambient } from '../../../kernel/ambient.ts';
import type { Source } from '../../../copies/index.ts';
import type { KvValue } from './kv-source.ts';
import type { Entry } from '../port/nats-port.ts';

const POLL_MS = 1_000;

export function createStaticSource<T>(read: () => Promise<Entry<T>[]>, ambient: Ambient): Source<KvValue<T>> {
  /** As it was last handed out: what came and went between two polls may have been read in between. */
  let known = new Map<string, KvValue<T>>();
  const now = async (): Promise<Map<string, KvValue<T>>> =>
    new Map((await read()).map(({ key, value, kvRevision }) => [key, { value, isDeleted: false, kvRevision }]));
  return {
    async all() {
      known = await now();
      return [...known];
    },
    async some(keys) {
      const found = await now();
      for (const key of keys) {
        const value = found.get(key);
        if (value) known.set(key, value);
        else known.delete(key);
      }
      return [...found].filter(([key]) => keys.includes(key));
    },
    async follow(changes, signal) {
      await now();
      changes.opened();
      while (!signal.aborted) {
        await ambient.sleep(POLL_MS, signal).catch(() => undefined);
        const found = await now();
        const keys = new Set([...known.keys(), ...found.keys()]);
        const changed = [...keys].filter((key) => !isDeepStrictEqual(known.get(key), found.get(key)));
        if (changed.length > 0) changes.changed(changed);
      }
    },
    isSame: (one, other) => isDeepStrictEqual(one, other),
  };
}
