// Kinds that wait, over cells in the database: what a process did, whichever it was, stands there.
import type { MutationId } from '@cloudlysis/contract';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import type { JobDefinition, Step } from '../define/definition.ts';
import { kindOf, type Input } from '../engine/engine.fixture.ts';

export const cellsOf = (mongo: Mongo) => mongo.db.collection<{ _id: string; jobs: string[] }>('cells');

export const CHILDREN = 5;

/** A change that is approved, made, and finished a while later; and one that starts five of another kind. */
export function waitingKinds(mongo: Mongo): JobDefinition<Input>[] {
  const write = (name: string): Step<Input> => ({
    name,
    title: name,
    run: async ({ input, jobId }) =>
      void (await cellsOf(mongo).updateOne({ _id: `${input.tenant}.${name}` }, { $addToSet: { jobs: jobId } }, { upsert: true })),
    compensate: async ({ input }) => void (await cellsOf(mongo).deleteOne({ _id: `${input.tenant}.${name}` })),
  }); // prettier-ignore
  const approval: Step<Input> = { name: 'approval', title: 'Approval', signal: { name: 'approval', permission: 'configs.approve' } }; // prettier-ignore
  const pause: Step<Input> = { name: 'pause', title: 'Pause', until: () => new Date(Date.now() + 1_500) };
  const family: Step<Input> = {
    name: 'all',
    title: 'All',
    children: ({ input }) => ({
      jobs: Array.from({ length: CHILDREN }, (_, n) => ({
        kind: 'tenants.pause' as MutationId,
        key: `${n}`,
        input: { tenant: `${input.tenant}-${n}` },
      })),
      atOnce: 2,
    }),
    joined: async (_context, results) => results.map(({ state }) => state),
  };
  return [
    kindOf('tenants.update', [approval, write('a'), pause, write('b')]),
    kindOf('tenants.pause', [write('a'), pause]),
    kindOf('tenants.bulk_pause', [family]),
  ];
}
