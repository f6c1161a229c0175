/**
 * What was asked of nodes and has to outlive them: a drain lives in the node's process, the order for it here, under
 * the job that gave it, until another job lifts it.
 */
import type { ClientSession } from 'mongodb';
import type { Shard } from '@cloudlysis/contract';
import { tenantOn, type NodeState } from '../../ports/nodes/index.ts';
import { ensureCollection } from '../../ports/mongo/ensure-collection.ts';
import { isDuplicateKey, prompt, READ_MS, translated, type Mongo } from '../../ports/mongo/mongo.ts';
import { sifted, sound, type Unreadable } from '../../kernel/bad-records.ts';
import { drainFault, type DrainOrder } from './stored-placement.ts';

export type DrainWish = Pick<DrainOrder, 'wanted' | 'job_id' | 'by' | 'reason' | 'since'>;

export interface DrainOrders {
  ensureIndexes(): Promise<void>;
  all(): Promise<DrainOrder[]>;
  /** Those that the last reading left out. */
  unreadable(): readonly Unreadable[];
  /** The drains that stand, by id. */
  standing(): Promise<Map<string, DrainOrder>>;
  /** The same as of the reading that began last. */
  known(): ReadonlyMap<string, DrainOrder>;
  find(shardId: string, tenantId: string | null): Promise<DrainOrder | null>;
  /** Writes `next` over `expected`; false when somebody was faster. */
  swap(next: DrainOrder, expected: DrainOrder, session?: ClientSession): Promise<boolean>;
  /** What a job decided replaces whatever stands there: its lane keeps other jobs out. Idempotent. */
  wish(shardId: string, tenantId: string | null, wish: DrainWish): Promise<void>;
  /** Forgets an order as it was read; false when it has changed since. */
  drop(order: DrainOrder): Promise<boolean>;
  /** Forgets whatever is ordered of a tenant on a shard, with the end of the job that moved it away. */
  forget(shardId: string, tenantId: string | null, session?: ClientSession): Promise<void>;
}

export const orderId = (shardId: string, tenantId: string | null): string =>
  tenantId === null ? shardId : `${shardId}/${tenantId}`;

/** `acme on aggregate/a1`, or `aggregate/a1`. */
export const subjectOf = ({ kind, shard_id }: Pick<Shard, 'kind' | 'shard_id'>, tenantId: string | null): string =>
  tenantId === null ? `${kind}/${shard_id}` : `${tenantId} on ${kind}/${shard_id}`;

/** Who asked for it and why, as a part of a sentence. */
export const askedBy = ({ job_id, by, reason }: Pick<DrainOrder, 'job_id' | 'by' | 'reason'>): string =>
  `by ${job_id} (${by}${reason ? `: ${reason}` : ''})`;

/** The same for all who may see one tenant: a drain of the whole node is a job of the platform, and so is why. */
export const askedByWithin = (order: DrainOrder): string =>
  order.tenant_id === null ? 'as ordered for the whole node' : askedBy(order);

/** What the node itself says of what was ordered. */
export const isDrainedAt = ({ tenant_id }: Pick<DrainOrder, 'tenant_id'>, state: NodeState): boolean => {
  if (tenant_id === null) return state.draining;
  const there = tenantOn(state, tenant_id)?.state;
  return there === 'draining' || there === 'drained';
};

/** Pure: what is to be told to a node that says this; null when it is as ordered, or has nothing to do with it. */
export function toldTo(order: DrainOrder, state: NodeState): 'drain' | 'resume' | null {
  const isHere = order.tenant_id === null || tenantOn(state, order.tenant_id) !== null;
  if (!isHere || isDrainedAt(order, state) === (order.wanted === 'drained')) return null;
  return order.wanted === 'drained' ? 'drain' : 'resume';
}

export const standingOf = (orders: readonly DrainOrder[]): Map<string, DrainOrder> =>
  new Map(orders.filter(({ wanted }) => wanted === 'drained').map((order) => [order._id, order]));

/** An order as a job would give it. */
export const wishOf = ({ wanted, job_id, by, reason, since }: DrainOrder): DrainWish => ({
  wanted,
  job_id,
  by,
  reason,
  since,
});

const TRIES = 8;

export function createDrainOrders({ db }: Pick<Mongo, 'db'>): DrainOrders {
  const orders = db.collection<DrainOrder>('drains');
  let unreadable: readonly Unreadable[] = [];
  let known: ReadonlyMap<string, DrainOrder> = new Map();
  let [begun, ended] = [0, 0];
  const find: DrainOrders['find'] = async (shardId, tenantId) =>
    sound(await prompt(() => orders.findOne({ _id: orderId(shardId, tenantId) })), drainFault);
  const swap: DrainOrders['swap'] = (next, expected, session) =>
    translated(async () => {
      const filter = { _id: next._id, version: expected.version };
      const done = await orders.replaceOne(
        filter,
        { ...next, version: expected.version + 1 },
        { ...(session && { session }) },
      );
      return done.matchedCount === 1;
    }, session);
  const insert = async (order: DrainOrder): Promise<boolean> => {
    try {
      await translated(() => orders.insertOne(order));
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  };
  const all: DrainOrders['all'] = async () => {
    const turn = ++begun;
    const read = sifted(await prompt(() => orders.find().toArray(), READ_MS), drainFault);
    // A reading that began earlier and ended later knows less.
    if (turn > ended) [ended, unreadable, known] = [turn, read.unreadable, standingOf(read.good)];
    return read.good;
  };
  return {
    /** Collections must exist before a transaction writes to them. */
    ensureIndexes: () => ensureCollection(db, 'drains'),
    all,
    unreadable: () => unreadable,
    known: () => known,
    standing: async () => standingOf(await all()),
    find,
    swap,
    async wish(shardId, tenantId, wish) {
      for (let tried = 0; tried < TRIES; tried++) {
        const now = await find(shardId, tenantId);
        const next = {
          ...wish,
          _id: orderId(shardId, tenantId),
          shard_id: shardId,
          tenant_id: tenantId,
          told_again: null,
          version: 1,
        };
        if (now ? await swap(next, now) : await insert(next)) return;
      }
      throw new Error(`others keep writing the drain order ${orderId(shardId, tenantId)}`);
    },
    drop: async ({ _id, version }) => (await translated(() => orders.deleteOne({ _id, version }))).deletedCount === 1,
    forget: (shardId, tenantId, session) =>
      translated(async () => {
        await orders.deleteOne({ _id: orderId(shardId, tenantId) }, { ...(session && { session }) });
      }, session),
  };
}
