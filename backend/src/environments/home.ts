/** Which environment a store had before it knew of several: what it keeps under no environment's name is that one's. */
import { isDuplicateKey, translated, type Mongo } from '../ports/mongo/mongo.ts';

interface HomeMark {
  readonly _id: 'home';
  readonly environment: string;
}

/**
 * The home, noted at the first start of a version that knows of several and never changed: the environment that the audit
 * log was written in, or in a new store the first that is configured.
 * @throws Error when it is not among those that are configured, Problem `store.unavailable`
 */
export async function homeOf({ db }: Pick<Mongo, 'db'>, configured: readonly string[]): Promise<string> {
  const marks = db.collection<HomeMark>('environments');
  const noted = await translated(() => marks.findOne({ _id: 'home' }));
  const home = noted?.environment ?? (await loggedIn(db)) ?? configured[0]!;
  if (!configured.includes(home))
    throw new Error(
      `This store began as the environment ${home}, which is not configured (there is ${configured.join(', ')}): ` +
        'add it to the platform file, or use another MONGODB_DB',
    );
  if (noted === null) {
    try {
      await translated(() => marks.insertOne({ _id: 'home', environment: home }));
    } catch (error) {
      // Another replica noted it; what it noted stands.
      if (isDuplicateKey(error)) return homeOf({ db }, configured);
      throw error;
    }
  }
  return home;
}

async function loggedIn(db: Mongo['db']): Promise<string | null> {
  const records = db.collection<{ environment?: unknown }>('audit_records');
  const last = await translated(() => records.findOne({}, { projection: { environment: 1 } }));
  return typeof last?.environment === 'string' ? last.environment : null;
}
