/** Sending a job what it waits for: the word, its audit record and the waking are one transaction. */
import { Problem, type Verdict } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditLog } from '../../audit/record/audit-log.ts';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import type { Principal, Provenance } from '../../call/principal.ts';
import type { JobDefinition, SignalStep } from '../define/definition.ts';
import { isFinal, type JobDocument } from '../record/job-document.ts';
import { mustGet, type JobStore } from '../store/jobs.store.ts';
import { definitionFor } from '../store/known-job.ts';
import type { May } from '../record/rights.ts';
import type { SignalStore } from '../store/signal-store.ts';
import { mayAnswer } from '../run/wait-look.ts';

export interface SentSignal {
  readonly name: string;
  readonly verdict: Verdict;
  readonly from: Principal;
  readonly reason: string;
  readonly evidence: unknown;
  readonly provenance: Provenance;
}

export interface Signalling {
  /** The step that the signal is for, and its place in the job. @throws Problem `signal.unknown` | `job.state` where it is over | `job.unfamiliar` | `permission.missing` */
  asked(
    job: JobDocument,
    name: string,
    from: Principal,
  ): { readonly step: SignalStep<unknown>; readonly index: number };
  /** Sent twice by the same person it is sent once. @throws Problem like `asked`, and `job.unknown` */
  send(jobId: string, signal: SentSignal): Promise<JobDocument>;
}

export interface SignallingDeps {
  readonly mongo: Mongo;
  readonly store: JobStore;
  readonly signals: SignalStore;
  readonly audit: AuditLog;
  readonly ambient: Pick<Ambient, 'now'>;
  readonly may: May;
  definitionOf(kind: string): JobDefinition<unknown>;
  /** Called once a job may have become claimable. */
  woken(jobId: string): void;
}

export function createSignalling(deps: SignallingDeps): Signalling {
  const asked: Signalling['asked'] = (job, name, from) => {
    const { steps } = definitionFor(job, deps.definitionOf(job.kind));
    const index = steps.findIndex((step) => 'signal' in step && step.signal.name === name);
    const step = steps[index];
    if (!step || !('signal' in step)) throw new Problem('signal.unknown', `${job._id} waits for no signal ${name}`);
    if (isFinal(job.state)) throw new Problem('job.state', `${job._id} has ${job.state} already`);
    const { state, wait } = job.steps[index]!;
    if (job.direction === 'backward' || (state !== 'pending' && state !== 'waiting'))
      throw new Problem('job.state', `${job._id} waits for ${name} no more`);
    if (wait?.until && deps.ambient.now() > wait.until)
      throw new Problem('job.state', `${job._id} waited for ${name} until ${wait.until.toISOString()}`);
    const refusal = mayAnswer(deps.may, job, step, from);
    if (refusal !== null) throw new Problem('permission.missing', refusal, { permission: step.signal.permission });
    return { step, index };
  };

  return {
    asked,
    async send(jobId, { name, verdict, from, reason, evidence, provenance }) {
      const job = await mustGet(deps.store, jobId);
      const { index } = asked(job, name, from);
      const at = deps.ambient.now();
      await deps.mongo.transaction(async (session) => {
        const signal = { job_id: jobId, name, verdict, from, reason, evidence: evidence ?? null, at };
        if (await deps.signals.add(signal, session)) {
          const resource = job.resource;
          await deps.audit.append(
            {
              code: 'job.signalled', action: 'jobs.signal', actor: from, resource, environment: job.environment, tenantId: job.tenant_id, outcome: 'requested',
              reason, jobId, provenance, after: { signal: name, verdict, evidence: evidence ?? null },
            },
            session,
          ); // prettier-ignore
        }
        // Also for a word that stands already: who sent it may have been allowed to in the meantime once more.
        if (!(await deps.store.wakeStep(jobId, index, session)))
          throw new Problem('job.state', `${jobId} waits for ${name} no more`);
      });
      deps.audit.wake();
      deps.woken(jobId);
      return (await deps.store.get(jobId).catch(() => null)) ?? job;
    },
  };
}
