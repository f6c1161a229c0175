/** Who and what would feel a change, as plans say it: things by their kind, each with what was measured of them. */
import type { BlastRadius, PlanFigure } from '@cloudlysis/contract';

/** Ids in a blast radius; the count is of all. */
const NAMED = 200;

/** Of those tenants together; null where it could not be measured. */
interface Flow {
  readonly perSecond: number | null;
  readonly share: number | null;
}

/** Of one kind; nothing where there is none, so that no plan speaks of what it does not touch. */
export const touched = (kind: string, ids: readonly string[], figures: readonly PlanFigure[] = []): BlastRadius =>
  ids.length === 0 ? [] : [{ kind, ids: ids.toSorted().slice(0, NAMED), count: ids.length, figures: [...figures] }];

/** What is measured of tenants. Without `flow` they have no traffic by what they are, and none is told of. */
export function tenantFigures(flow: Flow | null, inFlight: number | null, lag: number | null): PlanFigure[] {
  const share = flow?.share ?? null;
  return [
    ...(flow ? [{ name: 'traffic', value: flow.perSecond, unit: 'req/s' }] : []),
    { name: 'in flight', value: inFlight, unit: 'in flight' },
    { name: 'lag', value: lag, unit: lag === 1 ? 'event behind' : 'events behind' },
    // Said of it already where traffic could not be measured.
    ...(share === null ? [] : [{ name: 'traffic share', value: Math.round(share * 1e6) / 1e4, unit: '% of traffic' }]),
  ];
}
