/** A page of jobs for who sees more of one environment than of another: no filter of the store says that. */
import type { JobPages, JobQuestion } from '../store/job-pages.ts';
import type { JobSummaryDocument } from '../record/job-summary.ts';

/** Documents read at once, where most of them may be another environment's. */
const AT_ONCE = 200;

/** Read in order, and sifted, until there are as many as are wanted. What has no place in the order is told to others. */
export async function siftedPage(
  { page }: Pick<JobPages, 'page'>,
  asked: Omit<JobQuestion, 'visible'>,
  most: number,
  shows: (job: JobSummaryDocument) => boolean,
): Promise<{ rows: JobSummaryDocument[]; strays: JobSummaryDocument[] }> {
  const rows: JobSummaryDocument[] = [];
  for (let from: Pick<JobQuestion, 'after' | 'afterId'> = {}; ;) {
    const read = await page({ ...asked, ...from, visible: 'all' }, AT_ONCE);
    rows.push(...read.rows.filter(shows));
    const last = read.rows.at(-1);
    if (rows.length >= most || read.rows.length < AT_ONCE || !last) return { rows: rows.slice(0, most), strays: [] };
    from = { after: last.order, afterId: last._id };
  }
}
