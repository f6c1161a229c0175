// The floor of a job: the documents that the engine wrote for a real one, written again by the bare driver, point by point.
import type { ClientSession, Document } from 'mongodb';
import type { JobRig } from './job-rig.ts';

export interface JobFloor {
  /** The four durable points of a job of three steps, in order; resolves with the milliseconds of each. */
  run(): Promise<number[]>;
}

interface Written {
  readonly job: Document;
  readonly submitted: Document;
  readonly ended: Document;
}

/** What one job left in the store of a rig that does not chain. */
async function written(rig: JobRig): Promise<Written> {
  const jobId = await rig.run();
  const records = await rig.mongo.db.collection('audit_inbox').find({ job_id: jobId }).toArray();
  const job = await rig.mongo.db.collection('jobs').findOne({ _id: jobId as never });
  const [submitted, ended] = ['job.submitted', 'job.succeeded'].map((code) =>
    records.find((one) => one['code'] === code),
  );
  if (!job || !submitted || !ended) throw new Error('the sample job left no trace');
  return { job, submitted, ended };
}

/** `rig` shows what is written; `target`, a rig of its own with the same indexes, is written to. */
export async function jobFloor(rig: JobRig, target: JobRig): Promise<JobFloor> {
  const { job, submitted, ended } = await written(rig);
  const { client, db } = target.mongo;
  const [jobs, inbox] = [db.collection('jobs'), db.collection('audit_inbox')];
  const [first, second, third] = job['steps'] as [Document, Document, Document];
  const pending = { state: 'pending', attempts: 0, started_at: null, ended_at: null, outcome: null };
  const running = { state: 'running', ended_at: null, outcome: null };
  const asSubmitted = {
    ...job, state: 'running', active: true, owner: 'bench#floor', proof: null, ended_at: null,
    steps: [{ ...first, ...running }, { ...second, ...pending }, { ...third, ...pending }],
  }; // prettier-ignore
  const transaction = (work: (session: ClientSession) => Promise<void>): Promise<void> =>
    client.withSession((session) => session.withTransaction(() => work(session)));
  let count = 0;
  return {
    async run() {
      const id = `job_floor-${++count}`;
      const own = { _id: id as never, idempotency: id, plan_id: id, lane: id, order: job['order'] + count };
      const points = [
        () =>
          transaction(async (session) => {
            await inbox.insertOne({ ...submitted, _id: `aud_${id}-1` as never, job_id: id }, { session });
            await jobs.insertOne({ ...asSubmitted, ...own, audit_record_id: `aud_${id}-1` }, { session });
          }),
        () =>
          jobs.updateOne(
            { _id: own._id, fence: 1 },
            { $set: { 'steps.0': first, 'steps.1': { ...second, ...running } } },
          ),
        () =>
          jobs.updateOne(
            { _id: own._id, fence: 1 },
            { $set: { 'steps.1': second, 'steps.2': { ...third, ...running } } },
          ),
        () =>
          transaction(async (session) => {
            const { proof, undo, state, active, ended_at, owner } = job;
            const end = { 'steps.2': third, proof, undo, state, active, ended_at, owner };
            await jobs.updateOne({ _id: own._id, fence: 1 }, { $set: end }, { session });
            await inbox.insertOne({ ...ended, _id: `aud_${id}-2` as never, job_id: id }, { session });
          }),
      ];
      const took: number[] = [];
      for (const point of points) {
        const started = performance.now();
        await point();
        took.push(performance.now() - started);
      }
      return took;
    },
  };
}
