/** Trying an ended job again: the whole of it, planned anew, or of a job that works through children what is left. */
import { Problem, secretName, type Check, type mutations } from '@cloudlysis/contract';
import type { Call, MutationHandler } from '../../call/call.ts';
import type { Secrets } from '../../secrets/secret.ts';
import { givenSecrets } from '../define/given-secrets.ts';
import { isFinal, type JobDocument } from '../record/job-document.ts';
import { governed, settledJob, type JobCall, type JobHandlerDeps } from './shown-job.ts';
import { withChecks } from '../plan/planning.ts';
import type { Retried } from '../engine/submission.ts';

type RetryCall = Call<(typeof mutations)['jobs.retry']['submit']> | Call<(typeof mutations)['jobs.retry']['preflight']>;

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
          secrets: secretsOfJob(deps, job, call),
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
        kind: job.kind, input: job.input, secrets: secretsOfJob(deps, job, call), actor: call.principal, reason: call.body.reason,
        idempotencyKey: headers.idempotencyKey, planHash: headers.planHash,
        provenance: call.provenance, parentJobId: null, retryOf: job._id,
        remainder: () => retriedOf(deps, job),
      }); // prettier-ignore
      return settledJob(engine, again, headers, call);
    },
  };
}

/**
 * The job's secrets as they were given once more, by their fields in its input.
 * @throws Problem `secret.needed` that names them, `request.invalid` for others
 */
function secretsOfJob({ engine }: JobHandlerDeps, job: JobDocument, call: RetryCall): Secrets {
  const given = Object.keys(call.body.secrets ?? {}).map(
    (field) => [field, call.secrets.get(secretName(['secrets', field]))!] as const,
  );
  return givenSecrets(engine.definitionOf(job.kind), job.input, new Map(given));
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
