/** The API of jobs: every job-making mutation, following jobs, cancel and retry. */
import { Readable } from 'node:stream';
import { Job, Problem, mutations, type MutationId } from '@cloudlysis/contract';
import type { InputOf, MutationHandler, MutationHandlers, ReadHandlers } from '../../call/call.ts';
import { readOne, readRows, textOfId } from '../../kernel/bad-records.ts';
import { instantOf } from '../../kernel/instant.ts';
import { decodeCursor, encodeCursor, NO_PLACE } from '../../kernel/paging.ts';
import type { Principal, Visible } from '../../call/principal.ts';
import type { JobDefinition } from '../define/definition.ts';
import { isVisible, jobToWire, type JobDocument } from '../record/job-document.ts';
import { siftedPage } from './sifted-page.ts';
import { summaryToWire } from '../record/job-summary.ts';
import { jobEvents } from './job-events.ts';
import { cancelPlan } from './cancel-plan.ts';
import type { Bound } from '../plan/plan-seal.ts';
import { retryHandler } from './retry.handler.ts';
import { signalHandler } from './signal.handler.ts';
import { assertMay, governed, settledJob, shownJob, type JobCall, type JobHandlerDeps } from './shown-job.ts';

/** The mutations that are jobs. */
export type JobMutationId = Exclude<MutationId, ActsOnJobs>;
/** Mutations that act on jobs instead of being some. */
export type ActsOnJobs = (typeof ACT_ON_JOBS)[number];
const ACT_ON_JOBS = ['jobs.cancel', 'jobs.retry', 'jobs.signal'] as const satisfies readonly MutationId[];
export const isJobKind = (id: MutationId): id is JobMutationId => !(ACT_ON_JOBS as readonly MutationId[]).includes(id);
/** One definition per mutation; a missing or extra one is a compile error. */
export type JobDefinitions<Ids extends JobMutationId = JobMutationId> = {
  readonly [K in Ids]: JobDefinition<InputOf<K>>;
};

/** @throws Problem `record.unreadable` */
const shownWire = (job: JobDocument, visible: Visible): Job =>
  readOne(job, (one) => jobToWire(one, visible === 'all'), Job);

export function jobReads({ engine, ambient }: JobHandlerDeps): ReadHandlers<'jobs.list' | 'jobs.get' | 'jobs.events'> {
  return {
    'jobs.list': async ({ query, visible, visibleAt, isAcross }) => {
      const { limit, cursor, sort, open, from, to, ...exact } = query;
      const filter = {
        ...exact,
        open: open && open === 'true',
        from: from === undefined ? undefined : instantOf(from),
        to: to === undefined ? undefined : instantOf(to),
      };
      const after = cursor === undefined ? {} : placeOf(cursor);
      const order = sort === 'created_at' ? 1 : -1;
      const asked = { filter, visible, sort: order, ...after } as const;
      const isSifted = isAcross && visible !== 'all';
      const page = isSifted
        ? await siftedPage(engine.store, asked, limit + 1, (job) => isVisible(job, visibleAt(job.environment)))
        : await engine.store.page(asked, limit + 1);
      const rows = page.rows.slice(0, limit);
      const last = rows.at(-1);
      const strays = page.strays.map(({ _id }) => ({ id: textOfId(_id), reason: NO_PLACE }));
      const misplaced = cursor === undefined && visible === 'all' ? await engine.store.misplaced() : [];
      const { items, unreadable } = readRows(rows, summaryToWire);
      return {
        items,
        unreadable: [...misplaced, ...strays, ...unreadable],
        next_cursor: page.rows.length > limit && last ? encodeCursor(`${last.order} ${last._id}`) : null,
      };
    },
    'jobs.get': async ({ params, visibleAt }) => {
      const job = await shownJob(engine, params.job_id, visibleAt);
      return shownWire(job, visibleAt(job.environment));
    },
    'jobs.events': async ({ params, visibleAt, signal }) => {
      const first = await shownJob(engine, params.job_id, visibleAt);
      const visible = visibleAt(first.environment);
      shownWire(first, visible);
      return {
        type: 'text/event-stream',
        stream: Readable.from(jobEvents(engine.watch, ambient, first, visible === 'all', signal)),
      };
    },
  };
}

