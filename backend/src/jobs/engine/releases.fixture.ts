// One kind of job as four releases have it, each with other steps, over a world of cells in the database.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import type { JobDefinition, Step } from '../define/definition.ts';

export interface Input {
  readonly tenant: string;
}

/** What each release has; `second` inserted a step and carries on what `first` began, `strict` does not; `third` took one out. */
const RELEASES = {
  first: { version: 1, steps: ['a', 'b', 'c'] },
  second: { version: 2, since: 1, steps: ['a', 'x', 'b', 'c'] },
  strict: { version: 2, steps: ['a', 'x', 'b', 'c'] },
  third: { version: 3, since: 1, steps: ['a', 'x', 'c'], retired: ['b'] },
} as const;
export type Release = keyof typeof RELEASES;

/** A cell per step that was done: which release did it. */
export const cellsOf = (mongo: Mongo) => mongo.db.collection<{ _id: string; by: string }>('world');
/** Steps in the order they were undone, with the intent they were given. */
export const undoneOf = (mongo: Mongo) => mongo.db.collection<{ step: string; intent: unknown }>('undone');

export function release(mongo: Mongo, name: Release): JobDefinition<Input> {
  const { steps, ...versions } = { retired: [] as readonly string[], ...RELEASES[name] };
  const cells = cellsOf(mongo);
  const step = (of: string): Step<Input> => ({
    name: of,
    title: `Write ${of}`,
    intent: async () => ({ of, by: name }),
    run: async ({ input, signal }) => {
      await cells.updateOne({ _id: `${input.tenant}.${of}` }, { $set: { by: name } }, { upsert: true });
      // Held while the test says so.
      while (await cells.findOne({ _id: `hold ${input.tenant}.${of}` })) await sleep(20, undefined, { signal });
      return { of };
    },
    compensate: async ({ input, intent }) => {
      await cells.deleteOne({ _id: `${input.tenant}.${of}` });
      await undoneOf(mongo).insertOne({ step: of, intent });
    },
  });
  return {
    ...versions,
    kind: 'tenants.update', risk: 'low', permission: 'tenants.update',
    lane: ({ tenant }) => `tenant:${tenant}`, tenantId: ({ tenant }) => tenant, resource: ({ tenant }) => `tenant:${tenant}`,
    plan: async () => ({ checks: [], diff: [], blastRadius: [], rollback: 'undone' }),
    steps: steps.map(step),
    retired: versions.retired.map(step),
    verify: async () => ({ checks: [], facts: {} }),
  }; // prettier-ignore
}
