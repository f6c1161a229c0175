/** Jobs in MongoDB. Every write of a running job carries its fence in the filter; nothing else knows the collection. */
import {
  Binary,
  ObjectId,
  type ClientSession,
  type Collection,
  type Filter,
  type FindCursor,
  type UpdateFilter,
} from 'mongodb';
import { FINAL_STATES, Problem, type JobState } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import { MOST_TOLD, textOfId, type Unreadable } from '../../kernel/bad-records.ts';
import { ensureCollection } from '../../ports/mongo/ensure-collection.ts';
import { keepFollowing, type Listener } from '../../ports/mongo/change-stream.ts';
import { isDuplicateKey, prompt, READ_MS, translated, type Mongo } from '../../ports/mongo/mongo.ts';
import type { IdempotencyKey } from '../record/idempotency.ts';
import type { JobTrace } from '../../audit/index.ts';
import { isFinal, type JobDocument, type StepDocument } from '../record/job-document.ts';
import { createLargeValues } from '../record/large-values.ts';
import { jobFault, SHAPE, upgraded } from '../record/stored-job.ts';
import { FenceLost, type JobPatch } from '../record/job-writes.ts';
import { createWaitingJobs, type WaitingJobs } from './waiting-jobs.ts';
import { createJobPages, type JobPages } from './job-pages.ts';

export interface JobStore extends JobPages, WaitingJobs {
  ensureIndexes(): Promise<void>;
  /** False when the lane is held by another job; the caller's transaction is then void. */
  insert(job: JobDocument, session: ClientSession): Promise<'inserted' | 'lane-busy' | 'key-used' | 'plan-used'>;
  get(jobId: string): Promise<JobDocument | null>;
  byIdempotency(key: IdempotencyKey): Promise<JobDocument | null>;
  /** With the decision, the intents and outcomes that are kept apart because they are long. */
  whole(job: JobDocument): Promise<JobDocument>;
  /** Takes a job as its next claimant, with its lane unless it does not need it yet: the job as it stands now. */
  claim(job: JobDocument, owner: string, now: Date, withLane: boolean): Promise<JobDocument | 'lost' | 'lane-busy'>;
  /** @throws FenceLost when the fence has moved on. */
  write(jobId: string, fence: number, patch: JobPatch, session?: ClientSession): Promise<void>;
  /** Writes how it ended, once: false where this claim has done so already and the answer was lost. @throws FenceLost */
  end(jobId: string, fence: number, patch: JobPatch, session: ClientSession): Promise<boolean>;
  /** Takes the fence away from whoever runs the job. False when it has ended or moved meanwhile. */
  requestCancel(job: JobDocument, cancel: JobDocument['cancel'], now: Date, session: ClientSession): Promise<boolean>;
  /** Lets go of a job that this claimant cannot continue. */
  handBack(jobId: string, fence: number): Promise<void>;
  /** Jobs that hold their lane, those that wait with it among them. */
  active(): Promise<JobDocument[]>;
  /** Jobs that are claimed, or were left by who claimed them. */
  claimed(): Promise<JobDocument[]>;
  /** Puts jobs that an earlier version claimed where `claimed` finds them. */
  adopt(): Promise<void>;
  /** Those of the lanes that a job holds. */
  heldOf(lanes: readonly string[]): Promise<ReadonlySet<string>>;
  isHeld(lane: string): Promise<boolean>;
  /** The oldest that may be claimed and are `known`. */
  ready(limit: number, known: (job: JobDocument) => boolean): Promise<JobDocument[]>;
  /** Who holds a lane, or is the first in line for it. */
  holderOf(lane: string, except: string | null): Promise<JobDocument | null>;
  childrenOf(jobId: string, states?: readonly JobState[]): Promise<JobDocument[]>;
  /** Says of a job that nobody took up what of it is not known. False where somebody took it. */
  markUnknown(job: JobDocument, what: string): Promise<boolean>;
  /** Marks a queued job as waiting for its lane. */
  park(jobId: string): Promise<void>;
  /** Makes the oldest job that waits for a lane claimable. */
  unpark(lane: string): Promise<boolean>;
  lanesWaiting(): Promise<string[]>;
  /** Every job once, with the audit record that it names. */
  auditTraces(): AsyncIterable<readonly JobTrace[]>;
  /** Documents that no order leads to, as read within the last seconds. */
  misplaced(): Promise<readonly Unreadable[]>;
  /** Calls back when any replica queues a job or asks for a cancel; returns how to stop. */
  watch(onWake: () => void, ambient: Ambient): () => Promise<void>;
  /** Calls back with the id of every job that any replica writes; returns how to stop. */
  watchChanges(onChange: (jobId: string) => void, ambient: Ambient): () => Promise<void>;
}

