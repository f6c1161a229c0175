/** Jobs that a job starts: each under a key that makes it one job however often the parent is resumed. */
import { Problem } from '@cloudlysis/contract';
import type { ChildJob } from '../define/definition.ts';
import type { JobEngine } from './job-engine.ts';
import { isFinal, NON_FINAL, type JobDocument } from '../record/job-document.ts';
import type { Children } from '../run/wait-look.ts';

const reasonOf = (input: unknown): string | null => (input as { reason?: string }).reason ?? null;

export function createChildren(deps: Pick<JobEngine, 'store' | 'submit' | 'cancel'>): Children {
  return {
    async start(parent: JobDocument, child: ChildJob) {
      try {
        const job = await deps.submit({
          kind: child.kind,
          input: child.input,
          secrets: new Map(Object.entries(child.secrets ?? {})),
          reason: reasonOf(child.input) ?? parent.reason,
          actor: parent.actor,
          requester: parent.requester,
          idempotencyKey: child.key,
          planHash: null,
          provenance: parent.provenance,
          parentJobId: parent._id,
          parentFence: parent.fence,
          retryOf: null,
        });
        return { jobId: job._id, ended: isFinal(job.state) };
      } catch (error) {
        // A refusal is this child's result; an outage is the step's, which is run again.
        if (!(error instanceof Problem) || error.status >= 500) throw error;
        // There is one, and it is another than the step now asks for: it may be under way, and its end is not this one's.
        if (error.code === 'idempotency.key_reused') throw new Problem('step.failed', error.message, {}, error);
        return { refused: error.message };
      }
    },

    async cancelOpen(parent) {
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
      return (await deps.store.openOf(open.map(({ _id }) => _id))).length;
    },
  };
}
