/** Jobs that a job starts: each under a key that makes it one job however often the parent is resumed. */
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../ambient.ts';
import type { ChildJob, ChildResult } from './definition.ts';
import { isFinal, type JobDocument } from './job-document.ts';
import type { JobEngine } from './engine.ts';
import { NON_FINAL } from './jobs.store.ts';
import type { RunnerDeps } from './runner.ts';

interface ChildDeps extends Pick<JobEngine, 'store' | 'submit' | 'settled' | 'cancel'> {
  readonly ambient: Ambient;
}

const HOUR_MS = 3_600_000;

const reasonOf = (input: unknown): string | null => (input as { reason?: string }).reason ?? null;

export function childJobs(deps: ChildDeps): {
  run: RunnerDeps['runChildren'];
  cancelAll: RunnerDeps['cancelChildren'];
} {
  const runOne = async (parent: JobDocument, child: ChildJob, signal: AbortSignal): Promise<ChildResult> => {
    let started: JobDocument;
    try {
      started = await deps.submit({
        kind: child.kind,
        input: child.input,
        secrets: new Map(Object.entries(child.secrets ?? {})),
        reason: reasonOf(child.input) ?? parent.reason,
        actor: parent.actor,
        idempotencyKey: child.key,
        planHash: null,
        provenance: parent.provenance,
        parentJobId: parent._id,
        retryOf: null,
      });
    } catch (error) {
      // A refusal is this child's result; an outage is the step's, which is run again.
      if (!(error instanceof Problem) || error.status >= 500) throw error;
      return { key: child.key, jobId: null, state: 'refused', detail: error.message, proof: null };
    }
    let job = started;
    while (!isFinal(job.state)) job = await deps.settled(job._id, HOUR_MS, signal);
    return {
      key: child.key,
      jobId: job._id,
      state: job.state as ChildResult['state'],
      detail: job.problem?.detail ?? null,
      proof: job.proof,
    };
  };

  return {
    async run(parent, jobs, concurrency, signal) {
      const results: ChildResult[] = [];
      const queue = [...jobs.entries()];
      const worker = async (): Promise<void> => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          signal.throwIfAborted();
          results[next[0]] = await runOne(parent, next[1], signal);
        }
      };
      await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
      return results;
    },

    async cancelAll(parent, signal) {
      const open = await deps.store.childrenOf(parent._id, NON_FINAL);
      for (const child of open) {
        const reason = parent.cancel?.reason ?? `the job that started it, ${parent._id}, is being undone`;
        const record = {
          code: 'job.cancel_requested', action: child.kind, actor: parent.cancel?.by ?? parent.actor, resource: child.resource,
          tenantId: child.tenant_id, outcome: 'requested', reason, jobId: child._id, provenance: parent.provenance,
        } as const; // prettier-ignore
        await deps.cancel(child._id, parent.cancel?.by ?? parent.actor, reason, record).catch((error: unknown) => {
          if (!(error instanceof Problem) || error.code !== 'job.state') throw error;
        });
      }
      for (const child of open) {
        let job = child;
        while (!isFinal(job.state)) job = await deps.settled(job._id, HOUR_MS, signal);
      }
    },
  };
}