const INDEXES = [
  { key: { idempotency: 1 }, name: 'idempotency', unique: true },
  // Spent plans need no records of their own: a plan is spent as long as its job is kept, and expires long before.
  { key: { plan_id: 1 }, name: 'plan_id', unique: true, partialFilterExpression: { plan_id: { $exists: true } } },
  { key: { lane: 1 }, name: 'lane_active', unique: true, partialFilterExpression: { active: true } },
  { key: { active: 1 }, name: 'active', partialFilterExpression: { active: true } },
  { key: { state: 1, order: 1 }, name: 'state_order' },
  { key: { order: 1, _id: 1 }, name: 'order_id' },
  { key: { queue: 1, lane: 1 }, name: 'queue_lane' },
  // Sparse: the embedded store serves no range from a partial one (500 ms at 10 000 jobs, every second).
  { key: { wake_at: 1 }, name: 'wake_at', sparse: true },
  { key: { tenant_id: 1, order: 1 }, name: 'tenant_order' },
  { key: { lane: 1, order: 1 }, name: 'lane_order' },
  { key: { parent_job_id: 1, order: 1 }, name: 'parent_order' },
  { key: { tenants: 1, order: 1 }, name: 'tenants_order', partialFilterExpression: { tenants: { $exists: true } } },
];

