/** Drift as last surveyed: comparing 10 000 tenants everywhere takes a second, so whoever looks often shares one survey. */
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { DriftSurvey } from './drift-survey.ts';

export interface DriftWatch {
  /** The last survey; begins a new one when that is old, and waits for it only where nothing is known. */
  latest(): Promise<DriftSurvey>;
}

const FRESH_MS = 30_000;
/** Surveys take at most this share of the time. */
const SHARE = 1 / 20;
/** What was seen longer ago is not told as the present. */
const STALE_MS = 300_000;

export function createDriftWatch(ambient: Ambient, surveyNow: () => Promise<DriftSurvey>): DriftWatch {
  let last: { readonly survey: DriftSurvey; readonly at: number; readonly due: number } | undefined;
  let running: Promise<DriftSurvey> | undefined;

  async function run(): Promise<DriftSurvey> {
    const at = ambient.monotonic();
    const survey = await surveyNow();
    const took = ambient.monotonic() - at;
    last = { survey, at, due: at + Math.max(FRESH_MS, took / SHARE) };
    return survey;
  }

  return {
    async latest() {
      const now = ambient.monotonic();
      if (!last || now >= last.due) running ??= run().finally(() => (running = undefined));
      if (!last || now - last.at > STALE_MS) return running ?? Promise.reject(new Problem('internal'));
      running?.catch(() => undefined);
      return last.survey;
    },
  };
}
