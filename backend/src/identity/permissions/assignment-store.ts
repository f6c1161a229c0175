/** Role assignments in MongoDB: who holds which role in which scope. */
import type { Assignment } from '@cloudlysis/contract';
import type { Collection } from 'mongodb';
import { ensureCollection } from '../../ports/mongo/ensure-collection.ts';
import { isDuplicateKey, translated, type Mongo } from '../../ports/mongo/mongo.ts';
import { newDocument, type AssignmentDocument } from './stored-assignment.ts';

export interface AssignmentStore {
  /** Makes the indexes, and inserts `seed` when there is no assignment at all. */
  prepare(seed: readonly Assignment[]): Promise<void>;
  readonly assignments: Collection<AssignmentDocument>;
}

/** Tells the kinds of scopes apart, and what `environment` meant before form 2 from what it means now. */
const ONE_PER_SCOPE = {
  name: 'one_per_scope_by_form',
  key: {
    principal: 1, role: 1, form: 1, 'scope.kind': 1, 'scope.tenant_id': 1, 'scope.environment': 1, 'scope.tier': 1,
  },
  unique: true,
} as const; // prettier-ignore
/** Of 0.1: it has two tiers for one scope. */
const FORMER_INDEX = 'one_per_scope';

export function createAssignmentStore(mongo: Mongo): AssignmentStore {
  const assignments: Collection<AssignmentDocument> = mongo.db.collection('assignments');
  return {
    prepare: (seed) => translated(() => prepare(mongo.db, assignments, seed)),
    assignments,
  };
}

async function prepare(
  db: Mongo['db'],
  assignments: Collection<AssignmentDocument>,
  seed: readonly Assignment[],
): Promise<void> {
  await ensureCollection(db, 'assignments', [ONE_PER_SCOPE]);
  // There no longer after the first start; another replica may be first.
  await assignments.dropIndex(FORMER_INDEX).catch(() => undefined);
  if (seed.length === 0 || (await assignments.findOne({}, { projection: { _id: 1 } }))) return;
  for (const assignment of seed) {
    // Another replica may be seeding at the same time; the index makes it the same seed.
    await assignments.insertOne(newDocument(assignment) as AssignmentDocument).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error;
    });
  }
}
