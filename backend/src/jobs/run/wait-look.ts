/**
 * One look at what a job waits for. A job that waits is a record and nothing else: no slot, no lease, no timer. Who ends
 * what it waits for (a child's end, a signal, the sweep that meets its time) makes it claimable, and its claimant looks here.
 */
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { Principal } from '../../call/principal.ts';
import type { ChildJob, ChildResult, ChildrenStep, SignalStep, Step, StepContext, TimeStep, WaitStep } from '../define/definition.ts'; // prettier-ignore
import { childKey } from '../record/idempotency.ts';
import { tenantsOf, type JobDocument, type StepWait, type Wait } from '../record/job-document.ts';
import type { JobStore } from '../store/jobs.store.ts';
import type { Signal, SignalStore } from '../store/signal-store.ts';
import type { May } from '../record/rights.ts';

export interface LookDeps {
  readonly store: Pick<JobStore, 'childEnds' | 'openOf'>;
  readonly signals: Pick<SignalStore, 'of'>;
  readonly ambient: Pick<Ambient, 'now'>;
  readonly may: May;
  /** Starts a child, or finds it started: its job and whether that has ended, or why there is none. @throws FenceLost when the parent is somebody else's now */
  startChild(parent: JobDocument, child: ChildJob): Promise<{ jobId: string; ended: boolean } | { refused: string }>;
}

export interface Look {
  /** What the step returns; absent while it waits. */
  readonly ended?: () => Promise<unknown>;
  readonly kept: StepWait;
  /** What is told while it waits; null where there is more to do at once. */
  readonly wait: Wait | null;
}

export const isWait = <I>(step: Step<I>): step is WaitStep<I> => !('run' in step);
/** Waits for nothing that the job itself set going. */
export const isIdle = <I>(step: Step<I>): step is TimeStep<I> | SignalStep<I> => 'until' in step || 'signal' in step;

/** Whether a job has begun to change the world, or would with what comes next: from then on it holds its lane. */
export function needsLane(job: Pick<JobDocument, 'active' | 'steps'>, steps: readonly Step<unknown>[]): boolean {
  if (job.active) return true;
  const next = job.steps.findIndex(({ state }) => state !== 'succeeded');
  return next === -1 || !steps.slice(0, next + 1).every(isIdle);
}

/** @throws Problem `signal.refused` | `wait.expired`, or what starting a child threw */
export function look(
  deps: LookDeps,
  job: JobDocument,
  step: WaitStep<unknown>,
  kept: StepWait | null,
  context: StepContext<unknown>,
): Promise<Look> {
  if ('until' in step) return lookAtTime(deps, step, kept, context);
  if ('signal' in step) return lookAtSignals(deps, job, step, kept);
  return lookAtChildren(deps, job, step, kept, context);
}

async function lookAtTime(
  { ambient }: LookDeps,
  step: TimeStep<unknown>,
  kept: StepWait | null,
  context: StepContext<unknown>,
): Promise<Look> {
  const now = ambient.now();
  const until = momentOf(kept?.until ?? (await step.until(context)), step.name);
  const since = kept?.since ?? now;
  const wait: Wait = { for: 'time', what: until.toISOString(), since, until, signal: null };
  const isOver = now.getTime() >= until.getTime();
  return { wait, kept: { since, until }, ...(isOver ? { ended: async () => ({ until: until.toISOString() }) } : {}) };
}

async function lookAtSignals(
  deps: LookDeps,
  job: JobDocument,
  step: SignalStep<unknown>,
  kept: StepWait | null,
): Promise<Look> {
  const { name, permission, notByRequester, needed = 1 } = step.signal;
  const now = deps.ambient.now();
  const until = kept ? kept.until : deadlineOf(step, job.input, now);
  const since = kept?.since ?? now;
  const given = await givenTo(deps, job, step, until);
  const ended = async (): Promise<unknown> => ({
    given: given.map(({ from, at, reason, evidence }) => ({
      by: from.id,
      at: at.toISOString(),
      reason,
      evidence: evidence ?? null,
    })),
  });
  if (given.length >= needed) return { kept: { since, until }, wait: null, ended };
  if (until !== null && now.getTime() >= until.getTime())
    throw new Problem(
      'wait.expired',
      `${given.length} of ${needed} have said proceed to ${name} by ${until.toISOString()}`,
    );
  const signal = {
    permission,
    except: notByRequester ? job.actor : null,
    needed,
    given: given.map(({ from, at }) => ({ by: from.id, at })),
  };
  return { kept: { since, until }, wait: { for: 'signal', what: name, since, until, signal } };
}

/** What goes out on the wire: RFC 3339 has four digits for a year. */
const FIRST = new Date(0);
const LAST = new Date('9999-12-31T23:59:59.999Z');

/** What is no time would be waited for without an end, and be told of by no page. @throws Problem `step.failed` */
function momentOf(at: Date, step: string): Date {
  if (at <= LAST) return at < FIRST ? FIRST : at;
  throw new Problem('step.failed', `What ${step} waits for is no time before the year 10000: ${String(at)}`);
}

function deadlineOf({ name, signal: { withinMs } }: SignalStep<unknown>, input: unknown, now: Date): Date | null {
  const ms = typeof withinMs === 'function' ? withinMs(input) : withinMs;
  return ms === undefined || ms === Infinity ? null : momentOf(new Date(now.getTime() + ms), name);
}

/**
 * What was said to a step, in time, by those who may say it as things are now: one word for each person.
 * @throws Problem `signal.refused` where one of them is against it
 */
