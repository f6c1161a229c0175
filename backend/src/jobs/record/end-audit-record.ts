/** The audit record of a job's end, which carries the whole execution trace (API-04, AUD-11). */
import type { AuditLog } from '../../audit/record/audit-log.ts';
import { traceOf, type JobDocument } from './job-document.ts';
import { cut } from './large-values.ts';
import { sideOf } from './plan-diff.ts';

/** A record holds 32 KiB and is cut as a whole beyond: an evacuation names 10 000 jobs, and its trace must not go with them. */
const PART_BYTES = 2_048;

/** A value as the trace keeps it: itself, or where it is long its size and digest. */
const traced = (value: unknown): unknown => cut(value, PART_BYTES);

/** Written in the transaction that ends the job. */
export function endAuditRecord(job: JobDocument): Parameters<AuditLog['append']>[0] {
  const { steps, proof } = traceOf(job);
  const trace = steps.map(({ name, state, attempts, started_at, ended_at, intent, outcome, problem }) => ({
    name, state, attempts, started_at: started_at?.toISOString() ?? null, ended_at: ended_at?.toISOString() ?? null,
    intent: traced(intent), outcome: traced(outcome), problem: problem?.code ?? null,
  })); // prettier-ignore
  return {
    code: `job.${job.state}`,
    action: job.kind,
    actor: job.actor,
    resource: job.resource,
    environment: job.environment,
    tenantId: job.tenant_id,
    outcome: job.state as 'succeeded' | 'failed' | 'cancelled' | 'compensated',
    reason: job.cancel?.reason ?? job.reason,
    problem: job.problem?.code ?? null,
    before: sideOf(job.plan, 'before'),
    after: {
      state: job.state,
      fence: job.fence,
      steps: trace,
      proof: traced(proof),
      cancelled_by: job.cancel?.by ?? null,
    },
    jobId: job._id,
    provenance: job.provenance,
  };
}
