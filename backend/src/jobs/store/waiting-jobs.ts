/** Jobs that wait, in the store: going to wait, being woken with what ended the wait, and what of it others ask. */
import { ObjectId, type ClientSession, type Collection, type Filter, type UpdateFilter } from 'mongodb';
import type { JobState } from '@cloudlysis/contract';
import { prompt, READ_MS, translated } from '../../ports/mongo/mongo.ts';
import type { Visible } from '../../call/principal.ts';
import { isVisible, NON_FINAL, type JobDocument } from '../record/job-document.ts';
import { FenceLost, type JobPatch } from '../record/job-writes.ts';
import { Waited } from '../record/stored-job.ts';

/** Queues of jobs that wait for something of their own. */
const WAITS = ['time', 'signal', 'children'] as const;

export type AwaitingJob = Pick<JobDocument, '_id' | 'kind' | 'resource' | 'tenant_id' | 'tenants' | 'wait'>;
export type ChildEnd = Pick<JobDocument, '_id' | 'state' | 'problem' | 'proof'>;

export interface WaitingJobs {
  /**
   * Lets a job go to wait, unless it was woken since its run last looked: then says what it is now.
   * @throws FenceLost when the fence has moved on.
   */
  suspend(
    job: Pick<JobDocument, '_id' | 'fence' | 'woken'>,
    patch: JobPatch,
    until: Date | null,
  ): Promise<'written' | JobDocument>;
  /** As `suspend`, of what a look found: who was told that their word is taken is heeded before the job goes by the others. */
  conclude(job: Pick<JobDocument, '_id' | 'fence' | 'woken'>, patch: JobPatch): Promise<'written' | JobDocument>;
  /** Wakes a job in the transaction of what it waits for; one that does not wait yet will not go to wait. False where it has ended. */
  wake(jobId: string, session?: ClientSession): Promise<boolean>;
  /** As `wake`, as long as that step of it has not ended and is ahead of it. */
  wakeStep(jobId: string, step: number, session: ClientSession): Promise<boolean>;
  /** Makes the next claimable whose time has come. Says whether there may be more. */
  wakeDue(now: Date): Promise<boolean>;
  /** Wakes jobs whose children have all ended: those that nobody woke when it happened. */
  wakeForgotten(): Promise<number>;
  /** Counts a child in, as long as the parent is still this claimant's. */
  startChild(parentId: string, fence: number, session: ClientSession): Promise<boolean>;
  /** How the children of a job ended or stand, by the digest of their keys. */
  childEnds(jobId: string): Promise<ReadonlyMap<string, ChildEnd>>;
  /** Those of the jobs that have not ended. */
  openOf(jobIds: readonly string[]): Promise<string[]>;
  /** Jobs that wait for a signal and may be seen, `limit` at most. */
  awaiting(visible: Visible, limit: number): Promise<AwaitingJob[]>;
}

/** What the store lends. */
interface Lent {
  readonly jobs: Collection<JobDocument>;
  update(filter: Filter<JobDocument>, change: UpdateFilter<JobDocument>, session?: ClientSession): Promise<boolean>;
  many(filter: Filter<JobDocument>, limit: number): Promise<JobDocument[]>;
  one(filter: Filter<JobDocument>): Promise<JobDocument | null>;
  childrenOf(jobId: string, states?: readonly JobState[]): Promise<JobDocument[]>;
  kept(patch: JobPatch): Promise<Partial<JobDocument>>;
}

/** Jobs whose time has come that are woken by one write: more take the embedded store longer than a write may. */
const DUE_AT_ONCE = 64;
/** Parents that are looked at in one full sweep, in turn: they are woken by their children, and this is only in case. */
const PARENTS_AT_ONCE = 50;
/** So many that wait for people need no list, but a way of working. */
const AWAITING_LOOKED_AT = 1_000;
const isAwaiting = ({ wait, kind, resource }: { readonly [K in keyof AwaitingJob]: unknown }): boolean =>
  typeof kind === 'string' && typeof resource === 'string' && Waited.safeParse(wait).success;

const token = (): string => new ObjectId().toHexString();

