/** The environments that one control plane operates: each by itself, and all of them as one set of reads and jobs. */
import type { CopyReport } from '../copies/index.ts';
import type { Feature } from '../feature/feature.ts';
import type { EnvironmentSettings } from '../platform-file.ts';
import { boundaryOf } from './boundary.ts';
import { createEnvironment, type Environment, type EnvironmentDeps } from './create-environment.ts';
import { jobsAcross } from './jobs-across.ts';
import { readsAcross } from './reads-across.ts';

export { homeOf } from './home.ts';

/** One that is behind is not hidden by the same of another environment. */
const namedCopy = ({ state }: CopyReport, environment: string): CopyReport => ({
  state: () => {
    const now = state();
    return { ...now, name: `${environment}/${now.name}` };
  },
});

interface EnvironmentsOptions extends Omit<EnvironmentDeps, 'settings' | 'boundary'> {
  readonly home: string;
  readonly all: readonly EnvironmentSettings[];
}

/** @throws Error or Problem that says what could not be reached or is set wrongly */
export async function createEnvironments({ home, all, ...shared }: EnvironmentsOptions) {
  const ids = all.map(({ id }) => id);
  const boundaries = new Map(ids.map((id) => [id, boundaryOf(id, home, ids)]));
  const made: Environment[] = [];
  for (const settings of all)
    made.push(await createEnvironment({ ...shared, settings, boundary: boundaries.get(settings.id)! }));
  const byEnvironment = <T>(of: (one: Environment) => T): Map<string, T> =>
    new Map(made.map((one) => [one.id, of(one)]));
  /** What a feature of one environment says of it is told as said there; its reads and jobs are asked through all. */
  const features = (of: (one: Environment) => readonly Feature[]): Feature[] =>
    made.flatMap((one) => of(one).map(({ reads: _, jobs: __, ...feature }) => ({ ...feature, environment: one.id })));
  const kinds = Object.keys(made[0]!.jobs) as (keyof Environment['jobs'])[];
  const jobs = kinds.map(
    (kind) =>
      [
        kind,
        jobsAcross(
          byEnvironment((one) => one.jobs[kind]),
          boundaries,
          home,
        ),
      ] as const,
  );
  return {
    ids,
    /** Where sessions are ended: each environment says it of its own, and all are heeded. */
    ended: made.map(({ id, ended }) => ({ ...ended, name: made.length > 1 ? id : null })),
    copies: made.flatMap(({ id, copies }) => (made.length > 1 ? copies.map((copy) => namedCopy(copy, id)) : copies)),
    connections: features(({ connections }) => connections),
    books: features(({ books }) => books),
    tenants: features(({ lives }) => lives),
    placements: features(({ placements }) => placements),
    seeds: features(({ seed }) => [seed]),
    across: {
      name: 'environments',
      reads: readsAcross(byEnvironment(({ reads }) => reads)),
      jobs: Object.fromEntries(jobs) as unknown as Environment['jobs'],
    },
    /** Every node that was looked at last, of any environment. */
    reports: () =>
      made.flatMap(({ id, book }) =>
        [...book.reports().values()].map((report) => ({ environment: made.length > 1 ? id : null, report })),
      ),
    /** Whether there is such a tenant anywhere. */
    async stateOf(tenantId: string) {
      for (const { tenants } of made) {
        const state = await tenants.stateOf(tenantId);
        if (state !== null) return state;
      }
      return null;
    },
    /** Round trip to the first that answers: one that is away leaves the others served. @throws Problem when none does */
    ping: () => Promise.any(made.map(({ nats }) => nats.ping())).catch((error: AggregateError) => Promise.reject(error.errors[0] as Error)), // prettier-ignore
  };
}