/** `now` is the time that all replicas share. */
export function createJobStore(mongo: Mongo, now: () => Date): JobStore {
  const jobs: Collection<JobDocument> = mongo.db.collection<JobDocument>('jobs');
  const large = createLargeValues(mongo.db);
  // What is no job stops none: it is left out here, takes no room of those behind it, and lists name it.
  const many = (
    filter: Filter<JobDocument>,
    limit: number,
    accepts: (job: JobDocument) => boolean = isAny,
  ): Promise<JobDocument[]> => translated(() => readable(jobs.find(filter).sort({ order: 1 }), limit, accepts));
  const one = (filter: Filter<JobDocument>, sort?: { order: 1 }): Promise<JobDocument | null> =>
    prompt(async () => {
      const job = await jobs.findOne(filter, sort ? { sort } : {});
      return job && upgraded(job);
    });
  const childrenOf: JobStore['childrenOf'] = (jobId, states) =>
    many({ parent_job_id: jobId, ...(states ? { state: { $in: [...states] } } : {}) }, 10_000);
  const keptPatch = async (patch: JobPatch): Promise<Partial<JobDocument>> => {
    const kept = Object.entries(patch).map(async ([field, value]) => {
      if (field === 'decision') return [field, await large.keep(value)];
      return field.startsWith('steps.') ? [field, await large.kept(value as StepDocument)] : [field, value];
    });
    return Object.fromEntries(await Promise.all(kept)) as Partial<JobDocument>;
  };
  const misplaced = remembered(() => misplacedJobs(jobs), now);
  const update = (
    filter: Filter<JobDocument>,
    change: UpdateFilter<JobDocument>,
    session?: ClientSession,
  ): Promise<boolean> =>
    translated(
      async () => (await jobs.updateOne(filter, change, session ? { session } : {})).matchedCount === 1,
      session,
    );

  return {
    async ensureIndexes() {
      await ensureCollection(mongo.db, 'jobs', INDEXES);
      // Of an earlier version; `order_id` serves what it served.
      await translated(() => jobs.dropIndex('order')).catch(() => undefined);
    },

    async insert(job, session) {
      try {
        const { decision } = job;
        const kept = decision === undefined ? job : { ...job, decision: await large.keep(decision) };
        await jobs.insertOne(kept, { session });
        return 'inserted';
      } catch (error) {
        if (isDuplicateKey(error, 'idempotency')) return 'key-used';
        if (isDuplicateKey(error, 'plan_id')) return 'plan-used';
        if (isDuplicateKey(error)) return 'lane-busy';
        throw error;
      }
    },

    whole: (job) => large.whole(job),
    get: (jobId) => one({ _id: jobId }),
    // One after the other: the embedded store answers `$or` by reading every job (84 ms at 1 000).
    async byIdempotency({ key, earlier }) {
      const job = (await one({ idempotency: key })) ?? (await one({ idempotency: earlier.idempotency }));
      const isTheirs = job?.actor === earlier.actor && job.parent_job_id === earlier.parent_job_id;
      return job?.idempotency === key || isTheirs ? job : null;
    },

    async claim(job, owner, now, withLane) {
      const claimed: Partial<JobDocument> = {
        queue: 'running',
        parked: null,
        owner,
        fence: job.fence + 1,
        ...(withLane ? { active: true, started_at: job.started_at ?? now } : {}),
        ...(withLane && job.state === 'queued' ? { state: 'running' } : {}),
      };
      // What an earlier version stored is its own no more: it says what this one goes by.
      const { woken, plan_again, requester } = job;
      const stored = job.shape < SHAPE ? { ...claimed, shape: SHAPE, woken, plan_again, requester } : claimed;
      try {
        // What was read may be old: a run of this very claim may have got on since, and gone to wait.
        const met = job.shape < SHAPE ? {} : { queue: job.queue, owner: job.owner };
        const filter = { _id: job._id, fence: job.fence, state: job.state, ...met } as Filter<JobDocument>;
        const change = { $set: stored, $unset: { wake_at: '' } } as UpdateFilter<JobDocument>;
        const won = await translated(() => jobs.findOneAndUpdate(filter, change, { returnDocument: 'after' }));
        return won ? upgraded(won) : 'lost';
      } catch (error) {
        if (isDuplicateKey(error)) return 'lane-busy';
        throw error;
      }
    },

    async write(jobId, fence, patch, session) {
      if (!(await update({ _id: jobId, fence }, { $set: await keptPatch(patch) }, session))) throw new FenceLost(jobId);
    },

    async end(jobId, fence, patch, session) {
      const open = { _id: jobId, fence, state: { $nin: [...FINAL_STATES] } };
      if (await update(open, { $set: await keptPatch(patch) }, session)) return true;
      if (!(await translated(() => jobs.findOne({ _id: jobId, fence }, { session }), session)))
        throw new FenceLost(jobId);
      return false;
    },

    requestCancel: (job, cancel, now, session) => {
      const seen = job.shape < SHAPE ? {} : { queue: job.queue };
      const interrupted = job.steps.flatMap(({ state }, index) =>
        state === 'waiting' ? [[`steps.${index}.state`, 'interrupted'], [`steps.${index}.ended_at`, now]] : [],
      ); // prettier-ignore
      return update(
        { _id: job._id, fence: job.fence, state: job.state, ...seen },
        {
          $set:
            job.state === 'queued'
              ? {
                  state: 'cancelled',
                  queue: null,
                  wait: null,
                  cancel,
                  ended_at: now,
                  owner: null,
                  ...Object.fromEntries(interrupted),
                }
              : { state: 'cancelling', direction: 'backward', queue: 'running', wait: null, cancel },
          $unset: { wake_at: '' },
          $inc: { fence: 1 },
        },
        session,
      );
    },

    handBack: async (jobId, fence) => void (await update({ _id: jobId, fence }, { $set: { owner: null } })),

    active: () => many({ active: true }, 1_000),
    claimed: () => many({ queue: 'running' }, 1_000),
    adopt: () =>
      translated(async () => {
        const left = { active: true, queue: null, state: { $in: ['running', 'cancelling'] } } as Filter<JobDocument>;
        await jobs.updateMany(left, { $set: { queue: 'running' } });
      }),
    isHeld: (lane) =>
      translated(async () => (await jobs.findOne({ lane, active: true }, { projection: { _id: 1 } })) !== null),
    heldOf: async (lanes) => {
      const held = { lane: { $in: [...lanes] }, active: true };
      const found = await translated(() => jobs.find(held, { projection: { lane: 1 } }).toArray());
      return new Set(found.map(({ lane }) => lane));
    },
    ready: (limit, known) => many({ queue: 'ready' }, limit, known),
    childrenOf,
    async holderOf(lane, except) {
      const others = except ? { _id: { $ne: except } } : {};
      const holder = await one({ lane, active: true, ...others });
      // Those that wait before their first effect are in nobody's way.
      return holder ?? one({ lane, state: 'queued', queue: { $in: ['ready', 'lane'] }, ...others }, { order: 1 });
    },
    markUnknown: ({ _id, fence, owner, state }, what) =>
      update({ _id, fence, owner, state, parked: null }, { $set: { parked: { what, at: now() } } }),

    park: async (jobId) =>
      void (await update({ _id: jobId, state: 'queued', queue: 'ready' }, { $set: { queue: 'lane' } })),
    async unpark(lane) {
      const [next] = await many({ queue: 'lane', lane }, 1);
      return next !== undefined && (await update({ _id: next._id, queue: 'lane' }, { $set: { queue: 'ready' } }));
    },
    // A lane that is no text would be asked for as a pattern or a question.
    lanesWaiting: async () =>
      (await translated(() => jobs.distinct('lane', { queue: 'lane' }))).filter(
        (lane: unknown) => typeof lane === 'string',
      ),

    ...createWaitingJobs({ jobs, update, many, one, childrenOf, kept: keptPatch }),
    ...createJobPages(jobs, now),
    auditTraces: () => auditTraces(jobs),
    misplaced,

    watch: (onWake, ambient) => following(jobs, { ambient, pipeline: [WAKING], opened: onWake, heard: onWake }),
    watchChanges: (onChange, ambient) =>
      following(jobs, {
        ambient,
        pipeline: [{ $project: { operationType: 1, documentKey: 1 } }],
        opened: () => undefined,
        heard: (changes) => changes.forEach(({ documentKey }) => documentKey && onChange(String(documentKey._id))),
      }),
  };
}