export function createWaitingJobs({ jobs, update, many, one, childrenOf, kept }: Lent): WaitingJobs {
  const wakeIf = async (open: Filter<JobDocument>, session?: ClientSession): Promise<boolean> => {
    // Set and not counted on: an odd value in one job must keep no other from its end.
    const woken = token();
    const waits = { queue: { $in: [...WAITS] } };
    const $unset = { wake_at: '' } as const;
    do {
      const forward = { ...open, ...waits, state: { $in: ['queued', 'running'] } } as Filter<JobDocument>;
      if (await update(forward, { $set: { queue: 'ready', woken }, $unset }, session)) return true;
      // Among those that are claimed: its way back has room of its own, and waits behind no job that it does not stop.
      const back = { ...open, ...waits, state: 'cancelling' } as Filter<JobDocument>;
      if (await update(back, { $set: { queue: 'running', woken }, $unset }, session)) return true;
      const runs = { ...open, state: { $in: [...NON_FINAL] }, queue: { $nin: [...WAITS] } } as Filter<JobDocument>;
      if (await update(runs, { $set: { woken } }, session)) return true;
      // It may have gone to wait in between, or come from there.
    } while (
      await translated(
        () =>
          jobs.findOne(
            { ...open, state: { $in: [...NON_FINAL] } },
            { projection: { _id: 1 }, ...(session ? { session } : {}) },
          ),
        session,
      )
    );
    return false;
  };
  const wake: WaitingJobs['wake'] = (jobId, session) => wakeIf({ _id: jobId }, session);
  /** Unless it was woken since: then the job as it is now. */
  const unlessWoken = async (
    { _id, fence, woken }: Pick<JobDocument, '_id' | 'fence' | 'woken'>,
    $set: Partial<JobDocument>,
  ): Promise<'written' | JobDocument> => {
    // By value: what a foreign hand left there is no question.
    if (await update({ _id, fence, woken: { $eq: woken ?? null } }, { $set })) return 'written';
    const now = await one({ _id, fence });
    if (!now) throw new FenceLost(_id);
    return now;
  };
  const openOf: WaitingJobs['openOf'] = async (jobIds) => {
    const open = { _id: { $in: [...jobIds] }, state: { $in: [...NON_FINAL] } };
    return (await translated(() => jobs.find(open, { projection: { _id: 1 } }).toArray())).map(({ _id }) => _id);
  };
  /** Order of the last parent whose children were looked for. */
  let lookedAt = -1;

  return {
    suspend: async (job, patch, until) =>
      unlessWoken(job, { ...(await kept(patch)), owner: null, ...(until ? { wake_at: until } : {}) }),
    conclude: async (job, patch) => unlessWoken(job, await kept(patch)),
    wakeStep: (jobId, step, session) => {
      const ahead = { direction: 'forward', [`steps.${step}.state`]: { $in: ['pending', 'waiting'] } };
      return wakeIf({ _id: jobId, ...ahead } as Filter<JobDocument>, session);
    },
    async wakeDue(at) {
      const due = await translated(() =>
        jobs
          .find({ wake_at: { $gt: new Date(0), $lte: at } }, { projection: { _id: 1 } })
          .limit(DUE_AT_ONCE)
          .toArray(),
      );
      if (due.length === 0) return false;
      // All at once: one after the other they kept a replica from beating for so long that its own jobs were taken from it.
      const isDue = { _id: { $in: due.map(({ _id }) => _id) }, wake_at: { $lte: at } };
      const ready = { $set: { queue: 'ready', woken: token() }, $unset: { wake_at: '' } } as const;
      const woken = await translated(() => jobs.updateMany({ ...isDue, queue: { $in: [...WAITS] } }, ready));
      // Left by a foreign hand in a job that waits for nothing: a few hundred would keep every other from its time.
      if (woken.matchedCount < due.length)
        await translated(() => jobs.updateMany({ ...isDue, queue: { $nin: [...WAITS] } }, { $unset: { wake_at: '' } }));
      return due.length === DUE_AT_ONCE;
    },
    async wakeForgotten() {
      const after = { queue: 'children', order: { $gt: lookedAt } } as Filter<JobDocument>;
      const parents = await many(after, PARENTS_AT_ONCE);
      lookedAt = parents.length < PARENTS_AT_ONCE ? -1 : parents.at(-1)!.order;
      let woken = 0;
      for (const { _id, steps } of parents) {
        const open = steps.find(({ state }) => state === 'waiting')?.wait?.children?.open ?? [];
        // On the way back it waits for whichever are left.
        const left = Array.isArray(open) && open.length > 0 ? await openOf(open) : await childrenOf(_id, NON_FINAL);
        if (left.length === 0 && (await wake(_id))) woken += 1;
      }
      return woken;
    },
    startChild: (parentId, fence, session) =>
      update({ _id: parentId, fence }, { $set: { last_child: token() } }, session),

    wake,
    openOf,
    childEnds: async (jobId) => {
      const projection = { idempotency: 1, state: 1, 'problem.detail': 1, proof: 1 };
      const found = await translated(() => jobs.find({ parent_job_id: jobId }, { projection }).toArray());
      return new Map(found.map((job) => [job.idempotency, job]));
    },
    awaiting: (visible, limit) =>
      prompt(async () => {
        const projection = { kind: 1, resource: 1, tenant_id: 1, tenants: 1, wait: 1 };
        const cursor = jobs.find({ queue: 'signal' }, { projection }).limit(AWAITING_LOOKED_AT);
        const found: AwaitingJob[] = [];
        for await (const job of cursor) {
          if (isAwaiting(job) && isVisible(job, visible) && found.push(job) >= limit) break;
        }
        return found;
      }, READ_MS),
  };
}
