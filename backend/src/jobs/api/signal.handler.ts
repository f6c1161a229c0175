/** `jobs.signal`: shown before it is sent, like every change. */
import type { Check, mutations, Plan } from '@cloudlysis/contract';
import type { MutationHandler } from '../../call/call.ts';
import type { SignalStep } from '../define/definition.ts';
import type { JobDocument } from '../record/job-document.ts';
import { settledJob, shownJob, type JobHandlerDeps, type SignalCall } from './shown-job.ts';
import { planOf, shownDiff } from '../record/plan-diff.ts';
import type { Bound } from '../plan/plan-seal.ts';

export function signalHandler({ engine }: JobHandlerDeps): MutationHandler<(typeof mutations)['jobs.signal']['submit']> {
  return {
    preflight: async (call) => {
      const job = await shownJob(engine, call.params.job_id, call.visibleAt);
      const { step } = engine.signalled(job, call.params.signal, call.principal);
      return signalPlan(job, step, call, engine.now(), (expires) => engine.seal.seal(boundOf(call), job.fence, expires));
    },
    submit: async (call, headers) => {
      const { params, principal, body, provenance } = call;
      const job = await shownJob(engine, params.job_id, call.visibleAt);
      if (headers.planHash !== null) engine.seal.open(headers.planHash, boundOf(call), engine.now());
      const { verdict, reason, evidence } = body;
      const signal = { name: params.signal, verdict, from: principal, reason, evidence, provenance };
      return settledJob(engine, await engine.signal(job._id, signal), headers, call);
    },
  };
} // prettier-ignore

const boundOf = ({ principal, params, body }: SignalCall): Bound => ({
  principal: principal.id,
  kind: 'jobs.signal',
  input: { ...params, verdict: body.verdict, evidence: body.evidence ?? null },
  retryOf: null,
});

function signalPlan(
  job: JobDocument,
  { name, title, signal }: SignalStep<unknown>,
  { params, body }: SignalCall,
  now: Date,
  seal: (expires: Date) => string,
): Plan {
  const expires = new Date(Math.ceil(now.getTime() / 1000 + 60) * 1000);
  const waits = job.steps.find((step) => step.name === name)?.state === 'waiting';
  const check: Check = {
    id: 'signal.awaited',
    title: 'The job waits for it',
    status: waits ? 'pass' : 'warn',
    measured: waits,
    limit: true,
    unit: null,
    detail: waits
      ? `${job._id} waits for ${signal.name}`
      : `${job._id} has not come to this yet; the word is kept until it has`,
  };
  const given = job.wait?.signal?.given.length ?? 0;
  const { needed = 1 } = signal;
  const after = body.verdict === 'refuse' ? 'refused' : `${given + 1} of ${needed} said proceed`;
  return {
    ...planOf(job.plan),
    hash: seal(expires),
    kind: 'jobs.signal',
    risk: 'low',
    checks: [check],
    steps: [{ name: 'signal', title: `Record it: ${typeof title === 'string' ? title : title(job.input)}`, reversible: false }],
    ...shownDiff([
      { op: 'replace', path: `job.${job._id}.${params.signal}`, before: `${given} of ${needed} said proceed`, after },
    ]),
    blockers: [],
    rollback:
      body.verdict === 'refuse'
        ? 'The job ends without success; submit it again (retry).'
        : 'It cannot be taken back. Cancel the job, or refuse as long as it still waits.',
    created_at: now.toISOString(),
    expires_at: expires.toISOString(),
  };
} // prettier-ignore
