/** The platform at a glance: what is asked (survey), what follows from it (services, attention), nothing stored (UI-01). */
import type { ReadHandlers } from '../call/call.ts';
import type { DriftSurvey } from '../placement/index.ts';
import { attentionOf, uncheckedOf } from './attention.ts';
import { createDriftWatch } from './drift-watch.ts';
import { inOutline } from './outline.ts';
import { servicesOf } from './services.ts';
import { survey, type OverviewDeps } from './survey.ts';

type Deps = Omit<OverviewDeps, 'drift'> & { surveyDrift(): Promise<DriftSurvey> };

export function createOverview({ surveyDrift, ...deps }: Deps): {
  readonly name: string;
  readonly reads: ReadHandlers<'overview.get'>;
} {
  const drift = createDriftWatch(deps.ambient, surveyDrift);
  return {
    name: 'overview',
    reads: {
      'overview.get': async ({ visible }) => {
        const all = await survey({ ...deps, drift }, visible);
        const facts = visible === 'all' ? all : inOutline(all);
        const services = servicesOf(facts);
        const { tenants, jobs } = facts;
        return {
          services,
          tenants: tenants.ok
            ? { total: tenants.value.total, by_state: { ...tenants.value.byState } }
            : { total: null, by_state: {} },
          jobs: jobs.ok
            ? { open: jobs.value.open, failed_24h: jobs.value.failed, succeeded_24h: jobs.value.succeeded }
            : { open: null, failed_24h: null, succeeded_24h: null },
          attention: attentionOf(facts, services),
          unchecked: uncheckedOf(facts),
          sampled_at: facts.now.toISOString(),
        };
      },
    },
  };
}
