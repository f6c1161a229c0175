/** For tests: lets a process die after any call to a port. */
import type { Collection } from 'mongodb';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import type { NatsPort } from '../../ports/nats/index.ts';

/** The process died. */
export class Crash extends Error {}

/** Counts calls to ports; after the effect of the chosen one the process dies, and stays dead. */
export class Fuse {
  private left = Infinity;
  private isBlown = false;
  private readonly blowing = Promise.withResolvers<void>();
  /** Resolves when the process died. */
  readonly blown: Promise<void> = this.blowing.promise;

  /** `limit` calls from now on are survived, and the effect of one more. */
  arm(limit: number): void {
    this.left = limit;
  }

  burn(): void {
    if (this.left > 0) this.left -= 1;
    else this.isBlown = true;
    this.check();
  }

  /** @throws Crash */
  blow(): never {
    this.isBlown = true;
    this.check();
    throw new Error('a blown fuse lets nothing through');
  }

  /** @throws Crash */
  check(): void {
    if (!this.isBlown) return;
    this.blowing.resolve();
    throw new Crash('died');
  }
}

const INDEXING: readonly (string | symbol)[] = ['createIndex', 'createIndexes', 'dropIndex'];
type Call = (...args: unknown[]) => unknown;

/** Every method passes the fuse; a `refusal` may throw in place of a method that is named `<part>.<method>`. */
function fragile<T extends object>(
  part: T,
  fuse: Fuse,
  name = '',
  refusal: (call: string) => void = () => undefined,
): T {
  return new Proxy(part, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      const path = name ? `${name}.${String(key)}` : String(key);
      if (typeof value === 'function') {
        return (...args: unknown[]): unknown => {
          const result = (): unknown => (value as Call).apply(target, args);
          // Building a cursor, or naming a collection, is no call to the server.
          if (path === 'db.collection') return fragile(result() as object, fuse, 'collection', refusal);
          if (['collection.find', 'collection.watch', 'reports'].includes(path)) return result();
          return guarded(result, fuse, () => refusal(path));
        };
      }
      return typeof value === 'object' && value !== null ? fragile(value, fuse, path, refusal) : value;
    },
  });
}

async function guarded(call: () => unknown, fuse: Fuse, refuse: () => void): Promise<unknown> {
  fuse.check();
  refuse();
  const result = await call();
  fuse.burn();
  return result;
}

/** For what runs in a job: its calls are counted, and one of them is the last. */
export const fragileMongo = (mongo: Mongo, fuse: Fuse): Mongo => ({ ...mongo, db: fragile(mongo.db, fuse, 'db') });
export const fragileNats = (nats: NatsPort, fuse: Fuse, refusal?: (call: string) => void): NatsPort =>
  fragile(nats, fuse, '', refusal);

/**
 * For the engine of that process: its calls are not counted, since it sweeps at any time, and a dead one makes none. In a
 * `successor` the indexes are taken to be there: asking for each again was half of its start.
 */
export function mortalMongo(mongo: Mongo, fuse: Fuse, isSuccessor: boolean): Mongo {
  const mortal = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          fuse.check();
          if (isSuccessor && INDEXING.includes(key)) return Promise.resolve();
          const result = (value as Call).apply(target, args);
          return key === 'collection' ? mortal(result as Collection) : result;
        };
      },
    });
  return {
    ...mongo,
    db: mortal(mongo.db),
    transaction: async (work) => {
      fuse.check();
      return mongo.transaction(work);
    },
  };
}