const isAny = (): boolean => true;
/** Documents looked at in one read, at most; so many bad ones are no accident, and a job behind them waits for a person. */
const MOST_LOOKED_AT = 10_000;

/** The first jobs that can be run and are accepted, however many others stand before them. */
async function readable(
  cursor: FindCursor<JobDocument>,
  limit: number,
  accepts: (job: JobDocument) => boolean,
): Promise<JobDocument[]> {
  const found: JobDocument[] = [];
  try {
    for await (const job of cursor.limit(limit + MOST_LOOKED_AT).batchSize(limit + 1)) {
      if (jobFault(job) !== null) continue;
      const met = upgraded(job);
      if (accepts(met)) found.push(met);
      if (found.length >= limit) break;
    }
    return found;
  } finally {
    await cursor.close().catch(() => undefined);
  }
}

/**
 * Of the types that an order can have and be no number: index-served one by one. The question for "no number" reads every
 * job on the embedded store (120 ms at 2 000 jobs, a list of 503s at 50 000), and so do those for sub-documents and
 * regular expressions, which are not looked for.
 */
const NO_ORDERS = [
  null,
  { $gte: '' },
  { $in: [true, false] },
  { $gte: new Date(0) },
  NaN,
  { $gte: [] },
  { $gte: new ObjectId('0'.repeat(24)) },
  { $gte: new Binary(Buffer.alloc(0)) },
];

async function misplacedJobs(jobs: Collection<JobDocument>): Promise<Unreadable[]> {
  const reads = NO_ORDERS.map(
    (order) =>
    jobs.find({ order } as unknown as Filter<JobDocument>, { projection: { _id: 1, order: 1 } }).limit(MOST_TOLD).toArray(), // prettier-ignore
  );
  const found = (await prompt(() => Promise.all(reads), READ_MS)).flat();
  return found.map(({ _id }) => ({ id: textOfId(_id), reason: 'order: it is no number' }));
}

const REMEMBERED_MS = 10_000;

/** Read at most every 10 s, however many lists are asked for: it is eight questions to the store, and seldom finds anything. */
function remembered<T>(read: () => Promise<T>, now: () => Date): () => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | undefined;
  return () => {
    const at = now().getTime();
    if (last && Math.abs(at - last.at) < REMEMBERED_MS) return last.value;
    const value = read();
    value.catch(() => (last = undefined));
    last = { at, value };
    return value;
  };
}

/** What wakes a replica: a job queued as claimable, or one whose cancel was asked for. */
const WAKING = {
  $match: {
    $or: [
      { operationType: 'insert', 'fullDocument.queue': 'ready' },
      { operationType: 'update', 'updateDescription.updatedFields.queue': 'ready' },
      { operationType: 'update', 'updateDescription.updatedFields.state': 'cancelling' },
    ],
  },
};

/** Follows changes for good. No copy is kept of them: whoever follows looks now and then, too, and every opening tells. */
function following(jobs: Collection<JobDocument>, listener: Omit<Listener, 'signal'>): () => Promise<void> {
  const stopping = new AbortController();
  const done = keepFollowing(jobs, { ...listener, signal: stopping.signal });
  return async () => {
    stopping.abort();
    await done;
  };
}

async function* auditTraces(jobs: Collection<JobDocument>): AsyncGenerator<readonly JobTrace[]> {
  const cursor = jobs.find({}, { projection: { audit_record_id: 1, state: 1 }, batchSize: 200 });
  try {
    for (;;) {
      const first = await translated(() => cursor.next());
      if (first === null) return;
      yield [first, ...cursor.readBufferedDocuments()].map(({ _id, audit_record_id, state }) => ({
        jobId: String(_id),
        recordId: audit_record_id,
        ended: isFinal(state) ? state : null,
      }));
    }
  } finally {
    await cursor.close().catch(() => undefined);
  }
}

/** @throws Problem `job.unknown` */
export async function mustGet(store: JobStore, jobId: string): Promise<JobDocument> {
  const job = await store.get(jobId);
  if (!job) throw new Problem('job.unknown', `There is no job ${jobId}`);
  return job;
}
