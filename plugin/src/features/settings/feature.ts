/** Settings: the control plane's own connections. */
import type { Connection } from '@cloudlysis/contract';
import { PAGES, paths } from '../../address/paths';
import type { Feature } from '../../feature';
import type { Tone } from '../../values/status-tones';

export const settings: Feature = {
  pages: [{ path: PAGES.settings, load: async () => (await import('./SettingsPage')).SettingsPage }],
  tones: { ok: 'good', failed: 'bad', 'not-asked': 'warning', 'not-configured': 'quiet' } satisfies Record<
    Connection['state'],
    Tone
  >,
  places: { service: () => ({ href: paths.settings() }) },
};