export async function givenTo(
  { signals, may }: Pick<LookDeps, 'signals' | 'may'>,
  job: JobDocument,
  step: SignalStep<unknown>,
  until: Date | null,
): Promise<readonly Signal[]> {
  const sent = await signals.of(job._id, step.signal.name);
  const counted = sent.filter(({ from, at }) => (until === null || at <= until) && mayAnswer(may, job, step, from) === null);
  const refusal = counted.find(({ verdict }) => verdict === 'refuse');
  if (refusal) throw new Problem('signal.refused', `${refusal.from.id} refused: ${refusal.reason}`);
  return onePerPerson(counted);
} // prettier-ignore

/** Who speaks for somebody, and who is spoken for, are one: by two names nobody is two people. */
function onePerPerson(signals: readonly Signal[]): Signal[] {
  const heard = new Set<string>();
  return signals.filter(({ from }) => {
    const names = namesOf(from);
    const isNew = !names.some((name) => heard.has(name));
    if (isNew) names.forEach((name) => heard.add(name));
    return isNew;
  });
}

const namesOf = ({ id, onBehalfOf }: Principal): string[] =>
  [id, onBehalfOf].filter((name) => typeof name === 'string');

/** Why somebody's word does not count for a step; null where it does. */
export function mayAnswer(
  may: May,
  job: Pick<JobDocument, 'kind' | 'environment' | 'actor' | 'requester' | 'tenant_id' | 'tenants'>,
  { signal: { name, permission, notByRequester } }: Pick<SignalStep<unknown>, 'signal'>,
  from: Principal,
): string | null {
  if (notByRequester && isRequester(job, from))
    return `${name} is for somebody else to give than who asked for the job`;
  for (const tenantId of tenantsOf(job)) {
    const { allowed, reason } = may(from, permission, { kind: job.kind, tenantId, environment: job.environment });
    if (!allowed) return reason ?? `${permission} is missing`;
  }
  return null;
}

/** A service that speaks for somebody is that somebody, too. */
function isRequester({ actor, requester }: Pick<JobDocument, 'actor' | 'requester'>, from: Principal): boolean {
  const asked = [actor, requester?.onBehalfOf];
  return namesOf(from).some((name) => asked.includes(name));
}

/** Children started in one look: what was started is then written down before there are more. */
const STARTS = 100;

async function lookAtChildren(
  deps: LookDeps,
  job: JobDocument,
  step: ChildrenStep<unknown>,
  kept: StepWait | null,
  context: StepContext<unknown>,
): Promise<Look> {
  const { jobs, atOnce } = step.children(context);
  const keys = new Map(jobs.map(({ key }, index) => [key, index]));
  const since = kept?.since ?? deps.ambient.now();
  const { children } = kept ?? {};
  let next = children?.next ?? 0;
  const refused = [...(children?.refused ?? [])];
  const open = children?.open.length ? await deps.store.openOf(children.open) : [];
  const twice = jobs.find(({ key }, index) => keys.get(key) !== index);
  if (twice) throw new Problem('step.failed', `${step.name} starts two jobs under the key ${twice.key}`);
  // Also where somebody divided by nothing: a step that starts none waits for ever.
  const room = atOnce >= 1 ? atOnce : 1;
  for (let starts = 0; open.length < room && next < jobs.length && starts < STARTS; starts += 1, next += 1) {
    context.signal.throwIfAborted();
    const child = jobs[next]!;
    const started = await deps.startChild(job, child);
    if ('jobId' in started) open.push(...(started.ended ? [] : [started.jobId]));
    else refused.push({ key: child.key, detail: refused.length < TOLD ? started.refused.slice(0, MAX_REFUSAL) : '' });
  }
  const progress = { since, until: null, children: { next, open, refused } };
  if (next === jobs.length && open.length === 0)
    return {
      kept: progress,
      wait: null,
      ended: async () => step.joined(context, await resultsOf(deps, job, jobs, refused)),
    };
  if (open.length < room && next < jobs.length) return { kept: progress, wait: null };
  const done = next - open.length;
  const what = `${done} of ${jobs.length} jobs that it starts have ended, ${open.length} under way`;
  return { kept: progress, wait: { for: 'children', what, since, until: null, signal: null } };
}

/** Refusals whose words are kept, and how many of these. */
const TOLD = 200;
const MAX_REFUSAL = 500;

async function resultsOf(
  { store }: Pick<LookDeps, 'store'>,
  parent: JobDocument,
  jobs: readonly ChildJob[],
  refused: readonly { readonly key: string; readonly detail: string }[],
): Promise<ChildResult[]> {
  const ends = await store.childEnds(parent._id);
  const details = new Map(refused.map(({ key, detail }) => [key, detail]));
  return jobs.map(({ key }): ChildResult => {
    const detail = details.get(key);
    if (detail !== undefined) return { key, jobId: null, state: 'refused', detail: detail || null, proof: null };
    const keys = childKey(parent.actor, parent._id, key);
    const end = ends.get(keys.key) ?? ends.get(keys.earlier.idempotency);
    if (!end) throw new Error(`The child ${key} of ${parent._id} is not there`);
    const state = end.state as Exclude<ChildResult['state'], 'refused'>;
    return { key, jobId: end._id, state, detail: end.problem?.detail ?? null, proof: end.proof };
  });
}

export interface Children {
  readonly start: LookDeps['startChild'];
  /** Asks those that are under way to stop, and says how many there are. */
  cancelOpen(parent: JobDocument): Promise<number>;
}
