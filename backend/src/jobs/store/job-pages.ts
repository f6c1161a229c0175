/** Lists and counts of jobs: a keyset over the order of submission, in bounded windows, summaries only. */
import type { Collection, Filter } from 'mongodb';
import { FINAL_STATES, type JobState } from '@cloudlysis/contract';
import { inWindows, type Range } from '../../ports/mongo/in-windows.ts';
import { prompt, READ_MS } from '../../ports/mongo/mongo.ts';
import type { Visible } from '../../call/principal.ts';
import { placedRows } from '../../kernel/paging.ts';
import { NON_FINAL, type JobDocument } from '../record/job-document.ts';
import { SUMMARY_FIELDS, type JobSummaryDocument } from '../record/job-summary.ts';

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
  /** Its id: two replicas may give out the same order. */
  readonly afterId?: string | undefined;
}

export interface JobPages {
  /** `strays`: those met among them whose id is none of a job. */
  page(question: JobQuestion, limit: number): Promise<{ rows: JobSummaryDocument[]; strays: JobSummaryDocument[] }>;
  /** How many jobs submitted since then are in one of the states, counting no further than `most`. */
  count(states: readonly JobState[], since: Date | null, visible: Visible, most: number): Promise<number>;
  /** An order above all that were seen: newest job last, also when a clock steps back or another replica's is ahead. */
  nextOrder(): number;
  /** Looks for what other replicas submitted above. */
  lookUp(): Promise<void>;
}

const PER_MS = 4096;
/** First window of a page: a minute of submissions. */
const FIRST_WINDOW = 60_000 * PER_MS;
/** An order is a double: counting on above this one would not move it. What lies beyond is listed, and not counted from. */
const SANE = Date.UTC(2038, 0) * PER_MS;

export function createJobPages(jobs: Collection<JobDocument>, now: () => Date): JobPages {
  let oldest: number | undefined;
  let highest = -Infinity;
  const current = (): number => Math.min(now().getTime() * PER_MS, SANE);
  const noted = (found: readonly JobSummaryDocument[]): void => {
    for (const { order } of found) if (order > highest && order <= SANE) highest = order;
  };
  /** Where a walk upward begins; asked once: what was submitted below it since lies in the first window, too. */
  const beginning = async (): Promise<number> => {
    const [first] =
      oldest === undefined
        ? await jobs
            .find({}, { projection: { order: 1 } })
            .sort({ order: 1 })
            .limit(1)
            .toArray()
        : [];
    return (oldest ??= first?.order) ?? 0;
  };

  /**
   * No clock bounds the orders: one that is ahead or behind would hide jobs. A time asked for bounds them on one side
   * only: an order is never below the time of its job, and can be far above.
   */
  async function rangeOf({ filter, sort, after }: JobQuestion): Promise<Range> {
    const low = filter.from && filter.from.getTime() * PER_MS;
    const start = sort === -1 ? Math.max(highest, current()) : (low ?? (after === undefined ? await beginning() : 0));
    return { order: sort, firstWindow: FIRST_WINDOW, start, low, after };
  }

  /** The rest of those that share their order with the last job of the page before. */
  async function tied(filter: Filter<JobDocument>, { sort, after, afterId }: JobQuestion, limit: number) {
    if (after === undefined || afterId === undefined) return [];
    // Ids that are no text are beyond every text.
    const beyond = { order: after, _id: { $not: sort === 1 ? { $lte: afterId } : { $gte: afterId } } };
    return jobs
      .find({ ...filter, ...beyond } as Filter<JobDocument>, { projection: SUMMARY_FIELDS })
      .sort({ _id: sort })
      .limit(limit)
      .toArray();
  }

  async function first(question: JobQuestion, limit: number): Promise<JobSummaryDocument[]> {
    const range = await rangeOf(question);
    const pages = filtersOf(question).map(async (filter, about) => {
      if (!filter) return [];
      // Few jobs are about several tenants, so one open range over their own index is enough.
      const firstWindow = about === 0 ? range.firstWindow : Infinity;
      return Promise.all([
        tied(filter, question, limit),
        inWindows(jobs, 'order', filter, { ...range, firstWindow }, limit, SUMMARY_FIELDS),
      ]);
    });
    const found = (await Promise.all(pages)).flat(2);
    noted(found);
    return found.sort(inOrder(question.sort));
  }

  return {
    page: (question, limit) => placedRows(limit, (most) => prompt(() => first(question, most), READ_MS)),
    count: (states, since, visible, most) =>
      prompt(async () => {
        const times = since && { order: { $gte: since.getTime() * PER_MS }, created_at: { $gte: since } };
        const seen = visible === 'all' ? {} : { tenant_id: { $in: [...visible] } };
        const counts = states.map((state) =>
          jobs.countDocuments({ state, ...seen, ...times } as Filter<JobDocument>, { limit: most }),
        );
        return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
      }, READ_MS),
    nextOrder: () => (highest = Math.max(highest + 1, current())),
    lookUp: () =>
      prompt(async () => {
        const order = { $gt: Math.max(highest, current()), $lte: SANE };
        noted(
          await jobs
            .find({ order }, { projection: { order: 1 } })
            .sort({ order: -1 })
            .limit(1)
            .toArray(),
        );
      }),
  };
}

const inOrder =
  (sort: 1 | -1) =>
  (a: JobSummaryDocument, b: JobSummaryDocument): number =>
    (a.order === b.order ? (a._id < b._id ? -1 : 1) : a.order - b.order) * sort;

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
