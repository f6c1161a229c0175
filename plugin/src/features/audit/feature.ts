/** The audit log. */
import type { Outcome } from '@cloudlysis/contract';
import { PAGES, paths } from '../../address/paths';
import type { Feature } from '../../feature';
import type { Tone } from '../../values/status-tones';

export const audit: Feature = {
  pages: [{ path: PAGES.audit, load: async () => (await import('./AuditPage')).AuditPage }],
  tones: {
    requested: 'busy',
    succeeded: 'good',
    failed: 'bad',
    refused: 'bad',
    cancelled: 'quiet',
    compensated: 'warning',
  } satisfies Record<Outcome, Tone>,
  places: { audit: () => ({ href: paths.audit() }) },
};
