/** Trying an ended job again: the whole of it, planned anew, or of a job that works through children what is left. */
import { Problem, type Check, type mutations } from '@cloudlysis/contract';
import type { MutationHandler } from '../call.ts';
import { isFinal, type JobDocument } from './job-document.ts';
import { governed, settledJob, type JobCall, type JobHandlerDeps } from './jobs.handlers.ts';
import { withChecks } from './planning.ts';
import type { Retried } from './submission.ts';

/** Ids named in a sentence. */
const NAMED = 20;

export function retryHandler(deps: JobHandlerDeps): MutationHandler<(typeof mutations)['jobs.retry']['submit']> {
  const { engine } = deps;
  return {
    preflight: async (call) => {
      const job = await ended(deps, call);
      const { input, checks } = await retriedOf(deps, job);
      return withChecks(
        await engine.preflight({
          kind: job.kind,
          input,
          actor: call.principal,
          seesAll: call.visible === 'all',
          retryOf: job._id,
        }),
        checks,
      );
    },
    submit: async (call, headers) => {
      const job = await ended(deps, call);
      const again = await engine.submit({
        kind: job.kind, input: job.input, actor: call.principal, reason: call.body.reason,
        idempotencyKey: headers.idempotencyKey, planHash: headers.planHash,
        provenance: call.provenance, parentJobId: null, retryOf: job._id,
        remainder: () => retriedOf(deps, job),
      }); // prettier-ignore
      return settledJob(engine, again, headers, call);
    },
  };
}

async function ended(deps: JobHandlerDeps, call: JobCall): Promise<JobDocument> {
  const job = await governed(deps, call);
  if (!isFinal(job.state) || job.state === 'succeeded')
    throw new Problem('job.state', `${job._id} is ${job.state}; only a job that ended without success is tried again`);
  return job;
}

/** @throws Problem `job.state` when nothing is left to do */
async function retriedOf({ engine }: JobHandlerDeps, job: JobDocument): Promise<Retried> {
  const { remainder } = engine.definitionOf(job.kind);
  if (!remainder) return { input: job.input, checks: [] };
  const children = await engine.store.childrenOf(job._id);
  const succeeded = children.flatMap(({ state, tenant_id }) => (state === 'succeeded' ? (tenant_id ?? []) : []));
  const { input, left, done, changedSince } = await remainder(job.input, [...new Set(succeeded)]);
  const since = changedSince.length > 0 ? `; changed since, and left alone: ${named(changedSince)}` : '';
  if (left.length === 0)
    throw new Problem('job.state', `nothing is left to do of ${job._id}: ${toldDone(done)}${since}`);
  const check: Check = {
    id: 'retry.remainder',
    title: `What is left of ${job._id}`,
    status: changedSince.length > 0 ? 'warn' : 'pass',
    measured: left.length,
    limit: left.length + done.length + changedSince.length,
    unit: 'tenants',
    detail: `left: ${named(left)}; ${toldDone(done)}${since}`,
  };
  return { input, checks: [check] };
}

const toldDone = (done: readonly string[]): string =>
  done.length > 0 ? `done already: ${named(done)}` : 'none is done';

const named = (ids: readonly string[]): string =>
  ids.slice(0, NAMED).join(', ') + (ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '');
