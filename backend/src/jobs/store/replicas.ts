/**
 * Which replicas are alive. Each one beats a counter in MongoDB; each observer judges the others by its own monotonic
 * clock: a beat that stands still for a lease is a dead replica. No two clocks are compared, so a jumping one hurts nobody.
 */
import type { Collection } from 'mongodb';
import type { Ambient } from '../../kernel/ambient.ts';
import { translated, type Mongo } from '../../ports/mongo/mongo.ts';

interface ReplicaDocument {
  _id: string;
  boot: string;
  beat: number;
  /** Milliseconds by which its clock is ahead of the store's, as it measured; null or missing where it did not. */
  ahead_ms?: number | null;
  /** Mark of its CONTROL_KEY; absent in a replica of version 0.1. */
  key?: string;
  /** Another process under this name, that was there before and goes on beating. */
  namesake?: Beat;
}

interface Beat {
  readonly boot: string;
  readonly beat: number;
}

const SOUND = { boot: { $type: 'string' }, beat: { $type: 'number' } } as object;
/** One that is not must keep nobody from seeing the others. */
const isSound = ({ _id, boot, beat }: { readonly [K in keyof ReplicaDocument]: unknown }): boolean =>
  typeof _id === 'string' && typeof boot === 'string' && typeof beat === 'number';

interface Seen {
  readonly boot: string;
  readonly key: string | undefined;
  readonly beat: number;
  readonly aheadMs: number | null;
  /** Whether it was seen to beat, and not only to have done so once. */
  readonly isAlive: boolean;
  readonly at: number;
  released: boolean;
}

export interface OtherReplica {
  readonly name: string;
  /** Milliseconds by which its clock is ahead of the store's; null where it does not say. */
  readonly aheadMs: number | null;
}

export interface Replicas {
  /** `<replica>#<boot>`: what this process writes as a job's owner. */
  readonly self: string;
  register(): Promise<void>;
  /** Beats and looks at the others. @throws Problem `store.unavailable` */
  beat(): Promise<void>;
  /** Whether the owner of a job is known to be gone: an earlier boot of a replica, or one whose lease ran out. */
  isDead(owner: string): boolean;
  /** True once this replica could not beat for so long that others may have taken its jobs. */
  leaseLost(): boolean;
  /** Those that beat, by name. */
  others(): OtherReplica[];
  /** Replicas alive whose CONTROL_KEY is another: plans made there are refused here, and the other way round. */
  withOtherKey(): string[];
  /** Whether another process runs under our name: each of its jobs is taken for one of our earlier life, or ours for its. */
  hasNamesake(): boolean;
  leave(): Promise<void>;
}

export function createReplicas(
  mongo: Mongo,
  ambient: Ambient,
  replicaId: string,
  leaseMs: number,
  aheadMs: () => number | null,
  key: string,
): Replicas {
  const collection: Collection<ReplicaDocument> = mongo.db.collection('replicas');
  const boot = ambient.uuid();
  const seen = new Map<string, Seen>();
  let beat = 0;
  let lastBeat = ambient.monotonic();
  let known = false;
  /** The other process under our name, as last seen to beat; `times`: how often it was. */
  let namesake: (Beat & { readonly at: number; readonly times: number }) | null = null;

  const lookForNamesake = (ours: ReplicaDocument | undefined): void => {
    const other = [ours, ours?.namesake].find((one) => one !== undefined && one.boot !== boot);
    if (!other || (namesake?.boot === other.boot && namesake.beat === other.beat)) return;
    const times = namesake?.boot === other.boot ? namesake.times + 1 : 0;
    namesake = { boot: other.boot, beat: other.beat, at: ambient.monotonic(), times };
  };

  const isSilent = (replica: Seen): boolean => ambient.monotonic() - replica.at > leaseMs;
  /** A replica that was killed inside a transaction keeps its locks for a minute, audit chain included. */
  const releaseOnce = async (name: string, replica: Seen): Promise<void> => {
    if (name === replicaId) return;
    await mongo.releaseTransactionsOf(name);
    replica.released = true;
  };

  /**
   * A restored backup names a boot that is over: with it standing there for good, every other replica would take this one's
   * jobs, and this one theirs. Another process under our name beats, and is left in peace: it is told of us.
   */
  const comeBack = async (): Promise<void> => {
    const there = seen.get(replicaId);
    if (there && there.boot !== boot && isSilent(there))
      await collection.updateOne({ _id: replicaId, boot: there.boot, beat: there.beat }, { $set: { boot, beat, key } });
    else
      await collection.updateOne(
        { _id: replicaId },
        { $set: { namesake: { boot, beat } }, $setOnInsert: { boot, beat, key } },
        { upsert: true },
      );
    // What is no registration is nobody's.
    if (!there) await collection.updateOne({ _id: replicaId, $nor: [SOUND] }, { $set: { boot, beat, key } });
  };

  const look = async (): Promise<void> => {
    const present = (await collection.find().toArray()).filter(isSound);
    for (const { _id, boot, beat, ahead_ms, key } of present) {
      const before = seen.get(_id);
      if (before?.boot !== boot || before.beat !== beat)
        seen.set(_id, {
          boot,
          key,
          beat,
          aheadMs: Number.isFinite(ahead_ms) ? ahead_ms! : null,
          isAlive: before !== undefined,
          at: ambient.monotonic(),
          released: false,
        });
    }
    for (const [name, one] of seen) if (!one.released && isSilent(one)) await releaseOnce(name, one);
    lookForNamesake(present.find(({ _id }) => _id === replicaId));
    const names = new Set(present.map((replica) => replica._id));
    for (const name of seen.keys()) if (!names.has(name)) seen.delete(name);
    known = true;
  };

  return {
    self: `${replicaId}#${boot}`,
    register: () =>
      translated(async () => {
        await collection.updateOne(
          { _id: replicaId },
          { $set: { boot, beat, key, ahead_ms: aheadMs() } },
          { upsert: true },
        );
        lastBeat = ambient.monotonic();
        await look();
      }),
    beat: () =>
      translated(async () => {
        const started = ambient.monotonic();
        const mine = await collection.updateOne(
          { _id: replicaId, boot },
          { $set: { beat: ++beat, ahead_ms: aheadMs() } },
        );
        // Another process runs under our name since, or an operator removed us: whoever is registered last counts.
        if (mine.matchedCount === 0) await comeBack();
        lastBeat = started;
        await look();
      }),
    isDead(owner) {
      if (!known) return false;
      const at = owner.lastIndexOf('#');
      const replica = seen.get(owner.slice(0, at));
      if (!replica || replica.boot !== owner.slice(at + 1)) return true;
      return isSilent(replica);
    },
    leaseLost: () => ambient.monotonic() - lastBeat > leaseMs * 0.6,
    others: () =>
      [...seen]
        .filter(([name, one]) => name !== replicaId && one.isAlive && !isSilent(one))
        .map(([name, { aheadMs }]) => ({ name, aheadMs }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    withOtherKey: () =>
      [...seen].flatMap(([name, one]) => (one.key !== undefined && one.key !== key && !isSilent(one) ? [name] : [])),
    hasNamesake: () => namesake !== null && namesake.times > 0 && ambient.monotonic() - namesake.at <= leaseMs,
    leave: () => translated(async () => void (await collection.deleteOne({ _id: replicaId, boot }))),
  };
}
