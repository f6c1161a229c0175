/** Signals that were sent to jobs: kept beside them, since one may come before its job waits for it. */
import type { ClientSession } from 'mongodb';
import type { Verdict } from '@cloudlysis/contract';
import { storedPrincipal, type Principal } from '../../call/principal.ts';
import { ensureCollection } from '../../ports/mongo/ensure-collection.ts';
import { translated, type Mongo } from '../../ports/mongo/mongo.ts';
import { sha256 } from '../record/digest.ts';

export interface Signal {
  readonly job_id: string;
  readonly name: string;
  readonly verdict: Verdict;
  /** As they were when they sent it; whether they still may is asked again when the job goes on. */
  readonly from: Principal;
  readonly reason: string;
  readonly evidence: unknown;
  readonly at: Date;
}

export interface SignalStore {
  ensureIndexes(): Promise<void>;
  /** False where the same person has said the same before: once is enough and the first stands, by who they are now. */
  add(signal: Signal, session: ClientSession): Promise<boolean>;
  /** All of one name, oldest first. */
  of(jobId: string, name: string): Promise<readonly Signal[]>;
}

/** Of one job and name: more people are asked for by no step. */
export const MOST_WORDS = 1_000;

export function createSignalStore({ db }: Pick<Mongo, 'db'>): SignalStore {
  const signals = db.collection<Signal & { _id: string }>('job_signals');
  return {
    ensureIndexes: () => ensureCollection(db, 'job_signals', [{ key: { job_id: 1, name: 1 } }]),
    add: (signal, session) =>
      translated(async () => {
        const { from, ...word } = signal;
        const _id = sha256([word.job_id, word.name, word.verdict, from.id]);
        const change = { $set: { from }, $setOnInsert: word };
        const { upsertedCount } = await signals.updateOne({ _id }, change, { upsert: true, session });
        return upsertedCount === 1;
      }, session),
    of: (jobId, name) =>
      translated(async () => {
        const found = await signals.find({ job_id: jobId, name }).limit(MOST_WORDS).toArray();
        return found
          .filter(isSignal)
          .map((signal) => ({ ...signal, from: storedPrincipal(signal.from) }))
          .sort((a, b) => a.at.getTime() - b.at.getTime());
      }),
  };
}

/** What a foreign hand put there is nobody's word. */
const isSignal = ({ verdict, from, at }: { readonly [K in keyof Signal]: unknown }): boolean =>
  (verdict === 'proceed' || verdict === 'refuse') &&
  typeof (from as Partial<Principal> | null)?.id === 'string' &&
  Object.prototype.toString.call(at) === '[object Date]';