/** @throws Problem `cursor.invalid` */
function placeOf(cursor: string): { after: number; afterId: string } {
  const [order, ...id] = decodeCursor(cursor, 'string').split(' ');
  const after = Number(order || NaN);
  if (Number.isNaN(after) || id.length === 0) throw new Problem('cursor.invalid');
  // A foreign one may have spaces.
  const afterId = id.join(' ');
  return { after, afterId };
}

/** The two handlers of one job-making mutation. */
export function jobMutation(
  deps: JobHandlerDeps,
  kind: JobMutationId,
): MutationHandler<(typeof mutations)[JobMutationId]['submit']> {
  const { engine } = deps;
  /** The input, once it is known that the caller's permission covers every tenant it names. */
  const allowedInput = (call: { principal: Principal; params: object; body: unknown }): unknown => {
    const definition = engine.definitionOf(kind);
    const input = { ...call.params, ...(call.body as object) };
    for (const tenantId of definition.tenants?.(input) ?? [])
      assertMay(deps, call.principal, definition.permission, {
        kind,
        tenantId,
        environment: definition.environment?.(input),
      });
    return input;
  };
  return {
    preflight: async (call) =>
      engine.preflight({
        kind,
        input: allowedInput(call),
        secrets: call.secrets,
        actor: call.principal,
        seesAll: call.visible === 'all',
        retryOf: null,
      }),
    submit: async (call, headers) => {
      const input = allowedInput(call);
      const job = await engine.submit({
        kind, input, secrets: call.secrets, actor: call.principal,
        reason: (call.body as { reason?: string }).reason ?? null,
        idempotencyKey: headers.idempotencyKey, planHash: headers.planHash,
        provenance: call.provenance, parentJobId: null, retryOf: null,
      }); // prettier-ignore
      return settledJob(engine, job, headers, call);
    },
  };
}

export function jobMutations(deps: JobHandlerDeps, kinds: readonly JobMutationId[]): MutationHandlers {
  const made = Object.fromEntries(
    kinds.map((kind) => [kind, jobMutation(deps, kind)]),
  ) as unknown as MutationHandlers<JobMutationId>;
  return {
    ...made,
    'jobs.cancel': cancelHandler(deps),
    'jobs.retry': retryHandler(deps),
    'jobs.signal': signalHandler(deps),
  };
}

const boundOf = ({ principal, params }: JobCall): Bound => ({
  principal: principal.id,
  kind: 'jobs.cancel',
  input: { job_id: params.job_id },
  retryOf: null,
});

function cancelHandler(deps: JobHandlerDeps): MutationHandler<(typeof mutations)['jobs.cancel']['submit']> {
  const { engine } = deps;
  return {
    preflight: async (call) => {
      const job = await governed(deps, call);
      return cancelPlan(job, engine.now(), (expires) => engine.seal.seal(boundOf(call), job.fence, expires));
    },
    submit: async (call, headers) => {
      const job = await governed(deps, call);
      // A claim that moved on meanwhile is no reason to let the job run: what is quoted must be the caller's, no more.
      if (headers.planHash !== null) engine.seal.open(headers.planHash, boundOf(call), engine.now());
      // Asking twice is not an error: a cancel is its own idempotency key.
      const cancelled = job.cancel
        ? job
        : await engine.cancel(job._id, call.principal.id, call.body.reason, {
            code: 'job.cancel_requested', action: 'jobs.cancel', actor: call.principal, resource: job.resource, environment: job.environment, tenantId: job.tenant_id,
            outcome: 'requested', reason: call.body.reason, jobId: job._id, provenance: call.provenance,
          }); // prettier-ignore
      return settledJob(engine, cancelled, headers, call);
    },
  };
}
