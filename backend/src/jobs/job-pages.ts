/** Lists and counts of jobs: a keyset over the order of submission, in bounded windows, summaries only. */
import type { Collection, Filter } from 'mongodb';
import { FINAL_STATES, type JobState } from '@cloudlysis/contract';
import { inWindows, type Range } from '../ports/mongo/in-windows.ts';
import { prompt, READ_MS } from '../ports/mongo/mongo.ts';
import type { Visible } from '../principal.ts';
import type { JobDocument } from './job-document.ts';
import { SUMMARY_FIELDS, type JobSummaryDocument } from './job-summary.ts';
import { NON_FINAL } from './jobs.store.ts';

export interface JobFilter {
  state?: JobState | undefined;
  kind?: string | undefined;
  tenant_id?: string | undefined;
  actor?: string | undefined;
  lane?: string | undefined;
  parent_job_id?: string | undefined;
  /** Not ended, or ended. */
  open?: boolean | undefined;
  /** Submitted at or after. */
  from?: Date | undefined;
  /** Submitted before. */
  to?: Date | undefined;
}

export interface JobQuestion {
  readonly filter: JobFilter;
  readonly visible: Visible;
  /** 1 = oldest first. */
  readonly sort: 1 | -1;
  /** `order` of the last job of the page before. */
  readonly after?: number | undefined;
  readonly now: Date;
}

export interface JobPages {
  page(question: JobQuestion, limit: number): Promise<JobSummaryDocument[]>;
  /** How many jobs submitted since then are in one of the states, counting no further than `most`. */
  count(states: readonly JobState[], since: Date, now: Date, visible: Visible, most: number): Promise<number>;
}

const PER_MS = 4096;
/** First window of a page: a minute of submissions. */
const FIRST_WINDOW = 60_000 * PER_MS;
/** A clock that stepped back leaves orders ahead of their times by as much; the times themselves are compared, too. */
const SKEW_MS = 60_000;

const newest = (now: Date): number => (now.getTime() + SKEW_MS) * PER_MS;

export function createJobPages(jobs: Collection<JobDocument>): JobPages {
  let oldest: number | undefined;
  /** Where a walk upward begins; asked once, since nothing is ever submitted before it. */
  const beginning = async (): Promise<number> => {
    const [first] = oldest === undefined ? await jobs.find().sort({ order: 1 }).limit(1).toArray() : [];
    return (oldest ??= first?.order) ?? 0;
  };

  async function rangeOf({ filter, sort, after, now }: JobQuestion): Promise<Range> {
    const end = Number.MAX_SAFE_INTEGER;
    const high = filter.to === undefined ? end : (filter.to.getTime() + SKEW_MS) * PER_MS;
    const low = filter.from ? filter.from.getTime() * PER_MS : sort === 1 ? await beginning() : 0;
    const range = { order: sort, firstWindow: FIRST_WINDOW };
    if (sort === 1) return { ...range, low: Math.max(low, (after ?? -1) + 1), high: Math.min(high, newest(now)) };
    return { ...range, low, high: Math.min(high, after ?? end, newest(now)) };
  }

  return {
    page: (question, limit) =>
      prompt(async () => {
        const range = await rangeOf(question);
        const [single, several] = filtersOf(question);
        const pages = await Promise.all([
          single && inWindows(jobs, 'order', single, range, limit, SUMMARY_FIELDS),
          // Few jobs are about several tenants, so one open range over their own index is enough.
          several &&
            inWindows(jobs, 'order', several, { ...range, firstWindow: range.high - range.low }, limit, SUMMARY_FIELDS),
        ]);
        const found = pages.flatMap((page) => page ?? []);
        return found.sort((a, b) => (a.order - b.order) * question.sort).slice(0, limit);
      }, READ_MS),
    count: (states, since, now, visible, most) =>
      prompt(async () => {
        const order = { $gte: since.getTime() * PER_MS, $lt: newest(now) };
        const seen = visible === 'all' ? {} : { tenant_id: { $in: [...visible] } };
        const counts = states.map((state) =>
          jobs.countDocuments({ state, ...seen, order } as Filter<JobDocument>, { limit: most }),
        );
        return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
      }, READ_MS),
  };
}

/** What is asked of jobs about one tenant (or none), and of those about several; null where no job can fit. */
function filtersOf({ filter, visible }: JobQuestion): [Filter<JobDocument> | null, Filter<JobDocument> | null] {
  const { open, from, to, tenant_id, ...exact } = filter;
  const states = open === undefined ? null : open ? NON_FINAL : FINAL_STATES;
  if (exact.state && states && !(states as readonly JobState[]).includes(exact.state)) return [null, null];
  if (tenant_id !== undefined && visible !== 'all' && !visible.has(tenant_id)) return [null, null];
  const created = { ...(from ? { $gte: from } : {}), ...(to ? { $lt: to } : {}) };
  const shared = {
    ...Object.fromEntries(Object.entries(exact).filter(([, value]) => value !== undefined)),
    ...(states && !exact.state ? { state: { $in: [...states] } } : {}),
    ...(from || to ? { created_at: created } : {}),
  };
  if (tenant_id === undefined && visible === 'all') return [shared, null];
  const seen = visible === 'all' ? null : [...visible];
  const single = tenant_id === undefined ? { $in: seen! } : tenant_id;
  // Who may see all of its tenants sees the job.
  const within = seen && { tenants: { $not: { $elemMatch: { $nin: seen } } } };
  const several = { tenants: tenant_id ?? { $in: seen! }, ...(within ? { $and: [within] } : {}) };
  return [{ ...shared, tenant_id: single } as Filter<JobDocument>, { ...shared, ...several } as Filter<JobDocument>];
}
