/** A watch over a board: a checked copy that tells of every change and says since when it may be behind. */
import type { Logger } from 'pino';
import type { Ambient } from '../../../kernel/ambient.ts';
import { CheckedCopy, type Source } from '../../../copies/index.ts';
import type { KvValue } from './kv-source.ts';
import type { ApplyEntry, BoardWatch } from '../port/nats-port.ts';

interface WatchOptions<T> {
  readonly name: string;
  readonly source: Source<KvValue<T>>;
  readonly ambient: Ambient;
  readonly logger: Logger;
  readonly checkMs?: number | undefined;
  readonly apply: ApplyEntry<T>;
}

export function watchBoard<T>({ name, source, ambient, logger, checkMs, apply }: WatchOptions<T>): BoardWatch {
  const copy = new CheckedCopy<KvValue<T>>({
    name,
    source,
    ambient,
    logger,
    ...(checkMs === undefined ? {} : { checkMs }),
    apply(key, found) {
      if (found?.value === undefined) apply(key, null, found?.isDeleted ?? false);
      else apply(key, { key, value: found.value, kvRevision: found.kvRevision }, false);
    },
  });
  copy.start();
  return copy;
}
