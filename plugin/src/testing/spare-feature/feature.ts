/** A feature as small as they come: the benchmark adds it to a copy of the app, to weigh what the other pages pay for one more. */
import { linkTo } from '../../address/paths';
import type { ChangeWords } from '../../change/change-words';
import type { Feature } from '../../feature';

const SPARES = 'spares/:spareId?';

/** No operations of the contract, which has nothing to spare. */
const spareChanges: Readonly<Record<string, ChangeWords>> = {
  'spares.put': { verb: 'Edit spare', title: ({ spare_id }) => (spare_id ? `Spare ${String(spare_id)}` : 'New spare') },
  'spares.swap': { verb: 'Swap', title: ({ spare_id, to }) => `Swap ${String(spare_id)} → ${String(to)}` },
};

export const spares: Feature = {
  pages: [{ path: SPARES, load: async () => (await import('./SparesPage')).SparesPage }],
  changes: spareChanges,
  forms: async () => (await import('./spares.forms')).spareForms,
  tones: { spare: 'quiet', 'swapped-in': 'good', 'worn-out': 'bad' },
  places: { spare: (spareId) => ({ href: linkTo(SPARES, { spareId }), input: { spare_id: spareId } }) },
};
