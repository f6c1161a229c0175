/** Drift as what may need a person: what is recorded, published and served in different places. */
import { grouped } from '../../kernel/figures.ts';
import type { Found, Look } from '../../feature/attention.ts';
import type { DriftSurvey } from './drift-survey.ts';
import type { DriftWatch } from './drift-watch.ts';

/** Only for who sees the whole platform is it looked for at all. */
export const driftLook =
  (watch: DriftWatch): Look =>
  async ({ ask, wholePlatform }) => {
    if (!wholePlatform) return {};
    const drift = await ask('drift', () => watch.latest());
    if (!drift.ok) return {};
    const { unreachable } = drift.value;
    const blind = [{ source: 'drift', reason: `${unreachable.join(', ')} could not be asked` }];
    return { platform: items(drift.value), unchecked: unreachable.length > 0 ? blind : [] };
  };

function items({ items }: DriftSurvey): Found[] {
  const [first] = items;
  if (!first) return [];
  const more = items.length > 1 ? `; and ${items.length - 1} more` : '';
  return [
    {
      id: 'drift',
      severity: 'warning',
      title: items.length === 1 ? 'A placement has drifted' : `${grouped(items.length)} placements have drifted`,
      detail: `${first.kind}/${first.tenant_id}: ${first.reason}${more}`,
      since: null,
      resource: 'drift',
      action: items.some(({ repairable }) => repairable) ? 'scale.drift.repair' : null,
    },
  ];
}
