/**
 * What keeps environments apart in what they share: the collections, the lanes of jobs.
 *
 * The environment that a store had before it knew of several is its *home*: its collections and lanes have the names they
 * always had, so that nothing is moved and a replica of the version before holds the same lanes. Those of every other
 * environment begin with its id.
 */
import type { Db } from 'mongodb';
import type { ActiveJob, JobReader } from '../jobs/record/job-reader.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';

export interface Boundary {
  readonly environment: string;
  /** The environment's own collections under the names that its features know. */
  collections(mongo: Mongo): Mongo;
  /** What it holds alone, told apart from the same of another environment. */
  lane(own: string): string;
  /** The environment's own jobs, by the lanes that its features know. */
  jobs(all: JobReader): JobReader;
}

/** No id has a dot or a slash in it, so no name of one environment is that of another. */
export function boundaryOf(environment: string, home: string, others: readonly string[]): Boundary {
  const isHome = environment === home;
  const lanePrefix = isHome ? '' : `${environment}/`;
  const foreign = others.filter((id) => id !== environment && id !== home).map((id) => `${id}/`);
  const lane = (own: string): string => lanePrefix + own;
  const isOurs = (held: string): boolean =>
    isHome ? !foreign.some((prefix) => held.startsWith(prefix)) : held.startsWith(lanePrefix);
  const ours = (job: ActiveJob): ActiveJob => ({ ...job, lane: job.lane.slice(lanePrefix.length) });
  return {
    environment,
    collections: (mongo) => (isHome ? mongo : { ...mongo, db: prefixed(mongo.db, `${environment}.`) }),
    lane,
    jobs: ({ active, holderOf }) => ({
      active: async () => (await active()).filter((job) => isOurs(job.lane)).map(ours),
      holderOf: async (own, except) => {
        const holder = await holderOf(lane(own), except);
        return holder && ours(holder);
      },
    }),
  };
}

/** Of the database only what features use is passed on, so that no way past the prefix is left. */
function prefixed(db: Db, prefix: string): Db {
  const own = {
    collection: (name: string, ...rest: []) => db.collection(prefix + name, ...rest),
    createCollection: (name: string, ...rest: []) => db.createCollection(prefix + name, ...rest),
    listCollections: ({ name }: { name: string }) => db.listCollections({ name: prefix + name }),
  };
  return own as unknown as Db;
}
