/** Lanes: a job holds one while it works, and whoever plans another is told by whom. */
import type { Check } from '@cloudlysis/contract';
import { checkOf } from './checks.ts';
import type { ActiveJob, JobReader } from '../record/job-reader.ts';

export function laneCheck(lane: string, holder: string | null): Check {
  const detail = holder ? `${holder} holds ${lane}` : `nothing else works on ${lane}`;
  const title = 'No other job works on it';
  return checkOf('lane.free', title, holder ? 'block' : 'pass', { measured: holder, limit: null, detail });
}
export const inWords = ({ jobId, kind, actor }: ActiveJob): string => `${jobId} (${kind}, asked for by ${actor})`;
/** The job that holds a lane, in words; null when it is free. */
export async function laneHolder(jobs: JobReader, lane: string, except: string | null): Promise<string | null> {
  const holder = await jobs.holderOf(lane, except);
  return holder && inWords(holder);
}
