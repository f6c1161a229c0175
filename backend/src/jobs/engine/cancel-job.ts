/** Taking a job's fence away for its way back: one that has not begun has ended with it. */
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import { isFinal, type JobDocument } from '../record/job-document.ts';
import { mustGet, type JobStore } from '../store/jobs.store.ts';
import type { SealedInputs } from '../store/sealed-inputs.ts';

export interface CancelDeps {
  readonly mongo: Mongo;
  readonly store: JobStore;
  readonly sealed: SealedInputs;
  readonly audit: AuditLog;
  readonly ambient: Pick<Ambient, 'now'>;
  /** Called once it is committed: whoever runs the job here stops. */
  taken(jobId: string): void;
}

/** Asked again, it is the same cancel. @throws Problem `job.unknown` | `job.state` where it has ended */
export type Cancel = (
  jobId: string,
  by: string,
  reason: string,
  record: Parameters<AuditLog['append']>[0],
) => Promise<JobDocument>;

export function createCancel({ mongo, store, sealed, audit, ambient, taken }: CancelDeps): Cancel {
  return async (jobId, by, reason, record) => {
    for (;;) {
      const job = await mustGet(store, jobId);
      if (job.state === 'cancelling') return job;
      if (isFinal(job.state)) throw new Problem('job.state', `${jobId} has ${job.state} already`);
      const isOver = job.state === 'queued';
      const cancel = { by, reason, at: ambient.now() };
      const won = await mongo.transaction(async (session) => {
        if (!(await store.requestCancel(job, cancel, cancel.at, session))) return false;
        await audit.append(record, session);
        if (isOver) await sealed.drop(job, session);
        if (isOver && job.parent_job_id !== null) await store.wake(job.parent_job_id, session);
        return true;
      });
      if (!won) continue;
      audit.wake();
      taken(jobId);
      // It is committed: a store that is away now changes nothing of it.
      const asked = { ...job, state: isOver ? 'cancelled' : 'cancelling', cancel } as const;
      return (await store.get(jobId).catch(() => null)) ?? asked;
    }
  };
}
