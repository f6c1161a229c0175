/** The overview: the platform at a glance. */
import type { Overview } from '@cloudlysis/contract';
import { PAGES } from '../../address/paths';
import type { Feature } from '../../feature';
import type { Tone } from '../../values/status-tones';

type Word = Overview['services'][number]['state'] | Overview['attention'][number]['severity'];

export const overview: Feature = {
  pages: [{ path: PAGES.overview, load: async () => (await import('./OverviewPage')).OverviewPage }],
  tones: {
    ok: 'good',
    degraded: 'warning',
    down: 'bad',
    unknown: 'quiet',
    critical: 'bad',
    warning: 'warning',
    info: 'quiet',
  } satisfies Record<Word, Tone>,
};
